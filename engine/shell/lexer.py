"""Words: quotes, backslashes and what a `$` begins (POSIX XCU 2.2, 2.3, 2.6; bash's `$'…'`). Imports re and the tree.

A Lexer stands at a place in a text and reads from there what its methods name. It knows no commands: the inside of
`$(…)` is read by the function that it was given. It doesn't go back, so time is in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.shell.ast import Arithmetic, CommandSubstitution, Literal, Parameter, Part, Script, Span, Word
from engine.shell.text import Text
from engine.shell.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import NoReturn, TypeAlias

MAX_DEPTH = 40  # groups, substitutions and braces in each other; each takes up to twelve calls of Python's thousand

Commands: TypeAlias = "Callable[[Lexer], tuple[Script, ...]]"
Paint: TypeAlias = "Callable[[str, Span], None]"

# Blanks and a comment, and what stands behind them: an operator, a redirection, anything else.
_NEXT = re.compile(r"(?:[ \t]|\\\n)*(#[^\n]*)?(?=(\n|&&|\|\||\|&|;;&|;;|;&|&(?!>)|[;|()])|([0-9]*[<>]|&>)|(.)|\Z)")
_REDIRECTION = re.compile(r"([0-9]+(?=[<>]))?(<<<|<<-|<<|<&|<>|<|>>|>&|>\||>)|(&>>?)")
_PLAIN_WORD = re.compile(r"[^ \t\n;&|<>()'\"\\$`]+(?=(?:\\\n)*(?:[ \t\n;&|<>()]|\Z))")

# Runs of characters that stand for themselves: in a word, in ${…}, in ${…/…}, in double quotes, in a here-document …
_ENDS = " \t\n;&|<>()"  # what ends a word; so does the end of the text, which is in any text
_BARE = re.compile(r"[^ \t\n;&|<>()'\"\\$`]+")
_BRACED = re.compile(r"[^}'\"\\$`]+")
_BRACED_PATTERN = re.compile(r"[^/}'\"\\$`]+")
_QUOTED = re.compile(r"[^\"\\$`]+")
_QUOTED_BRACED = re.compile(r"[^}\"\\$`]+")
_HERE = re.compile(r"[^\\$`]+")
_CALCULATION = re.compile(r"[^():?}\"\\$`]+")

_SIMPLE_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]")
_LENGTH = re.compile(r"#(?=(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(?:\[[^]}]*\])?\})")
_PARAMETER_OPERATOR = re.compile(r":[-=?+]|[-=?+]|##?|%%?|//|/#|/%|[/:]")
_SUBSCRIPT = re.compile(r"\[([0-9]+|[@*])\]")

_BACKQUOTES = re.compile(r"`((?:[^`\\]|\\.)*+)`", re.DOTALL)
_BALANCE = re.compile(r"[^()'\"\\]+|\\.|'[^']*'|\"(?:[^\"\\]|\\.)*+\"|.", re.DOTALL)

_CLOSING = {"'": "'", "$'": "'", '"': '"', "`": "`", "$(": ")", "${": "}", "$((": "))", "(": ")", "{": "}"}


class Delimiter(NamedTuple):
    """What ends a here-document, and how its lines are taken. `start` and `end`: where it is asked for."""

    text: str
    quoted: bool
    tabs: bool  # <<-: tabs at the beginning of a line don't count
    start: int
    end: int


class Lexer:
    """At `position` in `text`. `depth`: how many groups and substitutions are open."""

    __slots__ = ("_seen", "_seen_at", "_seen_in", "commands", "depth", "paint", "position", "text")

    def __init__(self, text: Text, commands: Commands, *, depth: int = 0, paint: Paint | None = None) -> None:
        self.text = text
        self.position = 0
        self.commands = commands
        self.depth = depth
        self.paint = paint
        self._seen_in, self._seen_at, self._seen = "", -1, ""  # what peek has found, and where

    # --- between words ---

    def peek(self) -> str:
        """What comes next, past blanks and comments: an operator, "\\n", "redirection", "word", or "" at the end."""
        characters = self.text.characters
        if self.position == self._seen_at and characters is self._seen_in:
            return self._seen
        match = _NEXT.match(characters, self.position)
        assert match is not None
        comment, operator, redirection, word = match.groups()
        if comment:
            self.painted("comment", self.text.span(*match.span(1)))
        elif match.end() == len(characters) and characters.endswith("\\\n", self.position):
            self._nothing_follows(match.end() - 2)
        self.position = self._seen_at = match.end()
        self._seen_in = characters
        self._seen = operator or (redirection and "redirection") or (word and "word") or ""
        return self._seen

    def take(self, operator: str) -> Span:
        """Go past an operator or a reserved word that stands here."""
        start = self.position
        self.position += len(operator)
        span = self.span(start)
        if operator != "\n":
            self.painted("operator", span)
        return span

    def redirection(self) -> tuple[int | None, str]:
        """The descriptor, if there is one, and the operator of the redirection that stands here."""
        match = _REDIRECTION.match(self.text.characters, self.position)
        assert match is not None
        start, self.position = self.position, match.end()
        self.painted("redirection", self.span(start))
        return (int(match[1]) if match[1] else None), match[2] or match[3]

    def plain_word(self) -> str:
        """The word that stands here if nothing in it is quoted or expanded, else ""; it isn't taken."""
        match = _PLAIN_WORD.match(self.text.characters, self.position)
        return match[0] if match else ""

    def character(self) -> str:
        """The one that stands here, or "" at the end."""
        return self.text.characters[self.position : self.position + 1]

    def at(self, text: str) -> bool:
        return self.text.characters.startswith(text, self.position)

    def span(self, start: int) -> Span:
        """From `start` up to here."""
        return self.text.span(start, self.position)

    def painted(self, kind: str, span: Span) -> None:
        if self.paint:
            self.paint(kind, span)

    # --- faults ---

    def fault(self, message: str, start: int, end: int, *, hint: str = "", incomplete: bool = False) -> NoReturn:
        raise self.text.fault(message, start, end, hint=hint, incomplete=incomplete)

    def unclosed(self, opening: str, start: int, *, hint: str = "") -> NoReturn:
        """The text ends before what closes the `opening` at `start`."""
        message = f"the text ends before the {_CLOSING[opening]} that closes this {opening}"
        self.fault(message, start, start + len(opening), hint=hint, incomplete=True)

    def enter(self, start: int) -> None:
        """One level deeper, by what stands at `start`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fault(f"more than {MAX_DEPTH} groups and substitutions in each other", start, start + 1)

    def leave(self) -> None:
        self.depth -= 1

    def _nothing_follows(self, start: int) -> NoReturn:
        self.fault("nothing follows this backslash; it continues the line", start, start + 1, incomplete=True)

    # --- words ---

    def word(self) -> Word:
        """The word that stands here; without parts if there is none."""
        start = self.position
        match = _BARE.match(self.text.characters, start)
        if match and self.text.characters[match.end() : match.end() + 1] in _ENDS:  # as most words
            self.position = match.end()
            span = self.span(start)
            return Word((Literal(match[0], False, span),), span)
        return Word(merged(self._unquoted(_BARE)), self.span(start))

    def _unquoted(self, plain: re.Pattern[str]) -> list[Part]:
        """Parts up to a character that is not in `plain` and begins no quote or expansion."""
        parts: list[Part] = []
        while character := self.character():
            start = self.position
            if match := plain.match(self.text.characters, start):
                self.position = match.end()
                parts.append(Literal(match[0], False, self.span(start)))
            elif character == "\\":
                parts += self._backslash()
            elif character == "'":
                parts.append(self._single_quotes())
            elif character == '"' or self.at('$"'):
                parts += self._double_quotes()
            elif self.at("$'"):
                parts.append(self._ansi_quotes())
            elif character in "$`":
                parts.append(self._expansion(quoted=False))
            else:
                break
        return parts

    def _quoted(self, plain: re.Pattern[str], escaped: str) -> list[Part]:
        """The same where single quotes are nothing special and a backslash is one before `escaped` only."""
        parts: list[Part] = []
        while character := self.character():
            start = self.position
            if match := plain.match(self.text.characters, start):
                self.position = match.end()
                parts.append(Literal(match[0], True, self.span(start)))
            elif character == "\\":
                after = self.text.characters[start + 1 : start + 2]
                text = after if after and after in escaped else "\\"
                self.position += 2 if text is after else 1
                if text != "\n":
                    parts.append(Literal(text, True, self.span(start)))
            elif character in "$`":
                parts.append(self._expansion(quoted=True))
            else:
                break
        return parts

    def _backslash(self) -> list[Part]:
        start = self.position
        after = self.text.characters[start + 1 : start + 2]
        self.position += 2
        if self.position >= len(self.text.characters) and after in "\n":
            self._nothing_follows(start)
        return [] if after == "\n" else [Literal(after, True, self.span(start))]

    def _single_quotes(self) -> Literal:
        start = self.position
        end = self.text.characters.find("'", start + 1)
        if end < 0:
            apostrophe = self.text.characters[start - 1 : start].isalpha()
            self.unclosed("'", start, hint="an apostrophe is written \\'" if apostrophe else "")
        self.position = end + 1
        return Literal(self.text.characters[start + 1 : end], True, self.span(start))

    def _double_quotes(self) -> list[Part]:
        start = self.position
        self.position += 2 if self.at("$") else 1
        parts = self._quoted(_QUOTED, '$`"\\\n')
        if not self.at('"'):
            self.unclosed('"', start)
        self.position += 1
        return parts or [Literal("", True, self.span(start))]

    def _ansi_quotes(self) -> Literal:
        from engine.shell.quoting import ANSI_QUOTES, ansi_text

        start = self.position
        match = ANSI_QUOTES.match(self.text.characters, start)
        if not match:
            self.unclosed("$'", start)
        self.position = match.end()
        return Literal(ansi_text(match[1]), True, self.span(start))

    # --- what $ and ` begin ---

    def _expansion(self, *, quoted: bool) -> Part:
        if self.at("`"):
            return self._backquotes(quoted)
        if self.at("$((") and self.closes_doubly(self.position + 1):
            return self._arithmetic(quoted)
        if self.at("$("):
            return self._substitution(quoted)
        if self.at("${"):
            return self._braces(quoted)
        start = self.position
        match = _SIMPLE_PARAMETER.match(self.text.characters, start + 1)
        self.position = match.end() if match else start + 1
        span = self.span(start)
        if not match:
            return Literal("$", quoted, span)
        self.painted("variable", span)  # at once, for what is quoted may not be closed yet
        return Parameter(match[0], quoted, span)

    def _substitution(self, quoted: bool) -> CommandSubstitution:
        start = self.position
        self.enter(start)
        self.position += 2
        script = self.commands(self)
        if not self.at(")"):
            self.unclosed("$(", start)
        self.position += 1
        self.leave()
        span = self.span(start)
        return CommandSubstitution(self.text.source[span.start + 2 : span.end - 1], script, quoted, span)

    def _backquotes(self, quoted: bool) -> CommandSubstitution:
        start = self.position
        self.enter(start)
        match = _BACKQUOTES.match(self.text.characters, start)
        if not match:
            self.unclosed("`", start, hint="a literal backquote is written \\`")
        segments, begin = [], match.start(1)
        for escape in re.compile(r"\\[$`\\\"]" if quoted else r"\\[$`\\]").finditer(match.string, begin, match.end(1)):
            segments.append((begin, escape.start()))
            begin = escape.start() + 1
        inner = self._inner([*segments, (begin, match.end(1))])
        script = self.commands(inner)
        if inner.character():
            inner.fault("this ) closes nothing", inner.position, inner.position + 1)
        self.position = match.end()
        self.leave()
        return CommandSubstitution(inner.text.characters, script, quoted, self.span(start))

    def _inner(self, segments: list[tuple[int, int]]) -> Lexer:
        """A lexer for parts of this text, put together."""
        return Lexer(self.text.derived(segments), self.commands, depth=self.depth, paint=self.paint)

    def _arithmetic(self, quoted: bool) -> Arithmetic:
        start = self.position
        self.enter(start)
        self.position += 3
        expression = self._calculation(")")
        if not self.at("))"):
            self.unclosed("$((", start)
        self.position += 2
        self.leave()
        return Arithmetic(expression, quoted, self.span(start))

    def closes_doubly(self, start: int) -> bool:
        """Whether the `((` at `start` is closed by a `))`, or not at all: if not it is one group in another."""
        depth = 0
        for match in _BALANCE.finditer(self.text.characters, start):
            depth += (match[0] == "(") - (match[0] == ")")
            if depth == 1 and match[0] == ")":
                return self.text.characters.startswith(")", match.end())
        return True

    def _calculation(self, closing: str) -> Word:
        """An arithmetic text, up to a character of `closing` that is in no parentheses and no `?:`."""
        start = self.position
        parts: list[Part] = []
        depth = choices = 0
        while True:
            parts += self._quoted(_CALCULATION, '$`"\\\n')
            character = self.character()
            if not character or (character in closing and depth <= 0 and (character != ":" or choices <= 0)):
                return Word(merged(parts), self.span(start))
            self.position += 1
            depth += (character == "(") - (character == ")")
            choices += (character == "?") - (character == ":")
            if character != '"':
                parts.append(Literal(character, True, self.text.span(self.position - 1, self.position)))

    # --- ${…} ---

    def _braces(self, quoted: bool) -> Parameter:
        start = self.position
        self.enter(start)
        length = _LENGTH.match(self.text.characters, start + 2)
        self.position = length.end() if length else start + 2
        name, subscript = self._parameter_name(start), self._subscript()
        operator, word, second = ("length" if length else ""), None, None
        if self.character() not in ("}", ""):
            operator, word, second = self._parameter_operator(start, quoted)
        if not self.at("}"):
            self.unclosed("${", start)
        self.position += 1
        self.leave()
        return Parameter(name, quoted, self.span(start), operator, word, second, subscript)

    def _parameter_name(self, start: int) -> str:
        match = _PARAMETER.match(self.text.characters, self.position)
        if not match:
            if not self.character():
                self.unclosed("${", start)
            found = f"expected the name of a variable, found {self.character()!r}"
            self.fault(found, self.position, self.position + 1)
        self.position = match.end()
        return match[0]

    def _subscript(self) -> str | None:
        if not self.at("["):
            return None
        match = _SUBSCRIPT.match(self.text.characters, self.position)
        if not match or not self.text.characters.endswith("PIPESTATUS", 0, self.position):
            hint = "only PIPESTATUS has elements: ${PIPESTATUS[0]}, ${PIPESTATUS[@]}"
            self.fault("heliosh has no arrays", self.position, self.position + 1, hint=hint)
        self.position = match.end()
        return match[1]

    def _parameter_operator(self, start: int, quoted: bool) -> tuple[str, Word, Word | None]:
        """What stands between the name and the brace: the operator, its word, and what `/` and `:` have second."""
        match = _PARAMETER_OPERATOR.match(self.text.characters, self.position)
        if not match:
            hint = "after the name go :- := :? :+ # ## % %% / // /# /% or :offset:length"
            if self.text.characters[self.position - 1] == "!":
                hint = "heliosh has no indirect expansion; eval can do it"
            found = f"expected an operator or }}, found {self.character()!r}"
            self.fault(found, self.position, self.position + 1, hint=hint)
        operator, self.position = match[0], match.end()
        if operator == ":":
            return "substring", self._calculation(":}"), self._after(":", lambda: self._calculation("}"))
        if operator[0] == "/":
            word = self._brace_word(_BRACED_PATTERN)
            return operator, word, self._after("/", lambda: self._brace_word(_BRACED))
        # What # and % have is a pattern, whose quotes count even in double quotes.
        return operator, self._brace_word(_QUOTED_BRACED if quoted and operator[0] not in "#%" else _BRACED), None

    def _after(self, separator: str, read: Callable[[], Word]) -> Word | None:
        if not self.at(separator):
            return None
        self.position += 1
        return read()

    def _brace_word(self, plain: re.Pattern[str]) -> Word:
        start = self.position
        if plain is not _QUOTED_BRACED:
            return Word(merged(self._unquoted(plain)), self.span(start))
        parts = self._quoted(plain, '$`"\\}\n')
        while self.at('"'):
            parts += self._double_quotes()
            parts += self._quoted(plain, '$`"\\}\n')
        return Word(merged(parts), self.span(start))

    # --- here-documents ---

    def here_document(self, delimiter: Delimiter) -> Word:
        """The lines from here up to the delimiter, which is taken too."""
        characters, start = self.text.characters, self.position
        segments: list[tuple[int, int]] = []
        continued = False
        while self.position < len(characters):
            begin, newline = self.position, characters.find("\n", self.position)
            self.position = len(characters) if newline < 0 else newline + 1
            if delimiter.tabs and not continued:
                while characters.startswith("\t", begin):
                    begin += 1
            line = characters[begin : self.position]
            if not continued and line.removesuffix("\n") == delimiter.text:
                return self._here_body(delimiter, segments, self.text.span(start, begin))
            continued = not delimiter.quoted and _continues(line)
            segments.append((begin, self.position))
        message = f"the text ends before the line {delimiter.text!r} that closes this here-document"
        raise self.text.fault(message, delimiter.start, delimiter.end, incomplete=True)

    def _here_body(self, delimiter: Delimiter, segments: list[tuple[int, int]], span: Span) -> Word:
        inner = self._inner(segments)
        if delimiter.quoted:
            body = Word((Literal(inner.text.characters, True, span),) if segments else (), span)
        else:
            body = Word(merged(inner._quoted(_HERE, "$`\\\n")), span)
        self.painted_word(body, "string")
        self.painted("redirection", self.text.span(segments[-1][1] if segments else self.position, self.position))
        return body

    def painted_word(self, word: Word, kind: str) -> None:
        """Paint a word: what is not quoted is of this kind. What is inside of its `$(…)` has been painted already."""
        if not self.paint:
            return
        painted = word.span.start
        for part in word.parts:
            self.paint("string", Span(painted, part.span.start))
            painted = part.span.end
            if isinstance(part, Literal):
                self.paint("string" if part.quoted else kind, part.span)
            elif isinstance(part, CommandSubstitution):
                opening = part.span.start + (1 if self.text.source[part.span.start] == "`" else 2)
                self.paint("operator", Span(part.span.start, opening))
                self.paint("operator", Span(painted - 1, painted))
            else:
                self.paint("variable", part.span)
        self.paint("string", Span(painted, word.span.end))


def merged(parts: list[Part]) -> tuple[Part, ...]:
    """Neighbouring Literals of one kind made one."""
    if len(parts) < 2:
        return tuple(parts)
    result: list[Part] = []
    texts: list[str] = []  # of the last part, when it is a Literal
    for part in parts:
        last = result[-1] if result else None
        if isinstance(part, Literal) and isinstance(last, Literal) and part.quoted == last.quoted:
            texts.append(part.text)
            result[-1] = Literal("", last.quoted, Span(last.span.start, part.span.end))
            continue
        _close(result, texts)
        texts = [part.text] if isinstance(part, Literal) else []
        result.append(part)
    _close(result, texts)
    return tuple(result)


def _close(parts: list[Part], texts: list[str]) -> None:
    if parts and len(texts) > 1 and isinstance(parts[-1], Literal):
        parts[-1] = parts[-1]._replace(text="".join(texts))


def _continues(line: str) -> bool:
    """Whether a backslash takes the newline away."""
    text = line.removesuffix("\n")
    return text is not line and (len(text) - len(text.rstrip("\\"))) % 2 == 1
