"""Containers: their states, their files, their life, their output."""
