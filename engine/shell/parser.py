"""Commands: what words and operators make together (POSIX XCU 2.9, 2.10; `|&`, `&>`, `<<<` from bash).

    list      and_or (; and_or | & and_or | newline and_or)*
    and_or    pipeline (&& pipeline | || pipeline)*
    pipeline  [!] command (| command | |& command)*
    command   (assignment | word | redirection)+  |  ( list ) redirection*  |  { list } redirection*

A program's constructs (`if`, `for`, functions …) are met with a fault that says who has them. Aliases are put in here,
because only here it is known what is a command's name. Imports what a text and its words need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.shell.ast import (
    AndOr,
    Assignment,
    Command,
    Group,
    Literal,
    Pipeline,
    Redirection,
    Script,
    SimpleCommand,
    Span,
    Statement,
    Word,
)
from engine.shell.faults import SyntaxFault
from engine.shell.lexer import Delimiter, Lexer
from engine.shell.text import Text
from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, NoReturn, TypeAlias

_RESERVED = re.compile(
    r"(?:[!{}]|\[\[|if|then|elif|else|fi|for|while|until|do|done|case|esac|select|function|coproc)"
    r"(?=(?:\\\n)*(?:[ \t\n;&|<>()]|\Z))"
)
_CLOSES = {
    "then": "if", "elif": "if", "else": "if", "fi": "if", "do": "for or while", "done": "for or while", "esac": "case",
}  # fmt: skip
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_IDLE_LINES = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)+")
_PROGRAMS = "heliosh is for commands and jobs; write bash -c '…', or put it into a file and run bash FILE"

Aliases: TypeAlias = Mapping[str, str]


class Parser:
    """A text's lines, one `Script` at a time.

    The next one is read when it is asked for, with the aliases of that moment. Raises SyntaxFault.
    """

    def __init__(self, source: str, *, name: str = "heliosh", first_line: int = 1, aliases: Aliases | None = None):
        self.source = source
        self.name = name
        self.first_line = first_line
        self.aliases = {} if aliases is None else aliases

    def __iter__(self) -> Iterator[Script]:
        nul = self.source.find("\0")
        if nul >= 0:
            text = Text(self.source, 0, len(self.source), self.name, self.first_line)
            raise text.fault("a NUL character can't be in a command", nul, nul + 1)
        position = 0
        while position < len(self.source):
            if idle := _IDLE_LINES.match(self.source, position):
                position = idle.end()
            else:
                scripts, position = self._line(position)
                yield from scripts

    def _line(self, start: int) -> tuple[list[Script], int]:
        """The command that begins there, and where the next one may. It is several when an alias has several lines.

        It is tried with one line, and when that isn't enough with twice as much: so what it costs to put aliases in
        depends on the command only, not on the text that follows.
        """
        size = 1
        while True:
            newline = self.source.find("\n", start + size - 1)
            end = newline + 1 if newline >= 0 else len(self.source)
            text = Text(self.source, start, end, self.name, self.first_line)
            lexer = Lexer(text, self._commands)
            try:
                scripts = [Grammar(lexer, self.aliases).line()]
                while text.inserted(lexer.position):
                    scripts.append(Grammar(lexer, self.aliases).line())
            except SyntaxFault as fault:
                if not fault.incomplete or end == len(self.source):
                    raise
                size = 2 * (end - start)
            else:
                return list(filter(None, scripts)), text.span(lexer.position, lexer.position).start

    def _commands(self, lexer: Lexer) -> tuple[Script, ...]:
        return Grammar(lexer, self.aliases).lines(")")


def parse(source: str, *, name: str = "heliosh", first_line: int = 1, aliases: Aliases | None = None) -> list[Script]:
    """All lines of a text."""
    return list(Parser(source, name=name, first_line=first_line, aliases=aliases))


class Grammar:
    """Reads commands with a lexer. A here-document's body comes after its command, so it is filled in at last."""

    def __init__(self, lexer: Lexer, aliases: Aliases) -> None:
        self.lexer = lexer
        self.aliases = aliases
        self._asked: list[Delimiter] = []  # here-documents that begin after this line
        self._bodies: list[Word] = []
        self._operator = Span(0, 0)  # the last one, in characters of the lexer's text

    # --- lists ---

    def line(self) -> Script | None:
        """The next line with a command in it, its newline taken; None at the end."""
        script = self._line("")
        return self._complete(script) if script else None

    def lines(self, closing: str) -> tuple[Script, ...]:
        """All lines up to what closes them, or up to the end; neither is taken."""
        scripts = []
        while script := self._line(closing):
            scripts.append(self._complete(script))
        return tuple(scripts)

    def _complete(self, script: Script) -> Script:
        if self._asked and self.lexer.character():
            message = "this here-document has no lines: the ) comes before the end of its line"
            self.lexer.fault(message, self._asked[0].start, self._asked[0].end)
        self._read_here_documents()
        bodies, self._bodies = self._bodies, []
        filled: Script = _filled(script, bodies) if bodies else script
        return filled

    def _line(self, closing: str) -> Script | None:
        statements: list[Statement] = []
        while (found := self._start()) and not self._closes(closing):
            if found != "\n":
                statements.append(self._statement(closing))
                continue
            self._newline()
            if statements:
                break
        return Script(tuple(statements), self.lexer.text.source) if statements else None

    def _closes(self, closing: str) -> bool:
        return bool(closing) and closing in (self.lexer.peek(), self._reserved())

    def _newline(self) -> None:
        self.lexer.take("\n")
        self._read_here_documents()

    def _read_here_documents(self) -> None:
        for delimiter in self._asked:
            self._bodies.append(self.lexer.here_document(delimiter))
        self._asked.clear()

    def _statement(self, closing: str) -> Statement:
        body = self._and_or()
        found = self.lexer.peek()
        if found in (";", "&"):
            self._take(found)
        elif found not in ("\n", "") and not self._closes(closing):
            self._unexpected("; & or the end of the line")
        return Statement(body, found == "&", body.span)

    def _and_or(self) -> AndOr:
        pipelines, operators = [self._pipeline()], []
        while (found := self.lexer.peek()) in ("&&", "||"):
            self._take(found)
            operators.append(found)
            self._newlines()
            pipelines.append(self._pipeline())
        return AndOr(tuple(pipelines), tuple(operators), Span(pipelines[0].span.start, pipelines[-1].span.end))

    def _newlines(self) -> None:
        while self._start() == "\n":
            self._newline()

    def _pipeline(self) -> Pipeline:
        bangs = []
        self._start()
        while self._reserved() == "!":
            bangs.append(self._take("!"))
            self._start()
        commands = [self._command()]
        while (found := self.lexer.peek()) in ("|", "|&"):
            span = self._take(found)
            if found == "|&":
                commands[-1] = _with_errors(commands[-1], span)
            self._newlines()
            commands.append(self._command())
        start = bangs[0].start if bangs else commands[0].span.start
        return Pipeline(tuple(commands), len(bangs) % 2 == 1, Span(start, commands[-1].span.end))

    # --- commands ---

    def _command(self) -> Command:
        found = self._start()
        reserved = self._reserved()
        if found == "(" or reserved == "{":
            return self._group("(" if found == "(" else "{")
        if reserved:
            self._construct(reserved)
        if found not in ("word", "redirection"):
            self._unexpected("a command")
        return self._simple()

    def _group(self, opening: str) -> Group:
        start, closing = self.lexer.position, ")" if opening == "(" else "}"
        if self.lexer.at("((") and self.lexer.closes_doubly(start):
            hint = "for a number write $((…)), for a group in a group put a blank between the two"
            self.lexer.fault("heliosh has no (( ))", start, start + 2, hint=hint)
        self.lexer.enter(start)
        begin = self._take(opening)
        scripts = []
        while script := self._line(closing):
            scripts.append(script)
        if not self._closes(closing):
            self.lexer.unclosed(opening, start, hint="} is one after a ; or at a line's beginning" * (closing == "}"))
        if not scripts:
            self._unexpected("a command")
        end = self._take(closing)
        self.lexer.leave()
        redirections = []
        while self.lexer.peek() == "redirection":
            redirections.append(self._redirection())
            end = redirections[-1].span
        return Group(tuple(scripts), opening == "(", tuple(redirections), Span(begin.start, end.end))

    def _simple(self) -> SimpleCommand:
        assignments: list[Assignment] = []
        words: list[Word] = []
        redirections: list[Redirection] = []
        spans: list[Span] = []
        while True:
            found, after_blank = self.lexer.peek(), self._left_blank()
            if found == "word" and (not words or after_blank):
                found = self._after_blank() if words else self._start()
            if found == "redirection":
                redirections.append(self._redirection())
                spans.append(redirections[-1].span)
            elif found == "word":
                spans.append(self._word(assignments, words))
            else:
                break
        if found == "(":
            self._parenthesis(spans)
        span = Span(spans[0].start, spans[-1].end) if spans else self.lexer.span(self.lexer.position)
        return SimpleCommand(tuple(assignments), tuple(words), tuple(redirections), span)

    def _word(self, assignments: list[Assignment], words: list[Word]) -> Span:
        word = self.lexer.word()
        assignment = None if words else _assignment(word)
        if assignment:
            self.lexer.painted_word(word, "argument")
            self.lexer.painted("assignment", Span(word.span.start, assignment.value.span.start))
            assignments.append(assignment)
        else:
            self.lexer.painted_word(word, "argument" if words else "command")
            words.append(word)
        return word.span

    def _redirection(self) -> Redirection:
        start = self.lexer.position
        fd, operator = self.lexer.redirection()
        end = self.lexer.position
        self._operator = Span(start, end)
        if self.lexer.at("(") and operator in ("<", ">"):
            self.lexer.fault(f"heliosh has no process substitution {operator}(…)", end - 1, end + 1, hint=_PROGRAMS)
        found = self.lexer.peek()
        if found != "word" and not (operator.endswith("&") and self.lexer.character().isdigit()):
            self._unexpected("a delimiter" if operator in ("<<", "<<-") else "a file name")
        target = self.lexer.word()
        body = None
        if operator in ("<<", "<<-"):
            body = Word((), Span(-1, len(self._bodies) + len(self._asked)))
            self._asked.append(self._delimiter(target, operator, Span(start, end)))
            self.lexer.painted("redirection", target.span)
        else:
            self.lexer.painted_word(target, "argument")
        return Redirection(fd, operator, target, Span(self.lexer.text.span(start, end).start, target.span.end), body)

    def _delimiter(self, word: Word, operator: str, place: Span) -> Delimiter:
        """The delimiter is not expanded: what looks like an expansion is meant as it stands."""
        source = self.lexer.text.source
        texts = [part.text if isinstance(part, Literal) else source[slice(*part.span)] for part in word.parts]
        return Delimiter("".join(texts), any(part.quoted for part in word.parts), operator == "<<-", *place)

    # --- what stands here ---

    def _start(self) -> str:
        """What comes next where a command's name may stand: aliases are put in."""
        self._left_blank()
        while (found := self.lexer.peek()) == "word" and self._insert_alias():
            pass
        return found

    def _after_blank(self) -> str:
        """What comes next after an alias that ends with a blank: this word may be one too, and what it begins with."""
        text = self.lexer.text
        while self.lexer.peek() == "word" and self._insert_alias() and text.inserted(self.lexer.position):
            pass
        return self.lexer.peek()

    def _insert_alias(self) -> bool:
        if not self.aliases:
            return False
        name, text, start = self.lexer.plain_word(), self.lexer.text, self.lexer.position
        if name not in self.aliases or self._reserved():
            return False
        if any(insertion.name == name and start < insertion.end for insertion in text.insertions):
            return False
        if not text.insert(start, start + len(name), name, self.aliases[name]):
            self.lexer.fault("aliases make this line too long", start, start + len(name))
        return True

    def _left_blank(self) -> bool:
        """Whether an alias that ended with a blank has ended here: then the next word may be one too."""
        text, position = self.lexer.text, self.lexer.position
        if not text.insertions:
            return False
        ended = [insertion for insertion in text.insertions if insertion.end <= position]
        text.insertions = [insertion for insertion in text.insertions if insertion.end > position]
        return any(insertion.blank for insertion in ended)

    def _reserved(self) -> str:
        match = _RESERVED.match(self.lexer.text.characters, self.lexer.position)
        return match[0] if match else ""

    def _take(self, operator: str) -> Span:
        start = self.lexer.position
        self._operator = Span(start, start + len(operator))
        return self.lexer.take(operator)

    # --- faults ---

    def _unexpected(self, expected: str) -> NoReturn:
        lexer, found = self.lexer, self.lexer.peek()
        start = lexer.position
        end = start + len(found)
        if found in ("", "\n"):
            before = lexer.text.characters[slice(*self._operator)]
            where = "text" if not found else "line"
            message = f"expected {expected} after {before}, found the end of the {where}"
            lexer.fault(message, *self._operator, incomplete=not found and before in ("|", "|&", "&&", "||"))
        if found.startswith(";;") or found == ";&":
            lexer.fault(f"this {found} belongs to case, which heliosh doesn't have", start, end, hint=_PROGRAMS)
        if found == ")" and expected != "a command":
            lexer.fault("this ) closes nothing", start, end)
        if found == "word":
            found = lexer.plain_word() or "a word"
            end = start + max(1, len(lexer.plain_word()))
        elif found == "redirection":
            found = "a redirection"
            end = start + 1
        lexer.fault(f"expected {expected}, found {found}", start, end)

    def _construct(self, word: str) -> NoReturn:
        """A reserved word where a command's name should be."""
        start = self.lexer.position
        end = start + len(word)
        if word == "!":
            self.lexer.fault("a ! stands in front of a whole pipeline, not inside of it", start, end)
        if word == "}":
            self.lexer.fault("this } closes nothing", start, end)
        if word in _CLOSES:
            self.lexer.fault(f"{word} without {_CLOSES[word]}, which heliosh doesn't have", start, end, hint=_PROGRAMS)
        if word == "function":
            self.lexer.fault("heliosh has no functions", start, end, hint=_PROGRAMS)
        hint = "there is [ … ], the same as test; else " if word == "[[" else ""
        self.lexer.fault(f"heliosh has no {word}", start, end, hint=hint + _PROGRAMS)

    def _parenthesis(self, spans: list[Span]) -> NoReturn:
        """A `(` after a word."""
        lexer, start = self.lexer, self.lexer.position
        before = lexer.text.characters[:start]
        if re.compile(r"\(\s*\)").match(lexer.text.characters, start) and len(spans) == 1:
            lexer.fault("heliosh has no functions", start, start + 1, hint=_PROGRAMS)
        if before.endswith("="):
            lexer.fault("heliosh has no arrays", start, start + 1, hint=_PROGRAMS)
        lexer.fault("expected ; & or the end of the line, found (", start, start + 1, hint="a literal ( is written \\(")


