"""Makes layout.py and allocator/layout_asserts.h of allocator/layout.h: `python -m engine.heap.layout_of`.

The header is the one truth of what a heap looks like in memory. Readers in Python take names, offsets and sizes from
layout.py; the compiler checks by layout_asserts.h that it lays the same structures out in the same way.

The parser knows only the plain forms that the header keeps to, and refuses everything else. Standard library only.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).parent
HEADER = HERE / "allocator" / "layout.h"
ASSERTS = HERE / "allocator" / "layout_asserts.h"
MODULE = HERE / "layout.py"
COMMAND = "python -m engine.heap.layout_of"

# bytes and code of the module struct
NUMBERS = {"uint8_t": (1, "B"), "uint16_t": (2, "H"), "uint32_t": (4, "I"), "uint64_t": (8, "Q")}
POINTER = (8, "Q")

_TOKEN = re.compile(r"[A-Za-z_]\w*|0[xX][0-9a-fA-F]+|\d+|[{}\[\];,=*]")
_PREPROCESSOR = re.compile(r"#\s*(ifndef|ifdef|endif|include|define)\b\s*(.*)")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+")
_ASSERTION = re.compile(r"static_assert\((?:[^\";]|\"[^\"\n]*\")*\)\s*;")


class LayoutError(ValueError):
    """The header has a form that this parser doesn't know."""


@dataclass
class Field:
    """`count` elements of a number (`code`, of the module struct) or of a structure (`struct`), from `offset` on."""

    name: str
    offset: int
    element: int  # bytes
    count: int
    code: str
    struct: str

    @property
    def size(self) -> int:
        return self.element * self.count


@dataclass
class Struct:
    name: str
    fields: list[Field] = field(default_factory=list)
    size: int = 0
    alignment: int = 1


@dataclass
class Layout:
    constants: dict[str, int]
    enums: dict[str, dict[str, int]]
    structs: dict[str, Struct]


def parse(text: str) -> Layout:
    """Raises LayoutError with a sentence that names what isn't understood."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    layout = Layout({}, {}, {})
    rest = [line for line in text.splitlines() if not _preprocessor(line.strip(), layout.constants)]
    _Parser(_tokens(_ASSERTION.sub(" ", "\n".join(rest))), layout).declarations()
    return layout


def _preprocessor(line: str, constants: dict[str, int]) -> bool:
    if not line.startswith("#"):
        return False
    match = _PREPROCESSOR.fullmatch(line)
    if not match:
        raise LayoutError(f"{line!r} is not known here: there is #include, #ifndef, #endif, #define NAME NUMBER.")
    directive, rest = match.groups()
    if directive == "define":
        name, _, value = rest.strip().partition(" ")
        if value and not _NUMBER.fullmatch(value.strip()):
            raise LayoutError(f"The constant {name} is {value.strip()!r}: write it as a plain number.")
        if value:
            constants[name] = int(value, 0)
    return True


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    for match in _TOKEN.finditer(text):
        _nothing_between(text[at : match.start()])
        found.append(match.group())
        at = match.end()
    _nothing_between(text[at:])
    return found


def _nothing_between(text: str) -> None:
    if text.strip():
        raise LayoutError(f"{text.strip()!r} is not understood: structures, enums and numbers are plain here.")


class _Parser:
    """Declarations of enums and structures; a structure is known before it is a field of another."""

    def __init__(self, tokens: list[str], layout: Layout) -> None:
        self._tokens = tokens
        self._at = 0
        self._layout = layout

    def declarations(self) -> None:
        while self._at < len(self._tokens):
            what = self._next()
            if what == "enum":
                self._enum()
            elif what == "struct":
                self._struct()
            else:
                self._refuse(what, "struct or enum")

    def _enum(self) -> None:
        name = self._name()
        self._expect("{")
        values: dict[str, int] = {}
        while self._peek() != "}":
            member = self._name()
            self._expect("=")  # each value is written down: nobody has to count
            values[member] = self._number()
            if self._peek() != "}":
                self._expect(",")
        self._expect("}")
        self._expect(";")
        self._layout.enums[name] = values

    def _struct(self) -> None:
        made = Struct(self._name())
        self._expect("{")
        while self._peek() != "}":
            self._field(made)
        self._expect("}")
        self._expect(";")
        made.size = _aligned(made.size, made.alignment)
        self._layout.structs[made.name] = made

    def _field(self, owner: Struct) -> None:
        element, alignment, code, struct = self._type()
        name = self._name()
        count = 1
        if self._peek() == "[":
            self._expect("[")
            count = self._number()
            self._expect("]")
        self._expect(";")
        offset = _aligned(owner.size, alignment)
        owner.fields.append(Field(name, offset, element, count, code, struct))
        owner.size = offset + element * count
        owner.alignment = max(owner.alignment, alignment)

    def _type(self) -> tuple[int, int, str, str]:
        """Bytes, alignment, code, name of a structure within."""
        word = self._next()
        name = self._name() if word in ("struct", "enum") else ""
        if self._peek() == "*":
            self._expect("*")
            if word not in ("struct", "void") and word not in NUMBERS:
                self._refuse(word, "a pointer to a structure, a number or void")
            return POINTER[0], POINTER[0], POINTER[1], ""
        if word == "struct" and name in self._layout.structs:
            inner = self._layout.structs[name]
            return inner.size, inner.alignment, "", name
        if word in NUMBERS:
            size, code = NUMBERS[word]
            return size, size, code, ""
        return self._refuse(f"{word} {name}".strip(), "a pointer, a structure declared before, or uint8_t to uint64_t")

    def _number(self) -> int:
        word = self._next()
        if _NUMBER.fullmatch(word):
            return int(word, 0)
        if word not in self._layout.constants:
            self._refuse(word, "a number or a constant defined before")
        return self._layout.constants[word]

    def _name(self) -> str:
        word = self._next()
        if not word.isidentifier():
            self._refuse(word, "a name")
        return word

    def _expect(self, wanted: str) -> None:
        word = self._next()
        if word != wanted:
            self._refuse(word, repr(wanted))

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        word = self._peek()
        if not word:
            raise LayoutError("The header ends in the middle of a declaration.")
        self._at += 1
        return word

    def _refuse(self, word: str, wanted: str) -> NoReturn:
        before = " ".join(self._tokens[max(0, self._at - 6) : self._at])
        raise LayoutError(f"{word!r} is not understood (after {before!r}): expected {wanted}.")


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment


# --- what is made of it ---

_MODULE_HEAD = f'''"""What a heap looks like in memory. Made of allocator/layout.h, which says what all this means, by
`{COMMAND}`: change the header, not this file. Standard library only.

