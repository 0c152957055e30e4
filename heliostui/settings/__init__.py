"""What the user may set: the values, the file they come from, and presets of keys."""
