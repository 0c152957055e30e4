"""What single keys do beyond prompt_toolkit's bindings of emacs and vi. Imports prompt_toolkit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit.application import get_app
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import (
    Condition,
    emacs_mode,
    has_focus,
    has_selection,
    is_searching,
    vi_insert_mode,
    vi_navigation_mode,
)
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.bindings.named_commands import get_by_name
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.search import accept_search, stop_search

if TYPE_CHECKING:
    from engine.shell.editor.editor import Editor


def bindings(editor: Editor) -> KeyBindings:
    """Enter, alt+Enter, pushing the line away, the other editor, the last argument."""
    keys = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=typing)
    @keys.add("c-j", filter=typing)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        menu = buffer.complete_state
        if menu and menu.current_completion and len(menu.completions) > 1:
            buffer.complete_state = None  # what was chosen stays; Enter closes the menu only
        else:
            editor.enter(buffer)

    @keys.add("enter", filter=is_searching & emacs_mode)
    @keys.add("c-j", filter=is_searching & emacs_mode)
    def _(event: KeyPressEvent) -> None:
        accept_search()  # and run what was found, as readline does
        editor.enter(event.app.current_buffer)

    def leave_search(event: KeyPressEvent) -> None:
        accept_search()
        event.key_processor.feed(event.key_sequence[0], first=True)

    for key in ("left", "right", "home", "end", "tab", "c-a", "c-b", "c-e", "c-f"):
        keys.add(key, filter=is_searching & emacs_mode)(leave_search)

    @keys.add("escape", "enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("c-d", filter=typing & Condition(editor.stays) & Condition(lambda: not get_app().current_buffer.text))
    def _(event: KeyPressEvent) -> None:
        editor.show('Use "exit" to leave the shell.')

    @keys.add("c-z")
    def _(event: KeyPressEvent) -> None:
        """A shell can't be stopped, and nobody wants a ^Z in a line."""

    # F24 is what the engine presses to type a line of its own.
    @keys.add("f24", eager=True)
    @keys.add("escape", "q", filter=typing & (emacs_mode | vi_insert_mode))
    def _(event: KeyPressEvent) -> None:
        if is_searching():
            stop_search()
        event.app.vi_state.input_mode = InputMode.INSERT
        editor.push(event.app.current_buffer)

    @keys.add("c-x", "c-e", filter=typing & emacs_mode & ~has_selection)
    @keys.add("v", filter=typing & vi_navigation_mode)
    def _(event: KeyPressEvent) -> None:
        editor.edit_elsewhere(event.current_buffer)

    keys.add("escape", ".", filter=typing & vi_insert_mode)(get_by_name("yank-last-arg"))
    return keys
