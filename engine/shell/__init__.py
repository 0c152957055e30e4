"""heliosh: a shell for interactive process control. A program of its own; the engine only starts it.

    lexer, parser, ast   text to a tree, with faults that name the place
    expansion            words to fields, in POSIX order
    shell, execution     the tree carried out; redirections
    jobs, spawn, tty     process groups, who has the terminal, who stopped and how it ended
    builtins             the commands that must be the shell's own
    editor               the line editor, loaded only when somebody types
    report               the job table, told to whoever draws the terminal

Imports the standard library only, but for the editor (prompt_toolkit); what is not needed to run `heliosh -c` is
imported when it is used.
"""