def _assignment(word: Word) -> Assignment | None:
    first = word.parts[0]
    match = _ASSIGNMENT.match(first.text) if isinstance(first, Literal) and not first.quoted else None
    if not match or not isinstance(first, Literal):
        return None
    begin = min(first.span.start + match.end(), first.span.end)
    rest = (first._replace(text=first.text[match.end() :], span=Span(begin, first.span.end)),)
    value = Word((*(rest if rest[0].text else ()), *word.parts[1:]), Span(begin, word.span.end))
    return Assignment(match[1], value, bool(match[2]), word.span)


def _with_errors(command: Command, span: Span) -> Command:
    """The command with what `|&` stands for: `2>&1` after its other redirections."""
    added = Redirection(2, ">&", Word((Literal("1", False, span),), span), span)
    return command._replace(redirections=(*command.redirections, added))


def _filled(node: Any, bodies: list[Word]) -> Any:
    """The tree with the here-documents that were read after it was made."""
    if isinstance(node, Redirection) and node.body and node.body.span.start < 0:
        return node._replace(body=bodies[node.body.span.end])
    if not isinstance(node, tuple) or isinstance(node, (Span, Word)):
        return node
    parts = [_filled(part, bodies) for part in node]
    return type(node)(*parts) if hasattr(node, "_fields") else tuple(parts)
