"""Recordings of terminals as asciicast files, version 2: written, read and played. Only `console` imports Textual."""
