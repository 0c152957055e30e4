"""`--env` and `--env-file`."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostui.commandline.environment import from_file, variables

OWN = {"HOME": "/home/me", "EMPTY": ""}


def file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "variables"
    path.write_bytes(content)
    return path


def test_a_name_and_its_value_are_taken_as_they_stand() -> None:
    assert variables(["A=1", "B=a=b", "C="], OWN) == ["A=1", "B=a=b", "C="]


def test_a_bare_name_takes_its_value_from_the_caller_or_is_left_out() -> None:
    assert variables(["HOME", "EMPTY", "NOBODY"], OWN) == ["HOME=/home/me", "EMPTY="]


@pytest.mark.parametrize(
    ("word", "reason"), [("", "is no variable"), ("=value", "is no variable"), ("A=\0", "'A' has a NUL byte in it")]
)
def test_a_word_that_is_no_variable_is_refused(word: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        variables([word], OWN)


def test_a_file_has_comments_empty_lines_and_values_with_spaces(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf# comment\n\n  A=1\r\nB="two words" \nHOME\nNOBODY\nC=#no comment'
    assert from_file(file(tmp_path, content), OWN) == ["A=1", 'B="two words" ', "HOME=/home/me", "C=#no comment"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"A=1\n=2\n", "line 2: .* is no variable"),
        (b"# c\n\nMY NAME=2\n", "line 3: the name 'MY NAME' has a space"),
        (b"A=1\nB=\xff\n", "line 2: the line is not UTF-8"),
        (b"A=1\0\n", "line 1: "),
    ],
)
def test_a_bad_line_is_named_with_its_file(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        from_file(file(tmp_path, content), OWN)
    assert "variables" in str(caught.value)


@given(st.binary(max_size=60))
def test_any_file_gives_variables_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = file(tmp_path_factory.getbasetemp(), content)
    found, complaint = outcome(path)
    assert all(word.partition("=")[0] and "\n" not in word for word in found)
    assert complaint is None or complaint.startswith(f"{path}, line ")


def outcome(path: Path) -> tuple[list[str], str | None]:
    try:
        return from_file(path, OWN), None
    except ValueError as error:
        return [], str(error)