A structure is a class of fields: `HeapRoot.sequence.offset`, `HeapRoot.SIZE`. Numbers are little-endian.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, NamedTuple


class Field(NamedTuple):
    """`size` bytes from `offset` on: `elements` numbers of `code` (of the module struct; pointers are "Q"), or as many
    of the structure called `struct`."""

    offset: int
    size: int
    elements: int
    code: str
    struct: str = ""


class Struct:
    SIZE: ClassVar[int]

    @classmethod
    def fields(cls) -> dict[str, Field]:
        """In their order in memory."""
        return {{name: value for name, value in vars(cls).items() if isinstance(value, Field)}}

'''


def module(layout: Layout) -> str:
    """The text of layout.py."""
    lines = [_MODULE_HEAD]
    lines += [f"{name} = {_constant(value)}" for name, value in layout.constants.items()]
    for name, members in layout.enums.items():
        prefix = _prefix(name, list(members))
        lines += ["", "", f"class {_class(name)}(IntEnum):"]
        lines += [f"    {member.removeprefix(prefix)} = {value}" for member, value in members.items()]
    for struct in layout.structs.values():
        lines += ["", "", f"class {_class(struct.name)}(Struct):", f"    SIZE = {struct.size}"]
        lines += [f"    {each.name} = {_field(each)}" for each in struct.fields]
    return "\n".join(lines) + "\n"


def asserts(layout: Layout) -> str:
    """The text of layout_asserts.h."""
    lines = [
        f"/* Made of layout.h by `{COMMAND}`: the compiler agrees with what readers outside believe. */",
        '#include "layout.h"',
    ]
    for struct in layout.structs.values():
        name = f"struct {struct.name}"
        lines += ["", f'static_assert(sizeof({name}) == {struct.size}, "layout.py is of another layout.h");']
        for each in struct.fields:
            lines.append(f'static_assert(offsetof({name}, {each.name}) == {each.offset}, "{struct.name}.{each.name}");')
    return "\n".join(lines) + "\n"


def _constant(value: int) -> str:
    return f"0x{value:X}" if value >= 1 << 24 else str(value)


def _prefix(enum: str, members: list[str]) -> str:
    """POLICY_ of POLICY_BEST: what all members begin with."""
    prefix = members[0].partition("_")[0] + "_"
    if not all(member.startswith(prefix) for member in members):
        raise LayoutError(f"The members of enum {enum} don't all begin with {prefix!r}: give them one first word.")
    return prefix


def _class(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _field(each: Field) -> str:
    struct = f', "{_class(each.struct)}"' if each.struct else ""
    return f'Field({each.offset}, {each.size}, {each.count}, "{each.code}"{struct})'


def main() -> int:
    try:
        layout = parse(HEADER.read_text())
        texts = {MODULE: module(layout), ASSERTS: asserts(layout)}
    except (LayoutError, OSError) as problem:
        print(f"{HEADER.name}: {problem}", file=sys.stderr)
        return 1
    for path, text in texts.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
