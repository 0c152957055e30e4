"""The console's layout: which regions are on the screen, where, and how large.

`tree` is the arithmetic, `layouts` the named layouts, `frame` draws and places, `workspace` is the widget with the
regions, `terminals` the one with terminals, `memory` what is remembered, `regions` what follows what, `actions` the
commands, `crumbs` the path to the focus, and `jump` the letters that lead anywhere.
"""
