"""One truth of what a heap looks like in memory: the header."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.heap import layout, layout_of
from engine.heap.layout_of import LayoutError, parse


def test_what_was_generated_is_of_the_header_as_it_is() -> None:
    found = parse(layout_of.HEADER.read_text())
    again = f"run `{layout_of.COMMAND}`"
    assert layout_of.MODULE.read_text() == layout_of.module(found), again
    assert layout_of.ASSERTS.read_text() == layout_of.asserts(found), again


def test_the_compiler_lays_out_every_field_as_python_believes(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("without a C compiler nobody can say it better than the generator")
    structs = parse(layout_of.HEADER.read_text()).structs.values()
    questions = "".join(
        f'printf("{struct.name} %zu\\n", sizeof(struct {struct.name}));'
        + "".join(
            f'printf("{struct.name}.{each.name} %zu %zu\\n", offsetof(struct {struct.name}, {each.name}),'
            f" sizeof(((struct {struct.name} *)0)->{each.name}));"
            for each in struct.fields
        )
        for struct in structs
    )
    source = tmp_path / "layout.c"
    source.write_text(f'#include "layout_asserts.h"\n#include <stdio.h>\nint main(void) {{ {questions} }}')
    program = tmp_path / "layout"
    subprocess.run(["gcc", "-std=gnu11", "-I", layout_of.HEADER.parent, "-o", program, source], check=True, timeout=60)
    answers = subprocess.run([program], check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()

    believed = []
    for struct in structs:
        shape = getattr(layout, "".join(word.capitalize() for word in struct.name.split("_")))
        believed.append(f"{struct.name} {shape.SIZE}")
        believed += [f"{struct.name}.{name} {each.offset} {each.size}" for name, each in shape.fields().items()]
    assert answers == believed


def test_constants_and_enums_are_those_of_the_header() -> None:
    assert layout.ROOT_MAGIC.to_bytes(8, "little") == b"HELIOS-H"
    assert layout.SEGMENT_UNIT == 1 << layout.SEGMENT_SHIFT
    assert list(layout.HeapPolicy) == [0, 1, 2, 3]
    assert layout.HeapEventKind.CACHE_HIT == 14


def test_a_structure_within_a_structure_keeps_its_name() -> None:
    field = layout.ThreadCache.magazines
    assert (field.struct, field.elements, field.size) == ("Magazine", layout.SLOT_CLASSES, 32 * layout.Magazine.SIZE)


def test_gaps_are_laid_out_as_the_machine_does() -> None:
    inner = "struct inner { uint8_t a; uint16_t b; };"
    outer = parse(inner + "struct outer { uint8_t c; struct inner d[3]; uint64_t e; uint8_t f; };").structs["outer"]
    assert [(field.name, field.offset, field.size) for field in outer.fields] == [
        ("c", 0, 1), ("d", 2, 12), ("e", 16, 8), ("f", 24, 1),
    ]  # fmt: skip
    assert outer.size == 32


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("#define A (1 << 3)", "The constant A is '(1 << 3)': write it as a plain number."),
        ("#pragma once", "'#pragma once' is not known here"),
        ("struct a { int b; };", "'int' is not understood (after 'struct a { int'): expected a pointer"),
        ("struct a { uint32_t b : 3; };", "':' is not understood"),
        ("struct a { uint32_t b, c; };", "',' is not understood (after 'struct a { uint32_t b ,'): expected ';'."),
        ("struct a { struct later b; };", "'struct later' is not understood"),
        (
            "struct a { uint8_t b[N]; };",
            "'N' is not understood (after 'a { uint8_t b [ N'): expected a number or a constant",
        ),
        ("struct a { uint8_t b;", "The header ends in the middle of a declaration."),
        ("union a { uint8_t b; };", "'union' is not understood (after 'union'): expected struct or enum."),
        ("enum a { A_ONE };", "'}' is not understood (after 'enum a { A_ONE }'): expected '='."),
        ("struct a { char *b; };", "'char' is not understood"),
    ],
)
def test_what_the_parser_does_not_know_it_refuses_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(LayoutError) as refused:
        parse(text)
    assert sentence in str(refused.value)


words = st.sampled_from(
    "struct enum uint8_t uint64_t void name N 4 0x10 { } [ ] ; , = * #define \n /* */ ( :".split(" ")
)


@given(st.lists(words | st.text(max_size=3), max_size=30))
def test_any_text_is_understood_or_refused(parts: list[str]) -> None:
    with contextlib.suppress(LayoutError):
        parse(" ".join(parts))


def test_members_of_an_enum_begin_with_one_word() -> None:
    with pytest.raises(LayoutError, match="begin with 'A_'"):
        layout_of.module(parse("enum a { A_ONE = 1, B_TWO = 2 };"))


def test_a_header_that_is_not_understood_leaves_everything_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "layout.h").write_text("#define A (1 << 3)")
    monkeypatch.setattr(layout_of, "HEADER", tmp_path / "layout.h")
    monkeypatch.setattr(layout_of, "MODULE", tmp_path / "layout.py")
    monkeypatch.setattr(layout_of, "ASSERTS", tmp_path / "layout_asserts.h")
    assert layout_of.main() == 1
    assert capsys.readouterr().err == "layout.h: The constant A is '(1 << 3)': write it as a plain number.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["layout.h"]
