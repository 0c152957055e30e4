"""The language of the list's filter: words, regular expressions, fields and their inverse. Imports bounded.

    web prod            both words must be there
    "two words"         as one
    /^web-\\d+$/         a regular expression; the last `/` may be missing while one types
    !web   !/x/         the inverse of one term
    ! web prod          the inverse of all of it: the blank after the first `!` says so
    label:tier=front    a label and its value; without a value, the label alone; `*` and `?` stand for any characters
    state:running       a state or a health, or how it begins
    name: image: network: command: port: id: host:      text in that field, or a regular expression

Case never matters. What looks like a field and is none (`redis:7`) is a word. A regular expression that takes too long
finds nothing any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

from widgets.bounded import Bounded

Facts: TypeAlias = Mapping[str, Sequence[str]]
"""What is known of a row, by field; of labels as `KEY=VALUE`."""

FIELDS = ("name", "image", "state", "label", "network", "command", "port", "id", "host")
STATES = ("created", "running", "paused", "restarting", "stopped", "exited", "healthy", "starting", "unhealthy")
_UNSEARCHED = ("label", "id")
"""Fields that a word alone is not looked for in: half of all short words are in some id."""
_TERM = re.compile(
    r"(?P<no>!?)"
    rf"(?:(?P<field>{'|'.join(FIELDS)}):)?"
    r"""(?:/(?P<regex>(?:\\.|[^/\\])*)(?P<end>/(?=\s|$)|\\?$)|(?P<word>(?:"[^"]*(?:"|$)|[^\s"])*))""",
    re.IGNORECASE,
)
_QUOTED = re.compile(r'"([^"]*)(?:"|$)')


class QueryError(ValueError):
    """A sentence of what is wrong, and `at` which character of the text, from 0."""

    def __init__(self, sentence: str, at: int) -> None:
        super().__init__(sentence)
        self.at = at


@dataclass(frozen=True)
class Term:
    """One condition. `field`: empty for any; `pattern`: a regular expression instead of text."""

    field: str
    text: str
    pattern: Bounded | None = None
    inverse: bool = False

    def holds(self, facts: Facts) -> bool:
        return self._found(facts) != self.inverse

    def _found(self, facts: Facts) -> bool:
        values = self._values(facts)
        if self.pattern is not None:
            return any(self.pattern.search(value) for value in values)
        wanted = self.text.casefold()
        if self.field == "label":
            return any(_labelled(value.casefold(), wanted) for value in values)
        test: Callable[[str, str], bool] = str.startswith if self.field == "state" else str.__contains__
        return any(test(value.casefold(), wanted) for value in values)

    def _values(self, facts: Facts) -> list[str]:
        if self.field:
            return list(facts.get(self.field, ()))
        return [value for field, values in facts.items() if field not in _UNSEARCHED for value in values]


def _labelled(label: str, wanted: str) -> bool:
    """Whether a label `key=value` is the one that is wanted, of which the value may be missing."""
    key, _, value = label.partition("=")
    wanted_key, given, wanted_value = wanted.partition("=")
    return fnmatchcase(key, wanted_key) and (not given or fnmatchcase(value, wanted_value))


@dataclass(frozen=True)
class Query:
    """What a filter asks for. Without terms it is true of everything."""

    terms: tuple[Term, ...] = ()
    inverse: bool = False

    def __bool__(self) -> bool:
        return bool(self.terms)

    def holds(self, facts: Facts) -> bool:
        if not self.terms:
            return True
        return all(term.holds(facts) for term in self.terms) != self.inverse and not self.slow

    @property
    def slow(self) -> bool:
        """Whether it has a regular expression that took too long, and is true of nothing any more."""
        return any(term.pattern is not None and term.pattern.slow for term in self.terms)


def parse(text: str) -> Query:
    """What the text asks for. Raises QueryError."""
    start = len(text) - len(text.lstrip())
    whole = text[start : start + 1] == "!" and text[start + 1 : start + 2].isspace()
    at = start + 1 if whole else start
    terms = []
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        found = _TERM.match(text, at)
        assert found is not None  # a word may be empty, so something always matches
        term = _term(found)
        if term is not None:
            terms.append(term)
        at = found.end()
    return Query(tuple(terms), whole)


def _term(found: re.Match[str]) -> Term | None:
    """A condition; None for one of which nothing is typed yet."""
    field, inverse = (found["field"] or "").lower(), bool(found["no"])
    if found["regex"] is not None:
        if not found["regex"]:
            return None
        return Term(field, found["regex"], _pattern(found["regex"], found.start("regex")), inverse)
    text = _QUOTED.sub(r"\1", found["word"])
    if not text:
        return None
    if field == "state" and not any(state.startswith(text.casefold()) for state in STATES):
        raise QueryError(f"No container is ever “{text}”; it can be {', '.join(STATES)}.", found.start("word"))
    return Term(field, text, inverse=inverse)


def _pattern(source: str, at: int) -> Bounded:
    try:
        return Bounded(re.compile(source, re.IGNORECASE))
    except re.error as error:
        place = error.pos or 0
        said = f"{error.msg[:1].upper()}{error.msg[1:]}"
        raise QueryError(f"{said}, at character {place + 1} of the regular expression.", at + place) from error
    except (OverflowError, RecursionError) as error:
        raise QueryError("The regular expression is too large.", at) from error
