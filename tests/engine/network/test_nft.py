"""Commands and lists by libnftables itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.network import nft
from engine.network.nft import Nft, Refused
from engine.protocol.messages import ErrorCode
from tests.engine.network.hosts import Host, needs

SET = "add table inet t\nadd set inet t s { type inet_service; elements = { 1, 2 }; }"


@pytest.fixture
def host() -> Iterator[Host]:
    """Whose thread has the library's context."""
    needs("nft")
    with Host() as made:
        yield made


@pytest.fixture
def library(host: Host) -> Iterator[Nft]:
    made = host.run(Nft)
    yield made
    host.run(made.close)


def test_commands_are_done_where_the_context_was_made(host: Host, library: Nft) -> None:
    library.run(SET)  # by this thread, which is elsewhere
    assert "set s" in host.sh("nft list ruleset")


def test_all_or_nothing_is_done(host: Host, library: Nft) -> None:
    with pytest.raises(Refused, match="No such file or directory"):
        library.run(SET + "\ndelete element inet t s { 3 }")
    assert host.sh("nft list ruleset") == ""


def test_a_check_changes_nothing(host: Host, library: Nft) -> None:
    library.check(SET)
    assert host.sh("nft list ruleset") == ""
    with pytest.raises(Refused):
        library.check("delete table inet t")
    library.run(SET)
    assert host.sh("nft list ruleset") != ""


def test_lists_come_as_values_and_as_text(library: Nft) -> None:
    library.run(SET)
    (found,) = [item["set"] for item in library.objects("list table inet t") if "set" in item]
    assert found["elem"] == [1, 2]
    (terse,) = [item["set"] for item in library.objects("list table inet t", terse=True) if "set" in item]
    assert "elem" not in terse
    assert "set s { # handle 1" in library.text("list table inet t")


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        ("what is this", "syntax error, unexpected"),
        ("list table inet absent", "No such file or directory"),
        (SET + "\nadd element inet t s { 99999999 }", "Service out of range"),
    ],
)
def test_a_refusal_is_one_sentence_and_nothing_is_printed(
    library: Nft, capfd: pytest.CaptureFixture[str], commands: str, words: str
) -> None:
    with pytest.raises(Refused) as refused:
        library.run(commands)
    assert words in refused.value.why
    assert refused.value.message.startswith("nftables refuses a rule: ")
    assert refused.value.message.count("\n") == 0
    assert capfd.readouterr() == ("", "")


def test_who_may_not_is_told_so(library: Nft) -> None:
    refused = Refused("Could not process rule: Operation not permitted")
    assert refused.lacks_rights
    assert refused.code == ErrorCode.UNSUPPORTED
    assert not Refused("Could not process rule: File exists").lacks_rights


def test_a_missing_library_is_said_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nft, "LIBRARY", "libnftables.so.99")
    with pytest.raises(EngineError, match="apt install nftables") as raised:
        Nft()
    assert raised.value.code == ErrorCode.UNSUPPORTED


def test_ten_thousand_changes_take_no_memory(library: Nft) -> None:
    library.run(SET)
    for _ in range(500):
        _change(library)
    before = _resident()
    for _ in range(5000):
        _change(library)
    assert _resident() - before < 500_000  # bytes


def test_nothing_is_loaded_before_it_is_needed() -> None:
    program = (
        "import engine.network.firewall, engine.network.home as h\n"
        "firewall = engine.network.firewall.Firewall(h.Home(), 't')\n"
        "print('libnftables' in open('/proc/self/maps').read())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "False\n"


def _change(library: Nft) -> None:
    library.run("add element inet t s { 3 }")
    library.run("delete element inet t s { 3 }")


def _resident() -> int:
    """Bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
