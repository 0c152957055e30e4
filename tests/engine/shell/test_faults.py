"""What the user is told, and where the caret stands."""

from __future__ import annotations

import pytest

from engine.shell.faults import Fault, Place


@pytest.mark.parametrize(
    ("source", "part", "marked"),
    [
        ("echo here", "here", "     ^^^^"),
        ("\techo\there", "here", "\t    \t^^^^"),
        ("echo 漢字 here", "here", "          ^^^^"),
        ("echo e\u0301 here", "here", "       ^^^^"),
        ("echo 漢字", "漢字", "     ^^^^"),
        ("one\ntwo three\nfour", "three\nfo", "    ^^^^^"),
        ("echo \x1b[31m here", "here", "           ^^^^"),
    ],
)
def test_the_caret_stands_under_what_is_meant(source: str, part: str, marked: str) -> None:
    start = source.index(part)
    shown = Fault("no", Place("name", source, start, start + len(part))).explain().splitlines()
    assert shown[2].removeprefix("     | ") == marked


def test_of_a_long_line_only_what_is_near_is_shown() -> None:
    source = "a " * 100_000 + "here" + " b" * 100_000
    shown = Fault("no", Place("name", source, 200_000, 200_004)).explain().splitlines()
    assert len(shown[1]) < 500
    assert shown[1][shown[2].index("^") : shown[2].rindex("^") + 1] == "here"
    whole = Fault("no", Place("name", source, 0, len(source))).explain().splitlines()
    assert len(whole[1]) < 500
    assert len(whole[1]) == len(whole[2])


def test_control_characters_are_shown_and_do_not_act() -> None:
    fault = Fault("\x1b[2Jname: \x9b command not found\x7f", Place("\rname", "\x1b[2Jname\tx", 0, 8), hint="\x07")
    assert not set(fault.explain()) & {"\x1b", "\x9b", "\x7f", "\r", "\x07"}
    assert "␛[2Jname\tx" in fault.explain()
