"""Textual's driver for Linux terminals, with the keys that Textual loses or cannot tell apart.

Without the kitty protocol a terminal sends alt and a key as ESC and the key. Textual waits for more, then drops the alt
of everything but letters and digits, and reads some as other keys altogether (`ESC f` as ctrl+right, `ESC 1` as `¡`).
Here each of them is a key at once, and a lone ESC is the escape key after `ESCAPE_PATIENCE`. The keypad can be told
from the other keys, shift+F3 from a cursor report, and a paste goes by in one piece. What is written is timed by
`line_speed`. Imports Textual, some of it private: there is no other way to its parser.

Sources: xterm's ctlseqs ("Alt and Meta Keys", "PC-Style Function Keys", "VT220-Style Function Keys") and
sw.kovidgoyal.net/kitty/keyboard-protocol.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import re
import select
import termios
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from time import monotonic
from typing import Any

from textual import constants, events
from textual._parser import Peek1, Read1
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.keys import Keys, _character_to_key
from textual.message import Message
from textual.messages import ExitApp

from .key_turns import KeyTurns
from .line_speed import ANSWER, QUESTION, LineSpeed
from .shown_cells import ShownCells
from .tty_writer import TtyWriter

ESCAPE_PATIENCE = 0.025
"""Seconds after which an ESC that nothing follows is the escape key. Terminals write a sequence in one piece."""
READ_SIZE = 65_536
FIRST_ANSWER = 0.1
"""The same, of a terminal that has not answered yet and may never."""
LOOK_AGAIN = 0.05
"""Seconds after which who waits to draw looks again whether he may."""
LAST_ANSWER = 1.0
"""Seconds that an answer is waited for at the end, so that it is not typed into the shell that comes back."""

_ESC = "\x1b"
_CUT_STARTS = (BRACKETED_PASTE_START[:4], BRACKETED_PASTE_START[:5])
_KEYPAD_LETTERS = dict(zip("MXjklmnopqrstuvwxy", "\r=*+,-./0123456789", strict=True))
_KEYPAD_CODES = dict(zip(range(57399, 57417), "0123456789./*-+\r=,", strict=True))
_KITTY_CODE = re.compile(r"\x1b\[(\d+)[;u].*", re.DOTALL)
_KITTY_ALTERNATES = re.compile(r"\x1b\[(\d+):(\d*)(?::(\d*))?(?:;(\d+))?u")
_SHIFT, _ALT, _CTRL = 1, 2, 4
_MODIFIERS = ((_SHIFT, "shift"), (_ALT, "alt"), (_CTRL, "ctrl"))


class Key(events.Key):
    """A key event that knows the keypad. It has the name of Textual's class because handlers are found by that."""

    keypad: str = ""
    """What the key types, when it is one of the keypad."""


def _without_alternates(sequence: str) -> str:
    """A kitty sequence that carries alternate keys (`code:shifted:base;modifiers u`) as one without.

    Shift and a key become the shifted key, ctrl and a letter of another alphabet the Latin letter on that key.
    """
    if ":" not in sequence:
        return sequence
    match = _KITTY_ALTERNATES.fullmatch(sequence)
    if match is None:  # the text it types follows, which says all
        return re.sub(r"(\x1b\[\d+)[:\d]*", r"\1", sequence, count=1)
    code, shifted, base, modifiers = (int(group or 0) for group in match.groups())
    bits = max(modifiers - 1, 0)
    if bits & _CTRL and base and code > 0x7F:
        code = base
    elif bits & _SHIFT and shifted and not chr(code).isalpha():
        code, bits = shifted, bits & ~_SHIFT
    return f"{_ESC}[{code};{bits + 1}u"


def _function_key(message: Message) -> Message:
    """F3 with modifiers looks like a report of the cursor's place in the first line, for which nobody asks here."""
    if isinstance(message, events.CursorPosition) and message.y == 0 and 1 <= message.x <= 7:
        names = [name for bit, name in _MODIFIERS if message.x & bit]
        return Key("+".join([*sorted(names), "f3"]), None)
    return message


