"""What can be wrong with what a user typed, told in the manner of good compilers. Imports the standard library only."""

from __future__ import annotations

from engine.shell.typing import NamedTuple

_NEAR = 200  # characters of a line that are shown on each side
_PICTURES = {number: 0x2400 + number for number in range(32) if chr(number) not in "\t\n"}
_PICTURES |= {0x7F: 0x2421} | dict.fromkeys(range(128, 160), 65533)


class Place(NamedTuple):
    """Where in a text: `name` is the file, `-c`, or the shell; `line` of `source[0]`, from 1; offsets in characters."""

    name: str
    source: str
    start: int
    end: int
    line: int = 1


class Fault(Exception):
    """Something the user wrote can't be carried out. `status` is what `$?` becomes."""

    def __init__(self, message: str, place: Place | None = None, *, hint: str = "", status: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint
        self.status = status

    def explain(self, command: str = "heliosh") -> str:
        """The message; with a place the line, a caret under the part that is meant, and the hint.

        Control characters are shown as pictures (U+2400 and on): what is quoted must not act on the terminal.
        """
        return self._explained(command).translate(_PICTURES)

    def _explained(self, command: str) -> str:
        if self.place is None:
            return "\n".join(filter(None, (f"{command}: {self.message}", self.hint and f"  hint: {self.hint}")))
        name, source, start, end, first = self.place
        begin = source.rfind("\n", 0, start) + 1
        stop = source.find("\n", start)
        line = first + source.count("\n", 0, start)
        before, meant, after = _window(source[begin : stop if stop >= 0 else len(source)], start - begin, end - begin)
        gutter = f"{line:>4} | "
        pad = "".join("\t" if character == "\t" else " " * _columns(character) for character in before)
        caret = " " * (len(gutter) - 2) + "| " + pad + "^" * max(1, _columns(meant))
        lines = [f"{name}:{line}:{start - begin + 1}: {self.message}", gutter + before + meant + after, caret]
        if self.hint:
            lines.append(" " * (len(gutter) - 2) + f"= {self.hint}")
        return "\n".join(lines)


class SyntaxFault(Fault):
    """The text is not a command. `incomplete`: it would be one with more lines after it (an editor then asks on)."""

    def __init__(self, message: str, place: Place, *, hint: str = "", incomplete: bool = False) -> None:
        super().__init__(message, place, hint=hint, status=2)
        self.incomplete = incomplete


class ExpansionFault(Fault):
    """A word can't be expanded: an unset variable under -u, `${x:?…}`, a division by zero, a bad substitution."""


def _window(text: str, start: int, end: int) -> tuple[str, str, str]:
    """What stands before the part that is meant, that part, and what stands behind; of a long line what is near."""
    before, meant, after = text[:start], text[start:end], text[end:]
    if len(before) > _NEAR:
        before = "…" + before[-_NEAR:]
    if len(meant) > _NEAR:
        meant, after = meant[:_NEAR] + "…", ""
    if len(after) > _NEAR:
        after = after[:_NEAR] + "…"
    return before, meant, after


def _columns(text: str) -> int:
    """How wide a terminal shows it."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(2 if east_asian_width(each) in "WF" else not combining(each) for each in text)
