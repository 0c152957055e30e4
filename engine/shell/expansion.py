"""Words to fields, in POSIX order (XCU 2.6). Imports its parts: braces, tilde, parameters, arithmetic, fields, globs;
most of them when a word needs them first, because every start of the shell would pay for them.

Braces and tildes are taken from the typed word; then all `$` at once, left to right; what these gave is split by IFS;
what then has `*`, `?` or `[` not quoted is looked for among files. Quotes were taken out by the parser already. Where
POSIX is silent, it is bash's way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from engine.shell import fields
from engine.shell.ast import CommandSubstitution, Literal, Parameter, Part, Script, Span, Word
from engine.shell.faults import ExpansionFault, Fault, Place, SyntaxFault
from engine.shell.fields import BREAK, Kind, Piece
from engine.shell.state import DEFAULT_IFS, State, is_name
from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final, NoReturn, TypeAlias

    from engine.shell.parameters import Replacement

Value: TypeAlias = "str | list[str] | None"  # of a parameter; a list for `@`, `*` and all of PIPESTATUS

_DECLARATIONS: Final = ("export", "readonly")  # POSIX 2.9.1.1: their arguments may be assignments
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_PLAIN: Final = re.compile(r"[^~{*?\[]*")
_DEFAULTS: Final = frozenset([":-", "-", ":=", "=", ":?", "?", ":+", "+"])


class Expander:
    """Expands words for one shell.

    `substitute` carries out a command substitution and returns its output without trailing newlines. `place` says
    where a span of what is being run is, for faults; whoever runs it sets it.
    """

    def __init__(self, state: State, substitute: Callable[[tuple[Script, ...]], str]) -> None:
        self._state = state
        self._substitute = substitute
        self.place: Callable[[Span], Place | None] = lambda span: None

    # --- what is asked for ---

    def words(self, words: Sequence[Word]) -> list[str]:
        """The words of a command, expanded in every way; one may become none or many. Raises ExpansionFault.

        What looks like an assignment behind `export` and `readonly` is expanded as one is: into one field.
        """
        result: list[str] = []
        declares = False
        for index, word in enumerate(words):
            parts = word.parts
            if declares and _is_assignment(word):
                result.append(self._joined(word))
            elif len(parts) == 1 and isinstance(parts[0], Literal) and _is_plain(parts[0]):
                result.append(parts[0].text)
            elif _is_one(parts):
                result.append(self._joined(word))
            else:
                result += self._fields(word)
            declares = declares or (index == len(result) - 1 == 0 and result[0] in _DECLARATIONS)
        return result

    def assignment(self, word: Word) -> str:
        """The value in `NAME=value`: not split, no braces and no globs; tildes also after colons."""
        return self._joined(word, value=True)

    def single(self, word: Word) -> str:
        """The target of a redirection: what must become exactly one field. Raises ExpansionFault."""
        result = self._fields(word)
        if len(result) != 1:
            what = "nothing" if not result else f"{len(result)} words"
            self._fail("ambiguous redirect", word.span, hint=f"it expands to {what}, and one file name is needed")
        return result[0]

    def text(self, word: Word) -> str:
        """A here-document or here-string: parameters, commands and arithmetic only, and one text."""
        with _Faults(self, word):
            return _text(self._pieces(word, joined=True))

    def pattern(self, word: Word) -> str:
        """A pattern for `patterns.compile`: what was quoted matches itself only."""
        with _Faults(self, word):
            return self._pattern(word)

    def prompt(self, text: str) -> str:
        """PS1, PS2, PS4: `text` expanded like a here-document; as it is when it can't be."""
        if "$" not in text and "`" not in text and "\\" not in text:
            return text
        from engine.shell.parser import parse

        end = "END"
        while end in text:
            end += "_"
        try:
            command = parse(f": <<{end}\n{text}\n{end}\n")[0].statements[0].body.pipelines[0].commands[0]
            body = command.redirections[0].body
            return text if body is None else self.text(body).removesuffix("\n")
        except (SyntaxFault, ExpansionFault):
            return text

    # --- words ---

    def _fields(self, word: Word) -> list[str]:
        found: list[str] = []
        with _Faults(self, word):
            for each in _braces_expanded(word):
                pieces = self._pieces(self._tildes_expanded(each))
                for field in fields.split(pieces, self._ifs()):
                    found += [field.text] if field.pattern is None else self._paths(field.text, field.pattern)
        return found

    def _paths(self, text: str, pattern: str) -> list[str]:
        """The files that match; the field as it is when none does."""
        from engine.shell import globs

        options = self._state.options
        if "noglob" in options or not globs.is_glob(pattern):
            return [text]
        paths = globs.expand(pattern, options)
        return paths or ([] if "nullglob" in options else [text])

    def _tildes_expanded(self, word: Word, *, value: bool = False) -> Word:
        if not _typed(word, "~"):
            return word
        from engine.shell import tilde

        return tilde.expand(word, self._state, value=value)

    def _joined(self, word: Word, *, value: bool = False) -> str:
        """One text, as assignments and operators need it."""
        with _Faults(self, word):
            return _text(self._pieces(self._tildes_expanded(word, value=value), joined=True))

    def _pattern(self, word: Word) -> str:
        return fields.pattern(self._pieces(self._tildes_expanded(word), joined=True))

    def _pieces(self, word: Word, *, joined: bool = False, inside: bool = False) -> list[Piece]:
        """What the parts of a word become. `joined`: it shall be one text, so that `$@` is one as well. `inside`: the
        word stands behind an operator, and is itself a result."""
        pieces: list[Piece] = []
        for part in word.parts:
            if isinstance(part, Literal):
                typed = Kind.RESULT if inside else Kind.TYPED
                pieces.append(Piece(part.text, Kind.QUOTED if part.quoted else typed))
            elif isinstance(part, Parameter):
                pieces += self._parameter(part, joined)
            elif isinstance(part, CommandSubstitution):
                pieces.append(Piece(self._substitute(part.script), _result(part.quoted)))
            else:
                pieces.append(Piece(str(self._calculated(part.expression, part.span)), _result(part.quoted)))
        return pieces

    # --- parameters ---

    def _parameter(self, part: Parameter, joined: bool) -> list[Piece]:
        value = self._value(part)
        if part.operator in _DEFAULTS:
            return self._defaulted(part, value, joined)
        if value is None and "nounset" in self._state.options:
            self._fail(f"{_shown(part)}: unbound variable", part.span, hint="set -u is on: `${name:-}` gives nothing")
        return self._rendered(part, self._operated(part, value), joined)

    def _value(self, part: Parameter) -> Value:
        state = self._state
        if part.name in ("@", "*"):
            return state.positional
        if part.name != "PIPESTATUS":
            return state.parameter(part.name)
        statuses = [str(status) for status in state.pipe_status]
        if part.subscript in ("@", "*"):
            return statuses
        index = self._number(part.subscript or "0", part.span)
        return statuses[index] if -len(statuses) <= index < len(statuses) else None

    def _rendered(self, part: Parameter, value: Value, joined: bool) -> list[Piece]:
        """A value as pieces: `"$@"` as many fields, `"$*"` as one; not quoted both are joined, and split again."""
        kind = _result(part.quoted)
        if not isinstance(value, list):
            return [Piece(value or "", kind)]
        star = "*" in (part.name, part.subscript)
        ifs = self._ifs()
        if joined or (part.quoted and star):
            return [Piece((ifs[:1] if star else " ").join(value), kind)]
        if not part.quoted and ifs:
            return [Piece(ifs[0].join(value), kind)]
        pieces = [piece for text in value for piece in (BREAK, Piece(text, kind))]
        return pieces[1:]

    def _defaulted(self, part: Parameter, value: Value, joined: bool) -> list[Piece]:
        """`:-`, `:=`, `:?`, `:+`; without the colon an empty value is as good as any."""
        missing = value is None or value == []
        if part.operator[0] == ":":
            missing = missing or value in ("", [""])
        kind = part.operator[-1]
        if kind == "+":
            return [Piece("", _result(part.quoted))] if missing else self._alternative(part, joined)
        if not missing:
            return self._rendered(part, value, joined)
        if kind == "-":
            return self._alternative(part, joined)
        if kind == "=":
            return self._rendered(part, self._assigned(part), joined)
        message = self._word_text(part.word)
        default = "parameter null or not set" if part.operator[0] == ":" else "parameter not set"
        return self._fail(f"{part.name}: {message or default}", part.span)

    def _alternative(self, part: Parameter, joined: bool) -> list[Piece]:
        """The word behind an operator, in the place of the value."""
        word = part.word and self._tildes_expanded(part.word)
        pieces = self._pieces(word, joined=joined, inside=True) if word else []
        return pieces or [Piece("", _result(part.quoted))]

    def _assigned(self, part: Parameter) -> str:
        if not is_name(part.name) or part.subscript is not None:
            self._fail(f"${part.name}: cannot assign in this way", part.span, hint="`=` is for variables")
        value = self._word_text(part.word)
        self._set(part.name, value, part.span)
        return value

    def _operated(self, part: Parameter, value: Value) -> Value:
        """The value after the operator, for a list each of its elements."""
        if part.operator == "" or (value is None and part.operator != "length"):
            return value
        if part.operator == "length":
            return str(len(value or ""))
        if part.operator == "substring":
            return self._substring(part, value)
        change = self._change(part)
        return [change(text) for text in value] if isinstance(value, list) else change(value or "")

    def _change(self, part: Parameter) -> Callable[[str], str]:
        """What `#`, `%` and `/` do to a text."""
        from engine.shell import parameters, patterns

        pattern = patterns.compile(self._pattern(part.word) if part.word else "")
        if part.operator in parameters.REMOVALS:
            return lambda text: parameters.removed(text, part.operator, pattern)
        if part.operator in parameters.REPLACEMENTS:
            replacement = self._replacement(part.second)
            return lambda text: parameters.replaced(text, part.operator, pattern, replacement)
        return self._fail(f"{part.operator}: no such operator", part.span)

    def _replacement(self, word: Word | None) -> Replacement:
        from engine.shell import parameters

        parts: list[str | None] = []
        for text, kind in self._pieces(self._tildes_expanded(word), joined=True) if word else ():
            parts += [text] if kind == Kind.QUOTED else parameters.replacement(text)
        return parts

    def _substring(self, part: Parameter, value: Value) -> Value:
        """`${name:offset:length}`; of `$@` the elements, `$0` before them."""
        from engine.shell import parameters

        offset = self._calculated(part.word, part.span) if part.word else 0
        length = self._calculated(part.second, part.span) if part.second else None
        if isinstance(value, list) and length is not None and length < 0:
            self._fail(f"{length}: substring expression < 0", part.span)
        if value is self._state.positional:
            value = [self._state.name, *value]
        found = parameters.bounds(len(value or ""), offset, length)
        if found is None:
            self._fail(f"{length}: substring expression < 0", part.span, hint="the end is before the start")
        return (value or "")[slice(*found)]

    # --- arithmetic ---

    def _calculated(self, expression: Word, span: Span) -> int:
        text = _text(self._pieces(expression, joined=True))
        typed = expression.parts[0].span if len(expression.parts) == 1 else span
        return self._number(text, typed if typed.end - typed.start == len(text) else span)

    def _number(self, text: str, span: Span) -> int:
        """The value of an expression. When it stands in `span` as it is, a fault points into it."""
        from engine.shell.arithmetic import Invalid, evaluate

        try:
            return evaluate(text, self._state.variables, nounset="nounset" in self._state.options)
        except Invalid as invalid:
            exact = invalid.text is text and span.end - span.start == len(text)
            where = Span(span.start + invalid.start, span.start + invalid.end) if exact else span
            message = invalid.message if exact else f"{invalid.text.strip()}: {invalid.message}"
            self._fail(message, where, hint=invalid.hint)
        except Fault as fault:
            self._fail(fault.message, span, hint=fault.hint)

    # --- what these need ---

    def _ifs(self) -> str:
        ifs = self._state.variables.get("IFS")
        return DEFAULT_IFS if ifs is None else ifs

    def _word_text(self, word: Word | None) -> str:
        return self._joined(word) if word else ""

    def _set(self, name: str, value: str, span: Span) -> None:
        try:
            self._state.variables.set(name, value)
        except Fault as fault:
            self._fail(fault.message, span, hint=fault.hint)

    def _fail(self, message: str, span: Span, *, hint: str = "") -> NoReturn:
        raise ExpansionFault(message, self.place(span), hint=hint)


