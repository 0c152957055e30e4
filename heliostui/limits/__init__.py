"""Limits of a container on the screen: in words, and as knobs."""
