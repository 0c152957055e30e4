"""heliosh: a shell for interactive process control. A program of its own; the engine only starts it.

    lexer, parser, ast   text to a tree, with faults that name the place; text knows where each character was typed
    tokens, quoting      the same for an editor's colours; a text as a word that can be typed again
    expansion            words to fields, in POSIX order
    shell, execution     the tree carried out; redirections
    jobs, spawn, tty     process groups, who has the terminal, who stopped and how it ended
    builtins             the commands that must be the shell's own
    editor               the line editor, loaded only when somebody types
    history, prompt      !! and its kind; PS1 and PS2
    typing               what the modules that every start needs have of typing: a NamedTuple that costs little
    report               the job table, told to whoever draws the terminal

Imports the standard library only, but for the editor (prompt_toolkit); what is not needed to run `heliosh -c` is
imported when it is used.
"""
