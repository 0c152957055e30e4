"""The hosts of a console: which one a message is for, and names that are the only ones of their kind.

Containers' ids are unique everywhere. Terminals are called t1, t2 … on every host; those of all but the first get the
host's number behind them here, and lose it on the way out. Imports the protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from engine.places import Places
from engine.protocol.messages import ContainerSummary, Message, TerminalSummary
from heliostui.hosts.host import Host

M = TypeVar("M", bound=Message)
HEADING = "host "  # what the key of a group in the list begins with


class Hosts:
    """At least one; `selected` is the container whose host gets what names none."""

    def __init__(self, places: Sequence[Places]) -> None:
        self.selected: str | None = None
        self._made = 0
        self._hosts: dict[str, Host] = {}
        self._owners: dict[str, Host] = {}
        for each in places:
            self.add(each)

    def add(self, places: Places) -> Host:
        """The host there, which may be known already."""
        host = Host(places, self._made)
        if host.key not in self._hosts:
            self._hosts[host.key] = host
            self._made += 1
        return self._hosts[host.key]

    def remove(self, key: str) -> None:
        """The last one stays."""
        if len(self._hosts) > 1:
            gone = self._hosts.pop(key)
            self._owners = {id: host for id, host in self._owners.items() if host is not gone}

    def __iter__(self) -> Iterator[Host]:
        return iter(list(self._hosts.values()))

    def __len__(self) -> int:
        return len(self._hosts)

    def get(self, key: str) -> Host | None:
        return self._hosts.get(key)

    @property
    def here(self) -> Host:
        """The host of the selected container or heading, else the first."""
        selected = self.selected or ""
        headed = self._hosts.get(selected.removeprefix(HEADING)) if selected.startswith(HEADING) else None
        return headed or self.owner(selected) or next(iter(self._hosts.values()))

    # --- whose is it ---

    def own(self, container: str, host: Host) -> None:
        """The container is on that host."""
        self._owners[container] = host

    def listed(self, host: Host) -> None:
        """Its list of containers is new."""
        for container in host.containers:
            self._owners[container.id] = host

    def owner(self, container: str | None) -> Host | None:
        return self._owners.get(container or "")

    def of(self, message: Message) -> Host:
        """The host that a message is for: by its container or terminal, else the one of the selected container."""
        target = getattr(message, "target", None)
        container = getattr(message, "container", None) or getattr(target, "container", None)
        terminal = getattr(message, "terminal", None)
        if terminal:
            return next((host for host in self if self.outside(host, self.inside(terminal)) == terminal), self.here)
        return self.owner(container) or self.here

    def shared(self, containers: Sequence[str]) -> list[tuple[Host, list[str]]]:
        """These containers by their hosts; none are all, of every host whose engine is there."""
        if not containers:
            return [(host, []) for host in self if host.info is not None or len(self) == 1]
        shares: dict[str, list[str]] = {}
        for container in containers:
            shares.setdefault((self.owner(container) or self.here).key, []).append(container)
        return [(self._hosts[key], share) for key, share in shares.items()]

    # --- names ---

    @staticmethod
    def inside(terminal: str) -> str:
        """A terminal's name on its own host."""
        return terminal.partition("_")[0]

    @staticmethod
    def outside(host: Host, terminal: str) -> str:
        """A terminal's name here."""
        return f"{terminal}_{host.number}" if host.number else terminal

    def plain(self, message: M) -> M:
        """A message as its host understands it."""
        terminal = getattr(message, "terminal", None)
        return msgspec.structs.replace(message, terminal=self.inside(terminal)) if terminal else message

    # --- all there is ---

    @property
    def containers(self) -> list[ContainerSummary]:
        return [container for host in self for container in host.containers]

    @property
    def terminals(self) -> list[TerminalSummary]:
        """With their names here."""
        return [
            msgspec.structs.replace(terminal, id=self.outside(host, terminal.id))
            for host in self
            for terminal in host.terminals
        ]
