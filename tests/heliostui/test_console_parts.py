"""The parts of the console that need neither screen nor engine."""

from __future__ import annotations

import inspect
import subprocess
import sys
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import pytest
from textual.binding import Binding
from textual.color import Color
from textual.theme import Theme

from engine.protocol.messages import ContainerSummary, EngineInfo, LaunchStep, Role, Status
from heliostui.keymap import COMMANDS, ON_JOBS, ON_TERMINALS
from heliostui.screens.help import sections
from heliostui.screens.main import MainScreen
from heliostui.state import State, call
from heliostui.themes import DARK, LIGHT

NOW = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
INFO = EngineInfo(
    pid=1, keeper_pid=2, socket="", version="0", protocol=1, role=Role.OPERATOR, rootless=False, running=0, containers=0
)


def test_every_command_can_be_run() -> None:
    for command in COMMANDS:
        name = command.action.partition("(")[0]
        assert inspect.isfunction(getattr(MainScreen, f"action_{name}", None)), name


def test_two_commands_share_a_key_only_when_never_both_are_possible() -> None:
    told_apart_by_more_than_state = {"first", "start_engine", "open", "release", "type_prefix"}
    for one, other in combinations([c for c in COMMANDS if c.place in ("anywhere", "containers")], 2):
        if set(one.keys.split(",")) & set(other.keys.split(",")) - {""}:
            apart = one.states and other.states and not one.states & other.states
            assert apart or {one.action, other.action} <= told_apart_by_more_than_state, (one.action, other.action)


@pytest.mark.parametrize("bindings", [ON_TERMINALS, ON_JOBS], ids=["terminals", "jobs"])
def test_on_a_terminal_and_among_jobs_every_key_means_one_thing(bindings: list[Binding]) -> None:
    keys = [key for binding in bindings for key in binding.key.split(",")]
    assert len(keys) == len(set(keys))


def test_help_names_every_command_that_has_a_key() -> None:
    told = [words for _, keys in sections() for _, words in keys]
    assert {command.help for command in COMMANDS if command.keys} <= set(told)


def summary(status: Status) -> ContainerSummary:
    return ContainerSummary(id="0" * 12, name="a", image="host", command=["sh"], status=status, created_at=NOW)


@pytest.mark.parametrize(
    ("status", "possible"),
    [
        (Status.CREATED, {"start"}),
        (
            Status.RUNNING,
            {"stop", "kill", "signal", "pause", "restart", "exec_shell", "exec_command", "wait"},
        ),
        (Status.PAUSED, {"stop", "kill", "signal", "unpause", "restart", "wait"}),
        (Status.RESTARTING, {"stop", "wait"}),
        (Status.STOPPED, {"start"}),
        (Status.EXITED, {"start"}),
    ],
)
def test_what_can_be_done_to_a_container_depends_on_its_state(status: Status, possible: set[str]) -> None:
    container = summary(status)
    state = State(info=INFO, containers={container.id: container}, selected_id=container.id)
    found = {c.action for c in COMMANDS if c.group == "Selected container" and state.possible(c)}
    assert found == possible | {"remove", "rename", "open", "copy('name')", "copy('id')"}


def test_a_command_for_many_is_possible_when_it_is_for_one_of_the_marked() -> None:
    import msgspec

    running = summary(Status.RUNNING)
    exited = msgspec.structs.replace(running, id="1" * 12, status=Status.EXITED)
    containers = {each.id: each for each in (running, exited)}
    state = State(info=INFO, containers=containers, selected_id=running.id, marked=list(containers))
    found = {c.action for c in COMMANDS if c.group == "Selected container" and state.possible(c)}
    assert {"start", "stop", "pause", "remove", "rename"} <= found
    assert state.targets == [running, exited]
    state.marked = []
    assert "start" not in {c.action for c in COMMANDS if c.group == "Selected container" and state.possible(c)}


def test_a_viewer_can_change_nothing() -> None:
    import msgspec

    container = summary(Status.RUNNING)
    viewer = msgspec.structs.replace(INFO, role=Role.VIEWER)
    state = State(info=viewer, containers={container.id: container}, selected_id=container.id)
    assert not [command.action for command in COMMANDS if command.changes and state.possible(command)]


def test_without_an_engine_nothing_can_be_done_to_containers() -> None:
    container = summary(Status.RUNNING)
    state = State(containers={container.id: container}, selected_id=container.id)
    assert not [c.action for c in COMMANDS if c.group == "Selected container" and state.possible(c)]


@pytest.mark.parametrize(
    ("outcome", "result", "told"),
    [
        ("done", 5, "5"),
        ("failed", -2, "ENOENT"),
        ("allowed", -1, "EPERM"),
        ("skipped", 0, "–"),
        ("not reached", 0, "–"),
    ],
)
def test_a_result_is_told_by_the_name_of_its_error(outcome: Any, result: int, told: str) -> None:
    step = LaunchStep(
        index=1, call="mount", arguments="", why="", group="root", start=0, end=1, result=result, outcome=outcome
    )
    assert call(step).result == told


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, between 1 and 21."""

    def luminance(color: str) -> float:
        parts = [c / 255 for c in Color.parse(color).rgb]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_text_has_the_contrast_that_eyes_need(theme: Theme) -> None:
    texts = [theme.foreground, theme.primary, theme.accent, theme.success, theme.warning, theme.error]
    texts += [theme.variables["muted"], *(theme.variables[f"chart-{n}"] for n in range(8))]
    assert theme.surface
    weak = [text for text in texts if text is None or contrast(text, theme.surface) < 4.5]
    assert not weak


def test_the_console_imports_nothing_of_the_engine_but_what_it_may() -> None:
    script = "import sys, heliostui.app; print(*sorted(m for m in sys.modules if m.startswith('engine.')))"
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    allowed = ("engine.client", "engine.protocol", "engine.terminal", "engine.places")
    assert all(module.startswith(allowed) for module in modules), modules
