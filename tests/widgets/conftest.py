"""A stage for widgets: an application with the console's style sheet and themes and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

import heliostui
from heliostui.themes import DARK, LIGHT
from widgets.container_table import ContainerRow
from widgets.launch_chart import Call, Receipt

HOPS = 5
"""From who has the focus up to the application, as deep as widgets lie on the stage, and one more."""
NOW = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)


class Stage(App[None]):
    """Shows the widgets it is given; `prepare` is called once they are there."""

    CSS_PATH = Path(heliostui.__path__[0]) / "console.tcss"

    def __init__(self, *widgets: Widget, prepare: Callable[[], None] = lambda: None, theme: str = DARK.name) -> None:
        super().__init__()
        self.heard: list[object] = []
        self._widgets = widgets
        self._prepare = prepare
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = theme

    def compose(self) -> ComposeResult:
        yield from self._widgets

    def on_mount(self) -> None:
        self._prepare()


@pytest.fixture(autouse=True)
def patient_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's pilot takes a process for idle that gets no CPU. This one waits until what a key sets off came up."""
    one_turn_each = Pilot._wait_for_screen

    async def all_turns(pilot: Pilot[object]) -> bool:
        return all([await one_turn_each(pilot) for _ in range(HOPS)])

    monkeypatch.setattr(Pilot, "_wait_for_screen", all_turns)


@pytest.fixture
def stage() -> type[Stage]:
    return Stage


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def containers() -> Sequence[ContainerRow]:
    """One container in each state."""
    facts = [
        ("brave_otter", "busybox", "/bin/bash", "running", None, 7),
        ("web", "host", "python3 -m http.server 8000", "running", None, 185),
        ("quiet_heron", "host", "sleep infinity", "paused", None, 8_000),
        ("build_3", "busybox", "make -j4 check", "exited", 0, 400_000),
        ("worker", "host", "sh -c 'exit 137'", "exited", 137, 60),
        ("db", "host", "postgres", "stopped", 143, 3_600),
        ("fresh_pine", "busybox", "/bin/sh", "created", None, 5),
        ("flappy", "host", "false", "restarting", 1, 2),
    ]
    return [
        ContainerRow(
            key=f"{number:012x}",
            name=name,
            image=image,
            command=command,
            state=state,
            created=NOW - timedelta(seconds=2 * seconds),
            started=None if state == "created" else NOW - timedelta(seconds=seconds),
            finished=None if state in ("created", "running", "paused") else NOW - timedelta(seconds=seconds),
            pid=4_000 + number if state in ("running", "paused") else None,
            exit_code=code,
        )
        for number, (name, image, command, state, code, seconds) in enumerate(facts)
    ]


@pytest.fixture
def receipt() -> Receipt:
    """A launch with a call of every outcome: 3.2 ms, most of it in clone3."""
    facts = [
        ("clone3", "its namespaces, and the process in them", "namespaces", 820_000, "4217", "done"),
        ("sethostname", "the name it knows itself by", "namespaces", 5_050, "0", "done"),
        ("setns", "joined from another container", "namespaces", 0, "–", "skipped"),
        ("fsopen", "an overlay file system", "root", 138_000, "5", "done"),
        ("fsconfig", "its layers", "root", 7_530, "0", "done"),
        ("fsmount", "made ready to be mounted", "root", 13_400, "6", "done"),
        ("move_mount", "the overlay at its place", "root", 75_000, "0", "done"),
        ("pivot_root", "the overlay becomes /", "root", 310_000, "0", "done"),
        ("mount", "proc at /proc", "mounts", 55_900, "0", "done"),
        ("mknodat", "/dev/null", "devices", 19_200, "0", "done"),
        ("ioctl", "loopback up", "network", 6_510, "EPERM", "allowed"),
        ("setrlimit", "RLIMIT_NOFILE", "limits", 27_400, "0", "done"),
        ("capset", "capabilities it keeps", "security", 47_900, "0", "done"),
        ("seccomp", "the filter of allowed system calls", "security", 110_000, "0", "done"),
        ("execve", "its own program", "program", 236_000, "ENOENT", "failed"),
    ]
    calls, clock = [], 0
    for index, (name, why, group, duration, result, outcome) in enumerate(facts, 1):
        arguments = f'AT_FDCWD, "{name}", MS_NOSUID|MS_NODEV|MS_NOEXEC'
        calls.append(Call(index, name, arguments, why, group, clock, clock + duration, result, outcome))
        clock += duration + 2_000
    return Receipt(tuple(calls), clock, "fast", NOW)
