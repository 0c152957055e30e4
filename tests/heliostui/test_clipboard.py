"""What is copied reaches the user's own clipboard through the terminal."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from heliostui.clipboard import LIMIT, clipboard_sequence


def decoded(sequence: str) -> str:
    return base64.b64decode(sequence.removeprefix("\x1b]52;c;").removesuffix("\a"), validate=True).decode()


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_a_text_arrives_as_it_is(text: str) -> None:
    sequence, cut = clipboard_sequence(text, {})
    assert (decoded(sequence), cut) == (text, False)


def test_a_long_text_is_cut_between_characters_and_it_is_said() -> None:
    sequence, cut = clipboard_sequence("日" * LIMIT, {})
    assert cut
    assert decoded(sequence) == "日" * (LIMIT // 3)
    assert len(sequence) <= 100_010


def test_in_tmux_it_is_sent_plainly_and_wrapped() -> None:
    plain, _ = clipboard_sequence("text", {})
    both, _ = clipboard_sequence("text", {"TMUX": "/tmp/tmux-0/default,1,0"})
    assert both == f"{plain}\x1bPtmux;\x1b{plain}\x1b\\"
