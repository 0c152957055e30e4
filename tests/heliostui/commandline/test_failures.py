"""What goes to standard error."""

from __future__ import annotations

import pytest

from engine.protocol.messages import ContainerRef
from heliostui.commandline.failures import warn


def test_warnings_of_a_new_container_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    warn(ContainerRef(id="0123456789ab", name="web", warnings=["No network.", "No\x1b[2J name."]))
    assert capsys.readouterr() == ("", "heliostui: No network.\nheliostui: No\\x1b[2J name.\n")
