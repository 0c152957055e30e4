"""The networks of the machine, and of one container, on the screen: words, pane, commands, captures."""
