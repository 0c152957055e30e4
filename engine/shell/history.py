"""History expansion: `!!`, `!n`, `!-n`, `!text`, `!?text?`, `!#`, `^old^new`, with `:words` and `:modifiers`.

Text in, text out: it knows the lines that were typed (events, the oldest first, numbered from 1) and no shell. The
rules are those of the GNU History library ("History Expansion" in its manual) with bash's quotes: nothing in single
quotes, nothing behind a backslash. Imports the faults only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.shell.faults import Fault, Place

_NOTHING_FOLLOWS = " \t\n\r="  # a ! before one of these is only a !
_EVENT_ENDS = " \t\n:;&()|<>^$*%-"
_QUOTES = "\"'`"
_WORD_ENDS = " \t\n;&()|<>"


class Expanded(NamedTuple):
    """`text` with its history in it. `only_shown`: `:p` was said, so that it is not to be run."""

    text: str
    changed: bool
    only_shown: bool


def expand(line: str, events: Sequence[str], *, before: str = "") -> Expanded:
    """Put the history into a line. `before`: the lines of the same command above it, which may have opened quotes.

    Raises Fault for what isn't found or can't be understood.
    """
    if line.startswith("^") and not before:
        line = "!!:s" + line
    elif "!" not in line:
        return Expanded(line, False, False)
    return _Expansion(line, events, _open_quote(before)).run()


def words(line: str) -> list[str]:
    """A line cut as `!:n` counts: operators are words, quotes and `$(…)` hold words together."""
    return [line[start:end] for start, end in _places(line)]


# --- finding and replacing ---


class _Expansion:
    """One line on its way; `position` is where it is read."""

    def __init__(self, line: str, events: Sequence[str], quote: str) -> None:
        self.line = line
        self.events = events
        self.position = 0
        self.quote = quote  # " when in double quotes
        self.result: list[str] = []
        self.changed = False
        self.only_shown = False
        self.searched = ""  # the text of the last !?text?, and the word it was in, for %
        self.substitution: tuple[str, str] | None = None  # of the last :s
        self.quoting: Callable[[str], str] | None = None  # what :q or :x will do at the end

    def run(self) -> Expanded:
        if self.quote == "'":
            self._single_quotes()
        while self.position < len(self.line):
            self._step()
        return Expanded("".join(self.result), self.changed, self.only_shown)

    def _step(self) -> None:
        character = self.line[self.position]
        if character == "\\":
            self._copy(2)
        elif character == "'" and not self.quote:
            self._copy(1)
            self._single_quotes()
        elif character == '"':
            self.quote = "" if self.quote else '"'
            self._copy(1)
        elif character == "#" and self._begins_word() and not self.quote:
            self._copy(len(self.line))
        elif character == "!" and self._is_history():
            self.result.append(self._reference())
            self.changed = True
        else:
            self._copy(1)

    def _copy(self, count: int) -> None:
        self.result.append(self.line[self.position : self.position + count])
        self.position += count

    def _single_quotes(self) -> None:
        end = self.line.find("'", self.position)
        self._copy(len(self.line) if end < 0 else end + 1 - self.position)
        self.quote = ""

    def _begins_word(self) -> bool:
        return self.position == 0 or self.line[self.position - 1] in _WORD_ENDS

    def _is_history(self) -> bool:
        """Whether the ! here is more than a !: not in `$!`, `${!x}`, `[!a]`, nor before a blank or `=`."""
        before, after = "".join(self.result[-2:]), self.line[self.position + 1 :]
        if not after or after[0] in _NOTHING_FOLLOWS or (self.quote and after[0] == self.quote):
            return False
        if before.endswith("[") and "]" in after:
            return False
        return not (before.endswith("$") or (before.endswith("${") and "}" in after))

    # --- one reference: event, words, modifiers ---

    def _reference(self) -> str:
        start = self.position
        event = self._event()
        text = self._words(event, start)
        self.quoting = None
        while self._here() == ":":
            text = self._modified(text, start)
        return self.quoting(text) if self.quoting else text

    def _event(self) -> str:
        start = self.position
        self.position += 1
        if self._here() in tuple(":$*%^"):
            return self._numbered(-1, start)
        if self._here() == "#":
            self.position += 1
            return "".join(self.result)
        if self._here() == "!":
            self.position += 1
            return self._numbered(-1, start)
        if match := re.compile(r"-?[0-9]+").match(self.line, self.position):
            self.position = match.end()
            return self._numbered(int(match[0]), start)
        if self._here() == "?":
            return self._containing(start)
        return self._beginning(start)

    def _here(self) -> str:
        return self.line[self.position : self.position + 1]

    def _numbered(self, number: int, start: int) -> str:
        """The event of that number, or so many back."""
        index = number - 1 if number > 0 else len(self.events) + number
        if number == 0 or not 0 <= index < len(self.events):
            self._not_found(start)
        return self.events[index]

    def _beginning(self, start: int) -> str:
        first = self.position
        while self._here() and not (self._here() in _EVENT_ENDS or self._here() == self.quote):
            self.position += 1
        text = self.line[first : self.position]
        for event in reversed(self.events):
            if text and event.startswith(text):
                return event
        return self._not_found(start)

    def _containing(self, start: int) -> str:
        first = self.position + 1
        end = min((at for at in (self.line.find("?", first), self.line.find("\n", first)) if at >= 0), default=-1)
        text = self.line[first : end if end >= 0 else len(self.line)]
        self.position = len(self.line) if end < 0 else end + (self.line[end] == "?")
        for event in reversed(self.events):
            if text and text in event:
                self.searched = next((word for word in words(event) if text in word), "")
                return event
        return self._not_found(start)

    def _not_found(self, start: int) -> str:
        text = self.line[start : self.position]
        raise self._fault(f"{text}: event not found", start, "history lists the lines; a ! after a \\ is only a !")

    def _fault(self, message: str, start: int, hint: str = "") -> Fault:
        end = max(self.position, start + 1)
        return Fault(message, Place("history", self.line, start, end), hint=hint)

    # --- words ---

    def _words(self, event: str, start: int) -> str:
        colon = self._here() == ":"
        match = _WORDS.match(self.line, self.position + colon)
        if not match or (match["first"] and not colon):
            return event
        self.position = match.end()
        if match["searched"]:
            return self.searched
        found = words(event)
        if match["all"]:
            return " ".join(found[1:])
        first, last = _range(match, len(found))
        if not 0 <= first <= last + (match["to"] == "-" and not match["last"]) or not last < len(found):
            message = f"{self.line[start : self.position]}: bad word specifier"
            raise self._fault(message, start, f"that line has {len(found)} words, counted from 0")
        return " ".join(found[first : last + 1])

    # --- modifiers ---

    def _modified(self, text: str, start: int) -> str:
        match = _MODIFIER.match(self.line, self.position)
        if not match:
            self.position += 2
            message = f"{self.line[self.position - 2 : self.position]}: unrecognized history modifier"
            raise self._fault(
                message, start, "there are :h :t :r :e :p :q :x :s/old/new/ :& and :g in front of s and &"
            )
        self.position = match.end()
        scope, modifier = match["scope"] or "", match["modifier"]
        if modifier in "s&":
            return self._substituted(text, scope, modifier, start)
        if modifier in _QUOTINGS:
            self.quoting = _QUOTINGS[modifier]
            return text
        if modifier == "p":
            self.only_shown = True
        return _MODIFIERS[modifier](text)

    def _substituted(self, text: str, scope: str, modifier: str, start: int) -> str:
        if modifier == "s":
            self.substitution = self._read_substitution(start)
        if self.substitution is None:
            raise self._fault(":&: no previous substitution", start)
        old, new = self.substitution
        if old not in text:
            raise self._fault(f"{self.line[start : self.position]}: substitution failed", start)
        if scope == "G":
            return _each_word(text, lambda word: word.replace(old, new, 1))
        return text.replace(old, new) if scope else text.replace(old, new, 1)

    def _read_substitution(self, start: int) -> tuple[str, str]:
        delimiter = self._here()
        if not delimiter:
            raise self._fault(f"{self.line[start:]}: substitution failed", start)
        self.position += 1
        old = self._up_to(delimiter)
        new = self._up_to(delimiter)
        if not old:
            old = self.substitution[0] if self.substitution else self.searched
        return old, _with_old(new, old)

    def _up_to(self, delimiter: str) -> str:
        pieces = []
        while self._here() not in ("", delimiter, "\n"):
            if self._here() == "\\" and self.line[self.position + 1 : self.position + 2] == delimiter:
                self.position += 1
            pieces.append(self._here())
            self.position += 1
        self.position += self._here() == delimiter
        return "".join(pieces)


# What may follow an event: `%`, `*`, `$`; or a first word and a last one. A digit needs a colon in front.
_WORDS = re.compile(
    r"(?P<searched>%)|(?P<all>\*)|(?P<end>\$)"
    r"|(?:(?P<first>[0-9]+)|(?P<second>\^)|(?=-))(?:(?P<rest>\*)|(?P<one>\^)|(?P<to>-)(?P<last>[0-9]+|[$^])?)?"
)
_MODIFIER = re.compile(r":(?:(?P<scope>[gaG])(?=[s&]))?(?P<modifier>[htrepqxs&])")


def _range(match: re.Match[str], count: int) -> tuple[int, int]:
    """The first and the last word that are meant."""
    if match["end"]:
        return count - 1, count - 1
    first = 1 if match["second"] else int(match["first"] or 0)
    if match["rest"]:
        return first, count - 1
    if match["one"]:
        return first, 1
    if not match["to"]:
        return first, first
    if not match["last"]:
        return first, count - 2
    return first, {"$": count - 1, "^": 1}.get(match["last"]) or int(match["last"].strip("$^") or 0)


def _with_old(new: str, old: str) -> str:
    r"""An & in the replacement is what is replaced, a \& only an &."""
    return re.sub(r"\\&|&", lambda match: old if match[0] == "&" else "&", new)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


_MODIFIERS: dict[str, Callable[[str], str]] = {
    "h": lambda text: text.rpartition("/")[0] if "/" in text else text,
    "t": lambda text: text.rpartition("/")[2],
    "r": lambda text: text.rpartition(".")[0] if "." in text else text,
    "e": lambda text: text[text.rindex(".") :] if "." in text else text,
    "p": lambda text: text,
}
_QUOTINGS: dict[str, Callable[[str], str]] = {
    "q": _quoted,
    "x": lambda text: re.sub(r"[ \t\n]", r"'\g<0>'", _quoted(text)),
}


# --- words ---


def _places(line: str) -> list[tuple[int, int]]:
    found = []
    position = 0
    while position < len(line):
        if line[position] in " \t":
            position += 1
            continue
        end = _word_end(line, position)
        found.append((position, end))
        position = end
    return found


def _each_word(text: str, change: Callable[[str], str]) -> str:
    pieces, end = [], 0
    for begin, stop in _places(text):
        pieces += [text[end:begin], change(text[begin:stop])]
        end = stop
    return "".join([*pieces, text[end:]])


def _word_end(line: str, position: int) -> int:
    """Where the word ends that begins there (history_tokenize_word in GNU History)."""
    if match := _OPERATOR_WORD.match(line, position):
        return match.end()
    quote = ""
    depth = 0
    if line.startswith(("<(", ">("), position):
        position, quote, depth = position + 2, ")", 1
    while position < len(line):
        character = line[position]
        if character == "\\" and quote != "'":
            position += 1
        elif depth and character in "()":
            depth += 1 if character == "(" else -1
            quote = ")" if depth else ""
        elif quote:
            quote = "" if character == quote else quote
        elif character in "<>$!@?+*" and line.startswith("(", position + 1):
            position, quote, depth = position + 1, ")", 1
        elif character in _WORD_ENDS:
            break
        elif character in _QUOTES:
            quote = character
        position += 1
    return min(position, len(line))


_OPERATOR_WORD = re.compile(
    r"[()\n]|(?:[0-9]+(?=[<>]))?(?:<<-|<<<|<<|>>|[<>]&[0-9]*-?|>\||(?![<>]\()[<>])|;;|&&|\|\||&>|[;&|]"
)


def _open_quote(before: str) -> str:
    """Which quote the lines above have left open."""
    quote = ""
    position = 0
    while position < len(before):
        character = before[position]
        if character == "\\" and quote != "'":
            position += 1
        elif character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        position += 1
    return quote
