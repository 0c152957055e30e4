"""Promises of the directories for connections to other machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.client import ssh
from engine.client.address import Address
from engine.client.errors import EngineUnreachable
from engine.client.rooms import LONGEST, SOCKET, take


def test_a_directory_in_which_ssh_could_have_no_socket_is_named(tmp_path: Path) -> None:
    longest = LONGEST - len(f"{tmp_path}//hosts{SOCKET}")
    take(tmp_path / ("a" * longest)).leave()
    with pytest.raises(EngineUnreachable, match="choose a shorter directory with HELIOSTUI_RUNTIME"):
        take(tmp_path / ("b" * (longest + 1)))
    assert not (tmp_path / ("b" * (longest + 1))).exists()


@pytest.mark.skipif(not Path("/usr/bin/ssh").exists(), reason="there is no ssh here")
def test_a_per_cent_sign_in_a_path_is_no_token_of_sshs() -> None:
    words = ssh.master(Address("there"), Path("/run/%h/c"), [], ask=False)
    assert words[words.index("-S") + 1] == "/run/%%h/c"
