"""A heap on the console: its map and figures, and heaps to play with. Imports link and widgets."""