class KeyParser(XTermParser):
    """What a terminal sends, as messages."""

    def __init__(self, debug: bool = False, erase: str = "\x7f", answered: Callable[[], None] = lambda: None) -> None:
        """`erase` is what the terminal sends for the backspace key; `answered` is called when it says it is well."""
        self._erase = erase
        self._answered = answered
        self._begun = ""
        self._pasted: list[str] | None = None
        super().__init__(debug)

    @property
    def due(self) -> float | None:
        """Seconds until `tick` will take an unfinished sequence for a key; None when none is unfinished."""
        return None if self._timeout_time is None else max(0.0, self._timeout_time - monotonic())

    def feed(self, data: str) -> Iterable[Message]:
        if not data:
            yield from super().feed(data)
        data = self._begun + data
        self._begun = ""
        while data:
            if self._pasted is not None:
                data = yield from self._paste(data)
                continue
            typed, start, data = data.partition(BRACKETED_PASTE_START)
            if start:
                self._pasted = [""]
            elif typed.endswith(_CUT_STARTS):
                at = typed.rindex(_ESC)
                typed, self._begun = typed[:at], typed[at:]
            if typed:
                yield from super().feed(typed)
        if self._timeout_time is not None:
            self._timeout_time = min(self._timeout_time, monotonic() + ESCAPE_PATIENCE)

    def _paste(self, data: str) -> Generator[Message, None, str]:
        """Collects a paste, whose end may come in two pieces; returns what follows it."""
        assert self._pasted is not None
        text, end, rest = (self._pasted.pop() + data).partition(BRACKETED_PASTE_END)
        if end:
            yield events.Paste("".join([*self._pasted, text]).replace("\0", ""))
            self._pasted = None
        else:
            seam = max(0, len(text) - len(BRACKETED_PASTE_END) + 1)
            self._pasted += [text[:seam], text[seam:]]
        return rest

    def parse(self, token_callback: Callable[[Message], None]) -> Generator[Read1 | Peek1, str, None]:
        return super().parse(lambda message: token_callback(_function_key(message)))

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if sequence == ANSWER:
            self._answered()
            return [Key(Keys.Ignore, None)]
        if sequence == self._erase:
            sequence = "\x7f"
        if len(sequence) == 2 and sequence[0] == _ESC and sequence[1] not in "[O":
            sequence, alt = sequence[1], True
        if alt:
            return [self._with_alt(event) for event in super()._sequence_to_key_events(sequence)]
        if len(sequence) == 3 and sequence.startswith("\x1bO") and sequence[2] in _KEYPAD_LETTERS:
            return [self._of_keypad(_KEYPAD_LETTERS[sequence[2]])]
        match = _KITTY_CODE.fullmatch(sequence)
        found = list(super()._sequence_to_key_events(_without_alternates(sequence)))
        if match is not None and int(match[1]) in _KEYPAD_CODES:
            return [self._of_keypad(_KEYPAD_CODES[int(match[1])], event) for event in found]
        if len(found) == 2 and found[0].key == "escape":  # how Textual spells alt where it knows it
            return [self._with_alt(found[1])]
        return found

    def _with_alt(self, event: events.Key) -> Key:
        key = event.key
        if len(key) == 1 and key.isupper():
            key = f"shift+{key.lower()}"
        return Key(f"alt+{key}", event.character)

    def _of_keypad(self, typed: str, event: events.Key | None = None) -> Key:
        name = "enter" if typed == "\r" else _character_to_key(typed)
        modifiers = event.key.split("+")[:-1] if event is not None else []
        key = Key("+".join([*modifiers, name]), None if modifiers else typed)
        key.keypad = typed
        return key


class LineChanged(Message):
    """The line to the terminal has turned out to be slow, or to be so no longer. The application gets it."""

    def __init__(self, slow: bool) -> None:
        super().__init__()
        self.slow = slow