class _Faults:
    """While a word is expanded: faults get its place if they have none."""

    __slots__ = ("_expander", "_word")

    def __init__(self, expander: Expander, word: Word) -> None:
        self._expander = expander
        self._word = word

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, ExpansionFault):
            error.place = error.place or self._expander.place(self._word.span)
        elif isinstance(error, RecursionError):
            raise ExpansionFault("nested too deeply", self._expander.place(self._word.span)) from None


def _result(quoted: bool) -> Kind:
    return Kind.QUOTED if quoted else Kind.RESULT


def _typed(word: Word, sign: str) -> bool:
    """Whether it stands in the word, not quoted."""
    return any(isinstance(part, Literal) and not part.quoted and sign in part.text for part in word.parts)


def _braces_expanded(word: Word) -> list[Word]:
    if not _typed(word, "{"):
        return [word]
    from engine.shell import braces

    return braces.expand(word)


def _text(pieces: Iterable[Piece]) -> str:
    return "".join([piece.text for piece in pieces])


def _shown(part: Parameter) -> str:
    return part.name if is_name(part.name) else f"${part.name}"


def _is_plain(literal: Literal) -> bool:
    """Whether it stands for itself alone."""
    return literal.quoted or _PLAIN.fullmatch(literal.text) is not None


def _is_one(parts: Sequence[Part]) -> bool:
    """Whether it is one field for sure: all is quoted, and there is no `$@`."""
    return bool(parts) and all(
        part.quoted
        and (not isinstance(part, Parameter) or (part.name != "@" and not part.operator + (part.subscript or "")))
        for part in parts
    )


def _is_assignment(word: Word) -> bool:
    first = word.parts[0] if word.parts else None
    return isinstance(first, Literal) and not first.quoted and _ASSIGNMENT.match(first.text) is not None
