"""The line editor: what an interactive heliosh reads its commands with, on a terminal that can do more than print.

    editor          one command read, from the prompt to the Enter that ends it
    keys            what single keys do beyond prompt_toolkit's emacs and vi bindings
    keyboard        keys taken from the terminal, none that belongs to the next program
    highlighting    colours, from the parser's own view of the text
    completion      what Tab offers; `partial` knows what stands before the cursor, `containers` asks the engine
    history_file    lines that outlive the shell
    marks           what is told to the terminal around prompts and commands

Loaded only when somebody types: this is the one part of the shell that needs a package, prompt_toolkit.
"""

from engine.shell.editor.editor import Editor

__all__ = ["Editor"]
