"""Promises of `engine.containers.output.questions`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.containers.output.questions import Questions
from engine.terminal import Terminal

QUESTIONS = [
    b"\x05", b"\x1bZ",
    b"\x1b[c", b"\x1b[0c", b"\x1b[>c", b"\x1b[>0c", b"\x1b[=c",
    b"\x1b[5n", b"\x1b[6n", b"\x1b[?6n", b"\x1b[?996n",
    b"\x1b[?2026$p", b"\x1b[4$p", b"\x1b[>q", b"\x1b[>0q", b"\x1b[x", b"\x1b[1x",
    b"\x1b[14t", b"\x1b[14;2t", b"\x1b[18t", b"\x1b[21t", b"\x1b[?u", b"\x1b[?4m", b"\x1b[?1;1;0S",
    b"\x1b]10;?\x07", b"\x1b]11;?\x1b\\", b"\x1b]4;1;?\x07", b"\x1b]4;1;?;2;?\x07", b"\x1b]52;c;?\x07",
    b"\x1bP$qm\x1b\\", b"\x1bP+q544e\x1b\\", b"\x1b_Gi=1,a=q;AAAA\x1b\\",
]  # fmt: skip

SHOWN = [
    "text ü 漢".encode(),
    b"\r\n", b"\t", b"\x07", b"\x1b[m", b"\x1b[1;31m", b"\x1b[>4;2m", b"\x1b[2J", b"\x1b[u", b"\x1b[3;4r",
    b"\x1b[4 q", b"\x1b[!p", b"\x1b[22;0t", b"\x1b[8;24;80t", b"\x1b[>1u", b"\x1b[2S", b"\x1b[?1049h", b"\x1b[>4n",
    b"\x1b]2;a title; is it ?\x07", b"\x1b]8;;http://x/?a=1\x1b\\", b"\x1b]10;#ffffff\x07", b"\x1b]133;A\x07", b"\x1b7",
    b"\x1bPq#0!10~\x1b\\", b"\x1b]52;c;aGk=\x07", b"\x1b(B",
]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS, ids=repr)
def test_a_question_is_taken_out(question: bytes) -> None:
    assert Questions().taken_out(b"before" + question + b"after") == b"beforeafter"


@pytest.mark.parametrize("sequence", SHOWN, ids=repr)
def test_what_is_to_be_shown_is_passed_on(sequence: bytes) -> None:
    questions = Questions()
    assert questions.taken_out(b"before" + sequence + b"after") == b"before" + sequence + b"after"
    assert questions.held == b""


@settings(deadline=None)
@given(st.lists(st.sampled_from(QUESTIONS + SHOWN)), st.data())
def test_how_the_stream_is_cut_makes_no_difference(sequences: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(sequences)
    whole = Questions().taken_out(stream)
    assert whole == b"".join(sequence for sequence in sequences if sequence in SHOWN)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    questions = Questions()
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert b"".join(map(questions.taken_out, pieces)) == whole
    assert questions.held == b""


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([b"\x1b", b"[", b"]", b"P", b"?", b";", b"\\", b"\x07", b"6", b"4", b"n", b"c", b" ", b"a"])
    )
)
def test_any_stream_cut_anywhere_is_the_same_stream(pieces: list[bytes]) -> None:
    whole, cut = Questions(), Questions()
    expected = whole.taken_out(b"".join(pieces))
    assert b"".join(map(cut.taken_out, pieces)) == expected
    assert cut.held == whole.held


@settings(deadline=None)
@given(st.lists(st.sampled_from(QUESTIONS + SHOWN)))
def test_a_terminal_fed_the_rest_shows_the_same_and_answers_nothing(sequences: list[bytes]) -> None:
    answers: list[bytes] = []
    asked, rest = Terminal(40, 10), Terminal(40, 10, reply=answers.append)
    stream = b"".join(sequences)
    asked.feed(stream)
    rest.feed(Questions().taken_out(stream))
    assert answers == []
    assert (rest.text(), rest.cursor, rest.modes) == (asked.text(), asked.cursor, asked.modes)


def test_a_long_string_is_not_held_for_ever() -> None:
    questions = Questions()
    endless = b"\x1b]2;" + b"x" * 100_000
    shown = b"".join(questions.taken_out(endless[start : start + 100]) for start in range(0, len(endless), 100))
    assert shown + questions.held == endless
    assert len(questions.held) < 2000
