"""Promises of the framing: what it cuts, what it refuses, and that it says why."""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol import framing
from engine.protocol import messages as m
from engine.protocol.framing import BadMessage, FrameError, FrameReader


def frame(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


def feed_in_pieces(reader: FrameReader, data: bytes, cuts: list[int], got: list[bytes]) -> None:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for a, b in pairwise(edges):
        for payload in reader.feed(data[a:b]):
            got.append(payload)  # noqa: PERF402 - what came before a refused frame must be kept


@given(st.lists(st.binary(max_size=300), max_size=20), st.lists(st.integers(min_value=0), max_size=30))
def test_payloads_are_the_same_however_the_bytes_arrive(payloads: list[bytes], cuts: list[int]) -> None:
    reader, got = FrameReader(300), list[bytes]()
    feed_in_pieces(reader, b"".join(map(frame, payloads)), cuts, got)
    assert got == payloads
    assert not reader.partial


@given(st.lists(st.binary(max_size=50), max_size=5), st.binary(min_size=1, max_size=50), st.integers(min_value=1))
def test_a_truncated_frame_yields_nothing_and_is_known_to_have_begun(
    payloads: list[bytes], last: bytes, cut: int
) -> None:
    reader = FrameReader(50)
    whole = frame(last)
    begun = whole[: 1 + cut % (len(whole) - 1)]
    assert list(reader.feed(b"".join(map(frame, payloads)) + begun)) == payloads
    assert reader.partial


@given(
    st.lists(st.binary(max_size=50), max_size=5),
    st.integers(min_value=51, max_value=2**32 - 1),
    st.lists(st.integers(min_value=0), max_size=10),
)
def test_an_oversized_frame_is_refused_after_the_good_ones_before_it(
    payloads: list[bytes], length: int, cuts: list[int]
) -> None:
    got: list[bytes] = []
    data = b"".join(map(frame, payloads)) + struct.pack(">I", length)
    with pytest.raises(FrameError, match=rf"announces {length} bytes.*at most 50") as refused:
        feed_in_pieces(FrameReader(50), data, cuts, got)
    assert got == payloads
    assert refused.value.code is m.ErrorCode.BAD_FRAME


def test_a_payload_of_exactly_the_limit_passes() -> None:
    assert list(FrameReader(10).feed(frame(b"x" * 10))) == [b"x" * 10]


def test_payloads_that_were_not_taken_come_with_the_next_call() -> None:
    reader = FrameReader(10)
    assert next(reader.feed(frame(b"a") + frame(b"b"))) == b"a"
    assert list(reader.feed(frame(b"c"))) == [b"b", b"c"]


@pytest.mark.parametrize("kind", get_args(m.AnyRequest), ids=lambda kind: kind.__name__)
def test_the_type_of_every_request_is_its_name_in_snake_case(kind: type[m.Request]) -> None:
    tag = str(kind.__struct_config__.tag)
    assert tag.replace("_", "") == kind.__name__.lower()


@pytest.mark.parametrize(
    "message",
    [
        m.GetEngine(),
        m.RunContainer(options=m.ContainerOptions(command=["sh", "-c", "echo é"], labels={"a": "b"})),
        m.Attach(container="web", columns=80, lines=24),
        m.StreamLogs(container="web", tail=3),
    ],
)
def test_a_request_comes_back_as_it_was_sent(message: m.AnyRequest) -> None:
    (payload,) = FrameReader(framing.MAX_REQUEST).feed(framing.encode(message))
    assert framing.decode_request(payload) == message


@given(st.binary(max_size=1000), st.sampled_from(["stdout", "stderr"]), st.booleans())
def test_bytes_of_a_program_survive_the_wire(data: bytes, stream: Any, redraw: bool) -> None:
    message = m.Output(data=data, stream=stream, redraw=redraw)
    (payload,) = FrameReader(framing.MAX_REPLY).feed(framing.encode(message))
    assert framing.decode_reply(payload) == message


def test_unknown_fields_are_ignored_because_a_newer_peer_may_send_them() -> None:
    assert framing.decode_request(b'{"type":"get_engine","shiny":{"new":[1]}}') == m.GetEngine()


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (b"", "The message is not JSON"),
        (b"{", "The message is not JSON"),
        (b"\xff\xfe", "The message is not JSON"),
        (b'{"type":"stop_container","container":"\xff"}', "The message is not JSON"),
        (b"[]", r"at `\$`: expected `object`"),
        (b"{}", r"at `\$`: object missing required field `type`"),
        (b'{"type":7}', r"at `\$\.type`"),
        (b'{"type":"launch_rocket"}', "'launch_rocket' is not the type of a message"),
        (b'{"type":"input","data":""}', "'input' is not the type of a message"),
        (b'{"type":"stop_container"}', "missing required field `container`"),
        (b'{"type":"stop_container","container":5}', r"at `\$\.container`: expected `str`, got `int`"),
        (b'{"type":"create_container","options":{"nmae":"x"}}', r"at `\$\.options`.*unknown field `nmae`"),
        (b'{"type":"create_container","options":{"restart":{"name":"x"}}}', r"at `\$\.options\.restart\.name`"),
        (b'{"type":"get_engine","x":' + b"[" * 200_000, "nested too deeply"),
    ],
)
def test_a_bad_message_is_refused_with_its_place(payload: bytes, sentence: str) -> None:
    with pytest.raises(BadMessage, match=sentence) as refused:
        framing.decode_request(payload)
    assert "\n" not in refused.value.sentence


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(payload: bytes) -> None:
    for decode in (framing.decode_request, framing.decode_reply, framing.decode_stream_input):
        with pytest.raises(BadMessage):
            decode(payload)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TYPES = [kind.__struct_config__.tag for kind in (*get_args(m.AnyRequest), *get_args(m.AnyReply))]


