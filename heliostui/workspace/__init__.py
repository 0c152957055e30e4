"""The console's layout: which regions are on the screen, where, and how large.

`tree` is the arithmetic, `layouts` the named layouts, `frame` draws and places, `workspace` is the widget with the
regions, `memory` what is remembered of it, `commands` its keys, and `jump` the letters that lead anywhere.
"""