class KeyDriver(LinuxDriver):
    """Reads the keyboard with `KeyParser` and writes, both on the event loop itself: threads cost each key a detour.

    Asks the terminal to tell the keypad apart, and for alternate keys. `tee` is given all that is written.
    """

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.line = LineSpeed()
        self.shown = ShownCells()
        self.turns = KeyTurns(app, app.post_message)
        self.tee: Callable[[str], None] | None = None
        self._flushed = 0  # bytes written up to the last flush

    def start_application_mode(self) -> None:
        self.shown.forget()
        self._parser = KeyParser(self._debug, self._erase(), self._answered)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._overdue: asyncio.TimerHandle | None = None
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self.write("\x1b=")  # application keypad (DECKPAM)
        if not constants.DISABLE_KITTY_KEY:
            self.write("\x1b[=4;2u")  # and alternate keys
        self.flush()
        self._write_without_thread()
        self.flush()

    def _write_without_thread(self) -> None:
        thread = self._writer_thread
        assert self._file is not None
        assert thread is not None
        with suppress(OSError):  # then the thread does it
            self._writer_thread = TtyWriter(self._file.fileno())  # type: ignore[assignment]
            thread.stop()

    def _get_terminal_size(self) -> tuple[int, int]:
        """Of this terminal: COLUMNS and LINES, which come first elsewhere, may be another's (readline exports them)."""
        with suppress(OSError):
            columns, lines = os.get_terminal_size(self.fileno)
            if columns and lines:
                return columns, lines
        return super()._get_terminal_size()

    def stop_application_mode(self) -> None:
        self._await_answer()
        self.write("\x1b>")
        super().stop_application_mode()

    def write(self, data: str) -> None:
        if self.tee is not None:
            self.tee(data)
        super().write(data)

    def flush(self) -> None:
        """Textual calls it after each frame."""
        writer = self._writer_thread
        if isinstance(writer, TtyWriter):
            now = monotonic()
            if writer.written > self._flushed:
                self.line.drew(now, writer.written - self._flushed)
            if self.line.ask(now):
                writer.write(QUESTION)
            self._flushed = writer.written
        if writer is not None:
            writer.flush()

    # --- how fast the line is ---

    @property
    def wait(self) -> float:
        """Seconds until the next frame is to be drawn, or it is to be asked again; 0: now."""
        if isinstance(self._writer_thread, TtyWriter) and self._writer_thread.behind:
            return LOOK_AGAIN
        return min(LOOK_AGAIN, self.line.wait(monotonic()))

    def _answered(self) -> None:
        slow = self.line.slow
        self.line.answered(monotonic())
        if self.line.slow != slow:
            self.send_message(LineChanged(self.line.slow))

    def _await_answer(self) -> None:
        """What is under way comes before the modes are taken back; it would be typed into the shell."""
        end = monotonic() + (LAST_ANSWER if self.line.answers else FIRST_ANSWER)
        answer = b""
        while self.line.due and ANSWER.encode() not in answer and (left := end - monotonic()) > 0:
            if not select.select([self.fileno], [], [], left)[0] or not (read := os.read(self.fileno, READ_SIZE)):
                return
            answer += read

    def run_input_thread(self) -> None:
        """Textual's thread for input: has only to wait for its end."""
        self._loop.call_soon_threadsafe(self._loop.add_reader, self.fileno, self._read)
        self.exit_event.wait()

    def disable_input(self) -> None:
        self._loop.remove_reader(self.fileno)
        if self._overdue is not None:
            self._overdue.cancel()
        self.turns.stop()
        super().disable_input()

    def send_message(self, message: Message) -> None:
        if isinstance(message, (events.InputEvent, events.Paste)):
            self.turns.put(message)
        else:
            self._app.post_message(message)

    def _read(self) -> None:
        try:
            data = os.read(self.fileno, READ_SIZE)
        except OSError:  # the terminal is gone; SIGHUP says so too, where it is not ignored
            data = b""
        if not data:
            self._loop.remove_reader(self.fileno)
            self._app.post_message(ExitApp())
            return
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        text = self._decode(data)
        if text != ANSWER:
            self.line.touched(monotonic())
        for message in self._parser.feed(text) if text else ():
            self.process_message(message)
        if self._parser.due is not None:
            self._overdue = self._loop.call_later(self._parser.due, self._tick)

    def _tick(self) -> None:
        """What was unfinished stays so no longer."""
        self._overdue = None
        for message in self._parser.tick():
            self.process_message(message)

    def _erase(self) -> str:
        """What the terminal sends for the backspace key."""
        try:
            return bytes(termios.tcgetattr(self.fileno)[6][termios.VERASE]).decode("latin-1")
        except termios.error:
            return "\x7f"