@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(["container", "options", "data", "tail"]), JSON))
def test_near_messages_are_decoded_or_refused_and_never_anything_else(kind: str, fields: dict[str, Any]) -> None:
    payload = json.dumps({"type": kind, **fields}).encode()
    for decode in (framing.decode_request, framing.decode_reply, framing.decode_stream_input):
        try:
            message = decode(payload)
        except BadMessage:
            continue
        assert type(message).__struct_config__.tag == kind


def test_text_that_is_no_unicode_is_refused_before_it_is_sent() -> None:
    with pytest.raises(BadMessage, match=r"'\\udcff' is not valid UTF-8 text, and a kill_container message"):
        framing.encode(m.KillContainer(container="\udcff"))


def test_a_message_too_long_for_its_direction_is_refused_before_it_is_sent() -> None:
    text = "x" * (framing.MAX_REQUEST + 1)
    with pytest.raises(BadMessage, match=r"kill_container message of .* is too long"):
        framing.encode(m.KillContainer(container=text))
    assert framing.encode(m.Error(code=m.ErrorCode.INVALID, message=text))


@given(st.integers(min_value=0, max_value=5 * framing.MAX_INPUT))
def test_long_input_is_split_into_pieces_that_are_allowed(length: int) -> None:
    pieces = list(framing.split(m.Input(data=b"x" * length)))
    assert sum(len(piece.data) for piece in pieces if isinstance(piece, m.Input)) == length
    for piece in pieces:
        (payload,) = FrameReader(framing.MAX_REQUEST).feed(framing.encode(piece))
        assert framing.decode_stream_input(payload) == piece


def test_input_longer_than_allowed_is_refused() -> None:
    (payload,) = FrameReader(framing.MAX_REQUEST).feed(framing.encode(m.Input(data=b"x" * (framing.MAX_INPUT + 1))))
    with pytest.raises(BadMessage, match="at most 65536 at a time"):
        framing.decode_stream_input(payload)
