"""What can be wrong with what a user typed, told in the manner of good compilers. Imports typing only."""

from __future__ import annotations

from typing import NamedTuple


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
        """The message; with a place the line, a caret under the part that is meant, and the hint."""
        if self.place is None:
            return "\n".join(filter(None, (f"{command}: {self.message}", self.hint and f"  hint: {self.hint}")))
        name, source, start, end, first = self.place
        begin = source.rfind("\n", 0, start) + 1
        stop = source.find("\n", start)
        text = source[begin : stop if stop >= 0 else len(source)]
        line = first + source.count("\n", 0, start)
        gutter = f"{line:>4} | "
        width = max(1, min(end, begin + len(text)) - start)
        pad = "".join("\t" if character == "\t" else " " for character in text[: start - begin])
        caret = " " * (len(gutter) - 2) + "| " + pad + "^" * width
        lines = [f"{name}:{line}:{start - begin + 1}: {self.message}", gutter + text, caret]
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
