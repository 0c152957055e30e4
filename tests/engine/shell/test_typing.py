"""The shell's own NamedTuple behaves as typing's."""

from __future__ import annotations

import subprocess
import sys
import typing
from typing import Any

import pytest

from engine.shell.typing import NamedTuple


class Light(NamedTuple):
    text: str
    number: int
    last: str | None = "default"


class Typings(typing.NamedTuple):
    text: str
    number: int
    last: str | None = "default"


@pytest.mark.parametrize("kind", [Light, Typings])
def test_values_come_in_order_or_by_name_and_the_last_from_defaults(kind: Any) -> None:
    one = kind("a", 1)
    assert one == kind(text="a", number=1) == kind("a", number=1, last="default") == ("a", 1, "default")
    assert (one.text, one.number, one.last) == tuple(one)
    assert one._replace(number=2, last=None) == ("a", 2, None)
    assert kind._fields == ("text", "number", "last")
    assert repr(one) == f"{kind.__name__}(text='a', number=1, last='default')"
    assert not hasattr(one, "__dict__")


@pytest.mark.parametrize("kind", [Light, Typings])
def test_what_is_no_field_is_refused(kind: Any) -> None:
    for values, named in ((("a", 1, "x", "more"), {}), (("a", 1), {"other": 1}), (("a", 1), {"text": "b"})):
        with pytest.raises(TypeError):
            kind(*values, **named)
    with pytest.raises(AttributeError):
        kind("a", 1).text = "b"


def test_a_start_of_the_shell_does_not_load_typing() -> None:
    program = "import sys, engine.shell.__main__ as shell; shell.run(['-c', ':']); print('typing' in sys.modules)"
    result = subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path = {sys.path!r}; {program}"],
        capture_output=True, text=True, check=True)  # fmt: skip
    assert result.stdout == "False\n"
