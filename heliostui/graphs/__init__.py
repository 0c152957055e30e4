"""Live graphs: what containers and the machine use, in time.

`charts` is the table of charts, `feed` what they are drawn from, `marks` what happened meanwhile, `board` the charts
on the screen with their keys, `choose` the dialogs, and `pane` the region of the console.
"""
