"""The JSON document as a user meets it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from widgets.document import Document, colours

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON)
def test_every_character_of_any_document_is_shown_in_one_colour_at_most(value: Any) -> None:
    for line in json.dumps(value, indent=2, ensure_ascii=False).split("\n"):
        end = 0
        for start, stop, _ in colours(line):
            assert end <= start < stop <= len(line)
            end = stop


def test_keys_strings_numbers_and_words_look_different() -> None:
    kinds = [kind for _, _, kind in colours('  "key": "text",')]
    assert kinds == ["key", "bracket", "string", "bracket"]
    assert [kind for _, _, kind in colours('  "only text"')] == ["string"]
    assert [kind for _, _, kind in colours("  -1.5e3,")] == ["number", "bracket"]
    assert [kind for _, _, kind in colours("  null")] == ["word"]


async def test_the_place_is_kept_when_some_of_it_changes(stage: Any) -> None:
    document = Document()
    async with stage(document, prepare=lambda: document.show(list(range(100)))).run_test(size=(60, 15)) as pilot:
        await pilot.pause()
        document.scroll_to(y=40, animate=False)
        document.show([*range(99), "changed"])
        await pilot.pause()
        assert document.scroll_offset.y == 40
