"""Commands about the machines whose engines are shown. Imports command."""

from __future__ import annotations

from heliostui.keymap.command import Command

HOSTS = (
    Command("host.connect", "connect_host", "", "Connect to host…", "Show another machine's containers, too, by ssh"),
    Command(
        "host.disconnect",
        "disconnect_host",
        "",
        "Disconnect host…",
        "Show the selected machine's containers no more; what runs there goes on",
    ),
)
