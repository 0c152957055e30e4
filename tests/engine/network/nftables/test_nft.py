"""Commands and lists by libnftables itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.network.nftables import nft
from engine.network.nftables.nft import Nft, Refused
from engine.protocol.messages import ErrorCode
from tests.engine.network.hosts import PATIENCE, Host, needs

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


MANY = """
import os, resource, sys
from engine.errors import EngineError
from engine.network.nftables import nft
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
if sys.argv[1] == "kept":
    nft.keep_room()
for _ in range(nft.FD_SETSIZE):
    os.dup(0)
for _ in range(3):
    try:
        library = nft.Nft()
        library.run("add table inet t")
        print(library.text("list tables").strip())
        library.close()
    except EngineError as error:
        print(error.message)
"""


@pytest.mark.parametrize(("room", "said"), [("kept", "table inet t"), ("not kept", "start the engine anew")])
def test_a_process_with_thousands_of_open_files_goes_on(host: Host, room: str, said: str) -> None:
    """Its select(2) ends the process otherwise, and each one that is started in its place."""
    process = host.popen(sys.executable, "-c", MANY, room)
    output, _ = process.communicate(timeout=PATIENCE)
    assert [said in line for line in output.decode().splitlines()] == [True] * 3
    assert process.returncode == 0


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
        "import engine.network.nftables.firewall, engine.network.kernel.home as h\n"
        "firewall = engine.network.nftables.firewall.Firewall(h.Home(), 't')\n"
        "print('libnftables' in open('/proc/self/maps').read())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "False\n"


def _change(library: Nft) -> None:
    library.run("add element inet t s { 3 }")
    library.run("delete element inet t s { 3 }")


def _resident() -> int:
    """Bytes that are its own, and not of files: those come and go as the machine likes."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024
