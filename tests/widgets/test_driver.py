"""What a terminal sends for a key is what a program inside ours gets: bytes to key events and back to bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from widgets.driver import ESCAPE_PATIENCE, KeyParser
from widgets.keys import encode_key


def typed(*pieces: str) -> list[Message]:
    """The messages of what was read in these pieces, once nothing more can follow."""
    parser = KeyParser()
    found = [message for piece in pieces for message in parser.feed(piece)]
    while parser.due is not None:
        time.sleep(parser.due)
        found += parser.tick()
    return found


def sent(messages: list[Message], keypad: bool = False) -> str:
    keys = [message for message in messages if isinstance(message, events.Key)]
    assert len(keys) == len(messages)
    return b"".join(
        encode_key(key.key, key.character, application_keypad=getattr(key, "keypad", "") if keypad else "")
        for key in keys
    ).decode()


PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
FINALS = "ABCDFHPQRS"
NUMBERS = (2, 3, 5, 6, 15, 17, 18, 19, 20, 21, 23, 24)


def sequences() -> Iterator[str]:
    yield from map(chr, range(0x20))
    yield from PRINTABLE
    yield from (f"\x1b{character}" for character in PRINTABLE)
    yield from (f"\x1b{chr(code)}" for code in [*range(0x1B), *range(0x1C, 0x20), 0x7F])
    yield from ("\x7f", "é", "\x1bé", "日", "\x1b[Z", "\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS")
    yield from (f"\x1b[{final}" for final in "ABCDFH")
    yield from (f"\x1b[1;{modifier}{final}" for final in FINALS for modifier in range(2, 9))
    yield from (f"\x1b[{number}~" for number in NUMBERS)
    yield from (f"\x1b[{number};{modifier}~" for number in NUMBERS for modifier in range(2, 9))


@pytest.mark.parametrize("sequence", sequences(), ids=ascii)
def test_a_key_of_a_plain_terminal_arrives_as_it_was_sent(sequence: str) -> None:
    messages = typed(sequence)
    assert sent(messages) == sequence
    assert len(messages) == 1


@pytest.mark.parametrize("sequence", ["\x1bf", "\x1b.", "\x1b\x7f", "\x1b1", "\x1b[1;3A", "\x1b-"], ids=ascii)
def test_alt_and_a_key_is_one_key_at_once(sequence: str) -> None:
    [message] = KeyParser().feed(sequence)
    assert isinstance(message, events.Key)
    assert message.key.startswith("alt+")


def test_a_lone_escape_is_a_key_after_a_moment() -> None:
    parser = KeyParser()
    assert list(parser.feed("\x1b")) == []
    assert parser.due is not None
    assert parser.due <= ESCAPE_PATIENCE
    assert sent(typed("\x1b")) == "\x1b"
    assert sent(typed("\x1b\x1b")) == "\x1b\x1b"
    assert sent(typed("\x1b\x1b[A")) == "\x1b\x1b[A"


def test_backspace_is_what_the_terminal_says_it_is() -> None:
    parser = KeyParser(erase="\b")
    assert sent([*parser.feed("\b")]) == "\x7f"
    assert sent(typed("\b")) == "\b"


def test_a_sequence_in_two_pieces_is_one_key() -> None:
    assert [key.key for key in typed("\x1b[1;", "5C") if isinstance(key, events.Key)] == ["ctrl+right"]


@pytest.mark.parametrize("letter", "MXjklmnopqrstuvwxy")
def test_the_keypad_is_told_apart_for_programs_that_ask(letter: str) -> None:
    messages = typed(f"\x1bO{letter}")
    assert sent(messages, keypad=True) == f"\x1bO{letter}"
    assert len(sent(messages)) == 1


@pytest.mark.parametrize(
    ("sequence", "plain"),
    [
        ("\x1b[97;;97u", "a"),
        ("\x1b[97:65;2;65u", "A"),
        ("\x1b[97;5u", "\x01"),
        ("\x1b[97;3u", "\x1ba"),
        ("\x1b[97:65;4u", "\x1bA"),
        ("\x1b[49:33;4u", "\x1b!"),
        ("\x1b[1089::99;5u", "\x03"),
        ("\x1b[27u", "\x1b"),
        ("\x1b[13u", "\r"),
        ("\x1b[127;3u", "\x1b\x7f"),
        ("\x1b[9;2u", "\x1b[Z"),
        ("\x1b[32;5u", "\0"),
        ("\x1b[57404;;53u", "5"),
        ("\x1b[57410;;47u", "/"),
        ("\x1b[57414u", "\r"),
        ("\x1b[57376u", "\x1b[1;2P"),
        ("\x1b[27;5;97~", "\x01"),
    ],
    ids=ascii,
)
def test_a_terminal_with_the_kitty_protocol_sends_the_same_keys(sequence: str, plain: str) -> None:
    assert sent(typed(sequence)) == plain


def test_a_paste_is_one_message_however_it_is_cut() -> None:
    text = "".join(f"line {n}\n" for n in range(1000)) + "\x1b[20"
    stream = f"a\x1b[200~{text}\x1b[201~b"
    for cut in (1, 5, 6, 7, 9, len(stream) - 6, len(stream) - 3):
        before, paste, after = typed(stream[:cut], stream[cut:])
        assert isinstance(paste, events.Paste)
        assert paste.text == text
        assert sent([before, after]) == "ab"


@given(st.text(), st.integers(0, 40))
def test_no_input_breaks_the_parser(text: str, cut: int) -> None:
    parser = KeyParser()
    for piece in (text[:cut], text[cut:]):
        list(parser.feed(piece) if piece else ())


@given(st.text(st.sampled_from("\x1b[]OP;:0123459u~AR<Mm?$y\x7f a"), max_size=30))
def test_no_sequence_breaks_the_parser(text: str) -> None:
    parser = KeyParser()
    for character in text:
        list(parser.feed(character))
