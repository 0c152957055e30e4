"""The tree that the parser makes of a text. Values only; places are offsets into that text.

A `Script` is what stands between two newlines at least: the statements that are carried out before the next line is
read (POSIX XCU 2.3, 2.10).
"""

from __future__ import annotations

from engine.shell.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import TypeAlias


class Span(NamedTuple):
    """From `start` up to `end`, in characters of the source text."""

    start: int
    end: int


# --- words ---


class Literal(NamedTuple):
    """Text as it is, backslashes and quotes taken out. `quoted`: no tilde, brace, glob or splitting applies to it."""

    text: str
    quoted: bool
    span: Span


class Parameter(NamedTuple):
    """`$name` and `${name…}`. `name`: a variable, a digit string, or one of `@*#?-$!`; `name[…]` for PIPESTATUS only.

    `operator`: "" (plain), "length" for `${#name}`, "substring" for `${name:offset:length}`, or one of
    `:- - := = :? ? :+ + # ## % %% / // /# /%`. `word` is what stands behind it (the pattern, for `/`; the offset as an
    arithmetic text, for substring), `second` the replacement or the length.
    """

    name: str
    quoted: bool
    span: Span
    operator: str = ""
    word: Word | None = None
    second: Word | None = None
    subscript: str | None = None  # what is in the brackets of ${PIPESTATUS[…]}: a number, @ or *


class CommandSubstitution(NamedTuple):
    """`$(…)` and backquotes."""

    source: str  # the text inside, for messages
    script: tuple[Script, ...]
    quoted: bool
    span: Span


class Arithmetic(NamedTuple):
    """`$((…))`; the expression is expanded as if in double quotes, then calculated."""

    expression: Word
    quoted: bool
    span: Span


Part: TypeAlias = "Literal | Parameter | CommandSubstitution | Arithmetic"


class Word(NamedTuple):
    """One word as it was typed. Without parts only as the value of `A=`, the body of `${name:-}` and of an empty
    here-document; `""` is one Literal, empty and quoted."""

    parts: tuple[Part, ...]
    span: Span


# --- commands ---


class Assignment(NamedTuple):
    """`NAME=value` and `NAME+=value` in front of a command."""

    name: str
    value: Word
    append: bool
    span: Span


class Redirection(NamedTuple):
    """`operator` is one of `< > >> >| <> <& >& &> &>> << <<- <<<`. `fd` is what was written before it, if anything.

    `target` is the file, the descriptor (`2`, `-`), the here-string, or the delimiter; `body` the here-document, whose
    parts are all quoted Literals when the delimiter was quoted. `<<-` has its tabs taken out already.
    """

    fd: int | None
    operator: str
    target: Word
    span: Span
    body: Word | None = None


class SimpleCommand(NamedTuple):
    """Assignments, words and redirections; not all of them empty."""

    assignments: tuple[Assignment, ...]
    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...]
    span: Span


class Group(NamedTuple):
    """`( … )` (a subshell) or `{ …; }`."""

    script: tuple[Script, ...]
    subshell: bool
    redirections: tuple[Redirection, ...]
    span: Span


Command: TypeAlias = "SimpleCommand | Group"


class Pipeline(NamedTuple):
    """Commands with `|` between them; `|&` has become a `2>&1` at the end of the command before it."""

    commands: tuple[Command, ...]
    negated: bool
    span: Span


class AndOr(NamedTuple):
    """Pipelines with `&&` and `||` between them: `operators` has one fewer."""

    pipelines: tuple[Pipeline, ...]
    operators: tuple[str, ...]
    span: Span


class Statement(NamedTuple):
    """What stands before `;`, `&` or a newline."""

    body: AndOr
    background: bool
    span: Span


class Script(NamedTuple):
    """The statements of one line (or of the lines that one command needs), and the text that all spans point into."""

    statements: tuple[Statement, ...]
    source: str

    def text(self, span: Span) -> str:
        """What was typed there, on one line: what a job is called by."""
        return " ".join(self.source[span.start : span.end].split("\n"))
