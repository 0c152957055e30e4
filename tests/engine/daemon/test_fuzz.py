"""Whatever a client sends: it gets answers or is sent away, and the next client is served as if nothing had been."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from engine.daemon.wire import Limits
from engine.protocol import messages as m

from .conftest import Running, serving

TYPES = [*get_args(m.AnyRequest), *get_args(m.AnyStreamInput)]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    with serving(Limits(frame=0.5, farewell=0.1)) as server:
        server.do(server.containers.exited.set)
        server.do(server.containers.go.set)
        yield server


def value_of(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """JSON that is right for a field of this type, most of the time."""
    match kind:
        case inspect.StrType():
            return st.text(max_size=10)
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return st.integers()
        case inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case inspect.NoneType():
            return st.none()
        case inspect.BytesType():
            return st.binary(max_size=100).map(lambda data: base64.b64encode(data).decode())
        case inspect.DateTimeType():
            return st.datetimes().map(datetime.isoformat)
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.ListType(item_type=item):
            return st.lists(value_of(item), max_size=3)
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(value_of(key), value_of(value), max_size=3)
        case inspect.UnionType(types=types):
            return st.one_of([value_of(one) for one in types])
        case inspect.StructType(fields=fields):
            return st.fixed_dictionaries({}, optional={one.encode_name: value_of(one.type) for one in fields})
        case _:
            raise AssertionError(f"no strategy for {kind}")


@st.composite
def near_message(draw: st.DrawFn) -> bytes:
    """A message with perhaps a field missing, one of a wrong type, or a type of its own."""
    kind = draw(st.sampled_from(TYPES))
    struct_type = inspect.type_info(kind)
    assert isinstance(struct_type, inspect.StructType)
    fields = {one.encode_name: draw(value_of(one.type)) for one in struct_type.fields}
    if fields and draw(st.booleans()):
        del fields[draw(st.sampled_from(sorted(fields)))]
    if fields and draw(st.booleans()):
        fields[draw(st.sampled_from(sorted(fields)))] = draw(JSON)
    return json.dumps({"type": str(kind.__struct_config__.tag), **fields}).encode(errors="replace")


def frames(*payloads: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(payload)) + payload for payload in payloads)


def say_and_leave(running: Running, data: bytes) -> None:
    """Send it, take what comes for a moment, go; then somebody else is served."""
    client = running.connect()
    with suppress(BrokenPipeError, ConnectionResetError):  # sent away
        client.socket.sendall(data)
        client.socket.recv(65536)
    client.socket.close()
    running.clients.clear()
    running.still_serves()


relaxed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@relaxed
@given(st.lists(near_message(), min_size=1, max_size=5))
def test_near_messages_are_answered_and_the_next_client_served(served: Running, payloads: list[bytes]) -> None:
    say_and_leave(served, frames(*payloads))


@relaxed
@given(st.lists(st.binary(max_size=100), min_size=1, max_size=5))
def test_frames_of_any_bytes_are_answered_and_the_next_client_served(served: Running, payloads: list[bytes]) -> None:
    say_and_leave(served, frames(*payloads))


@settings(relaxed, max_examples=15)
@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_are_answered_or_given_up_and_the_next_client_served(served: Running, data: bytes) -> None:
    say_and_leave(served, data)


@relaxed
@given(st.lists(near_message(), min_size=1, max_size=3), st.lists(near_message(), max_size=5), st.integers(min_value=0))
def test_a_stream_fed_with_anything_and_cut_anywhere_harms_nobody(
    served: Running, before: list[bytes], within: list[bytes], cut: int
) -> None:
    attach = msgspec.json.encode(m.Attach(container="a"))
    data = frames(*before, attach, *within)
    client = served.connect()
    with suppress(BrokenPipeError, ConnectionResetError):  # sent away by an earlier message
        client.socket.sendall(data[: 1 + cut % len(data)])
    client.socket.close()
    served.clients.clear()
    served.still_serves()
