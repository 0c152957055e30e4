"""Reading one command from a keyboard. Imports prompt_toolkit and the shell."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggest, Suggestion
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.cursor_shapes import ModalCursorShapeConfig
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import History
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.shortcuts.prompt import PromptSession

from engine.shell import history, prompt
from engine.shell.editor import history_file, marks
from engine.shell.editor.completion import ShellCompleter
from engine.shell.editor.highlighting import STYLE, Highlighter
from engine.shell.editor.keyboard import Keyboard
from engine.shell.editor.keys import bindings
from engine.shell.faults import Fault, SyntaxFault
from engine.shell.parser import Parser
from engine.shell.quoting import quote

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from engine.shell.shell import Shell

ESCAPE_WAIT = 0.05  # seconds after which an ESC is a key of its own

_MARKED = re.compile("\1([^\1\2]*)\2")
_COLOURS = re.compile(r"(\x1b\[[0-9;:]*m)")


class Editor:
    """The line editor of one shell; `shell.history` is what it has read, and read from the file of earlier shells."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._state = shell.state
        self._file = self._state.variables.get("HISTFILE") or history_file.place(self._state.variables.environment())
        self._events = shell.history = self._load()
        self._pushed: list[Document] = []  # lines put away, for the next prompts
        self._fixed = ""  # the lines above the cursor's, in which history is expanded already
        self._elsewhere = False  # the line is to be typed in another editor
        self._shown = False  # the prompt
        self._ran = False  # a command since the last prompt
        self._highlighter = Highlighter(shell)
        self._session = self._made()
        shell.announce = self.announce

    def read(self, text: str, continuation: str) -> str | None:
        """One command, after the prompts PS1 and PS2 (as they are set; "" for the shell's own); None at the end.

        Raises KeyboardInterrupt at ctrl+c.
        """
        self._highlighter.forget()
        first, more = self._prompts(text, continuation)
        try:
            # From here on the terminal echoes nothing by itself, or what is typed ahead would be in the prompt.
            with self._session.input.raw_mode():
                self._begin()
                line = self._ask(first, more)
        except EOFError:
            return None
        if self._elsewhere:
            line = self._edited(line)
        self._remember(line)
        self._ran = bool(line.strip())
        if self._ran:
            self._tell_terminal(marks.before_output(line))
        return line

    def announce(self, text: str) -> None:
        """Show a notice above the line that is being typed. May be called in a signal handler."""
        app = self._session.app
        if app.is_running and app.loop:
            app.loop.call_soon_threadsafe(self.show, text)
        else:
            self._shell.tell(text)

    # --- keys ---

    def show(self, text: str) -> None:
        """Write something above the line that is being typed."""
        run_in_terminal(lambda: self._shell.tell(text))

    def stays(self) -> bool:
        """Whether ctrl+d must not end the shell."""
        return "ignoreeof" in self._state.options

    def enter(self, buffer: Buffer) -> None:
        """Take the line, or go on in a next one when the command isn't complete."""
        try:
            expanded = self._expanded(buffer.text)
        except Fault as fault:
            self.show(fault.explain())
            return
        if expanded.changed:
            buffer.document = Document(expanded.text)
        if expanded.only_shown:
            self.show(expanded.text)
            self._remember(expanded.text)
            buffer.reset()
        elif self._is_complete(expanded.text):
            self._fixed = ""
            buffer.validate_and_handle()
        else:
            buffer.cursor_position = len(buffer.text)
            buffer.insert_text("\n")
            self._fixed = buffer.text

    def push(self, buffer: Buffer) -> None:
        """Put the line away; it comes back at the next prompt."""
        if buffer.text:
            self._pushed.append(buffer.document)
        self._fixed = ""
        buffer.reset()

    def edit_elsewhere(self, buffer: Buffer) -> None:
        """Have the line typed in $VISUAL or $EDITOR, and then run."""
        self._elsewhere = True
        buffer.validate_and_handle()

    # --- one line ---

    def _ask(self, first: str, more: str) -> str:
        pushed = self._pushed.pop() if self._pushed else ""
        self._elsewhere = self._shown = False
        self._fixed = ""
        session = self._session
        vi = "vi" in self._state.options
        session.editing_mode = EditingMode.VI if vi else EditingMode.EMACS
        session.cursor = ModalCursorShapeConfig() if vi else None
        return session.prompt(
            ANSI(first),
            default=pushed,
            prompt_continuation=lambda _, line, wraps: "" if wraps else ANSI(more),
            set_exception_handler=False,
        )

    def _made(self) -> PromptSession[str]:
        terminal = self._shell.jobs.terminal
        fd = terminal.fd if terminal else 0
        reader = os.fdopen(fd, encoding="utf-8", closefd=False)
        writer = os.fdopen(fd if terminal else 1, "w", encoding="utf-8", closefd=False)
        output = Vt100_Output.from_pty(writer, term=self._state.variables.get("TERM"))
        output.enable_cpr = False  # an answer could come when a program reads
        session: PromptSession[str] = PromptSession(
            multiline=True,
            input=Keyboard(reader, lambda: session.app.is_done),
            output=output,
            lexer=self._highlighter,
            style=STYLE,
            include_default_pygments_style=False,
            history=_Lines(self._shell),
            enable_history_search=True,
            auto_suggest=_Suggestions(self._shell),
            completer=ShellCompleter(self._shell),
            complete_while_typing=False,
            complete_in_thread=True,
            key_bindings=bindings(self),
        )
        session.app.after_render += lambda app: self._rendered()
        session.app.ttimeoutlen = ESCAPE_WAIT
        session.app.terminal_size_polling_interval = None
        return session

    def _prompts(self, text: str, continuation: str) -> tuple[str, str]:
        """As ANSI text for prompt_toolkit, which must know the colours and not see what else is in `\\[…\\]`."""
        first = prompt.prompt(self._shell, text) if text else prompt.default(self._shell)
        more = prompt.prompt(self._shell, continuation or prompt.CONTINUATION)
        return _visible(first), _visible(more)

    def _begin(self) -> None:
        """Tell the terminal where a prompt begins, and programs how large it is."""
        size = self._session.output.get_size()
        variables = self._state.variables
        with suppress(Fault):  # somebody has made them read-only
            variables.set("COLUMNS", str(size.columns))
            variables.set("LINES", str(size.rows))
        ended = self._state.status if self._ran else None
        self._ran = False
        directory = variables.get("PWD") or "/"
        shown = prompt.prompt(self._shell, "\\w")
        self._tell_terminal(marks.fresh_line(size.columns) + marks.before_prompt(directory, shown, ended))

    def _rendered(self) -> None:
        """The prompt stands there for the first time: the cursor is where the line begins."""
        if not self._shown:
            self._shown = True
            self._tell_terminal(marks.LINE_BEGINS)

    def _tell_terminal(self, sequences: str) -> None:
        self._session.output.write_raw(sequences)
        self._session.output.flush()

    def _is_complete(self, text: str) -> bool:
        try:
            for _ in Parser(text + "\n", aliases=self._state.aliases):
                pass
        except SyntaxFault as fault:
            return not fault.incomplete
        return True

    # --- history ---

    def _expanded(self, text: str) -> history.Expanded:
        if "histexpand" not in self._state.options:
            return history.Expanded(text, False, False)
        fixed = self._fixed if text.startswith(self._fixed) else ""
        expanded = history.expand(text[len(fixed) :], self._events, before=fixed)
        return expanded._replace(text=fixed + expanded.text)

    def _load(self) -> list[str]:
        try:
            return history_file.load(self._file)
        except OSError as error:
            self._complain(error)
            return []

    def _complain(self, error: OSError) -> None:
        """Once: from then on the history is in memory only."""
        self._shell.tell(f"heliosh: {self._file}: the history can't be kept there: {error.strerror}")
        self._file = ""

    def _remember(self, line: str) -> None:
        """Add a line to the history, unless it begins with a blank, says nothing, or is the last one again."""
        events = self._events
        if not line.strip() or line[0] in " \t" or events[-1:] == [line]:
            return
        events.append(line)
        if self._file:
            try:
                history_file.append(self._file, line)
            except OSError as error:
                self._complain(error)

    # --- another editor ---

    def _edited(self, line: str) -> str:
        """The line as another editor leaves it; nothing when that fails."""
        variables = self._state.variables
        command = variables.get("VISUAL") or variables.get("EDITOR") or "vi"
        with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8", errors="surrogateescape") as file:
            file.write(line + "\n")
            file.flush()
            with self._shell.jobs.unwatched():
                status = self._shell.run_text(f"{command} {quote(file.name)}", "editor")
            with open(file.name, encoding="utf-8", errors="surrogateescape") as changed:
                text = changed.read().strip("\n")
        if status or not text:
            return ""
        self._shell.tell(text)
        return text


class _Lines(History):
    """The shell's own list as prompt_toolkit looks at it; who reads a line adds it there."""

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self._shell = shell

    async def load(self) -> AsyncGenerator[str, None]:
        for line in self.load_history_strings():
            yield line

    def load_history_strings(self) -> Iterable[str]:
        return reversed(self._shell.history or [])

    def get_strings(self) -> list[str]:
        return self._shell.history or []

    def append_string(self, string: str) -> None:
        pass

    def store_string(self, string: str) -> None:
        pass


class _Suggestions(AutoSuggest):
    """The rest of the newest line that begins with what is typed."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def get_suggestion(self, buffer: Buffer, document: Document) -> Suggestion | None:
        text = document.text
        if text.strip():
            for line in reversed(self._shell.history or []):
                if line.startswith(text) and line != text:
                    return Suggestion(line[len(text) :])
        return None


def _visible(text: str) -> str:
    """Colours out of the marks that hide them, so that prompt_toolkit keeps account of them; the rest stays hidden."""

    def shown(match: re.Match[str]) -> str:
        pieces = _COLOURS.split(match[1])
        return "".join([piece if _COLOURS.fullmatch(piece) else f"\1{piece}\2" for piece in pieces if piece])

    return _MARKED.sub(shown, text)
