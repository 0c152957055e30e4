"""Brace expansion, as bash has it (its manual, section "Brace Expansion"): one word becomes several. Imports re.

It comes before everything else and looks at unquoted, typed text only: a word is taken as a row of atoms, which are
single unquoted characters, or parts that it does not look into.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, groupby, pairwise, product
from typing import Final, TypeAlias, cast

from engine.shell.ast import Literal, Part, Span, Word
from engine.shell.faults import ExpansionFault

LIMIT: Final = 1_000_000  # words that one word may become

_NUMBER: Final = r"[-+]?[0-9]+"
_SEQUENCE: Final = re.compile(
    rf"(?:(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})|(?P<first>[A-Za-z])\.\.(?P<last>[A-Za-z]))(?:\.\.(?P<step>{_NUMBER}))?"
)

_ZERO: Final = re.compile(r"[-+]?0[0-9]")

Atom: TypeAlias = "str | Part"
Atoms: TypeAlias = "tuple[Atom, ...]"


class TooMany(ExpansionFault):
    """A word would become more than LIMIT words."""

    def __init__(self) -> None:
        super().__init__(f"braces make more than {LIMIT:,} words of this one", hint="use a program, such as seq")


def expand(word: Word) -> list[Word]:
    """The words that `word` stands for; itself when it has no braces that say something. Raises TooMany."""
    atoms: list[Atom] = []
    for part in word.parts:
        if type(part) is Literal and not part.quoted:
            atoms += part.text
        else:
            atoms.append(part)
    results = _expand(tuple(atoms))
    return [word] if len(results) == 1 and len(results[0]) == len(atoms) else [_word(row, word.span) for row in results]


def _expand(atoms: Atoms) -> list[Atoms]:
    """All rows that `atoms` stand for: what is before the first braces, each of their items, and so on after them."""
    choices: list[list[Atoms]] = []
    total, position = 1, 0
    while braces := _first_braces(atoms, position):
        opening, separators, closing = braces
        items = _items(atoms, opening, separators, closing)
        choices += [[atoms[position:opening]], items]
        position = closing + 1
        total *= len(items)
        if total > LIMIT:
            raise TooMany
    choices.append([atoms[position:]])
    return [tuple(chain.from_iterable(rows)) for rows in product(*choices)]


def _items(atoms: Atoms, opening: int, separators: list[int], closing: int) -> list[Atoms]:
    """What one pair of braces offers; the braces themselves, as they stand, when they are no sequence."""
    if "," not in atoms[opening:closing]:
        return _sequence(atoms[opening + 1 : closing]) or [atoms[opening : closing + 1]]
    edges = [opening, *separators, closing]
    items = chain.from_iterable(_expand(atoms[left + 1 : right]) for left, right in pairwise(edges))
    return list(items)


def _first_braces(atoms: Atoms, start: int) -> tuple[int, list[int], int] | None:
    """The first `{` from `start` on that has a `}` and a comma or `..` between them; its own commas; that `}`."""
    for opening in range(start, len(atoms)):
        if atoms[opening] != "{" or (opening == start and atoms[opening + 1 : opening + 2] in ((), ("}",))):
            continue
        found = _closing(atoms, opening)
        if found:
            return opening, *found
    return None


def _closing(atoms: Atoms, opening: int) -> tuple[list[int], int] | None:
    separators: list[int] = []
    depth, dots = 0, False
    for index in range(opening + 1, len(atoms)):
        atom = atoms[index]
        if atom == "}":
            if depth == 0 and (separators or dots):
                return separators, index
            depth = max(0, depth - 1)
        elif atom == "{":
            depth += 1
        elif depth == 0 and atom == ",":
            separators.append(index)
        elif depth == 0 and atoms[index : index + 2] == (".", ".") and atoms[index + 2 : index + 3] != ("}",):
            dots = True
    return None


def _sequence(atoms: Atoms) -> list[Atoms]:
    """`1..10..2` and `a..e`; nothing when it is neither."""
    match = _SEQUENCE.fullmatch("".join(atom if isinstance(atom, str) else "\0" for atom in atoms))
    if match is None:
        return []
    first, last = (match["low"], match["high"]) if match["low"] else (match["first"], match["last"])
    numbers = bool(match["low"])
    begin, end = (int(first), int(last)) if numbers else (ord(first), ord(last))
    step = abs(int(match["step"] or 1)) or 1
    if max(abs(begin), abs(end), step) >= 2**63:
        return []
    if abs(end - begin) // step >= LIMIT:
        raise TooMany
    values = range(begin, end + 1, step) if begin <= end else range(begin, end - 1, -step)
    if not numbers:
        return [(chr(value),) for value in values]
    padded = any(_ZERO.match(text) for text in (first, last))
    width = max(len(first), len(last)) if padded else 0
    return [tuple(f"{value:0{width}}") for value in values]


def _word(atoms: Atoms, span: Span) -> Word:
    """A word again; characters side by side become one literal."""
    parts: list[Part] = []
    for typed, run in groupby(atoms, lambda atom: isinstance(atom, str)):
        if typed:
            parts.append(Literal("".join(cast("Iterable[str]", run)), False, span))
        else:
            parts += cast("Iterable[Part]", run)
    return Word(tuple(parts), span)
