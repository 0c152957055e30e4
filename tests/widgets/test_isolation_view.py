"""The fences of a container as a user meets them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from widgets.capabilities import CAPABILITIES
from widgets.isolation import CallRule, IdRange, Isolation, MountLine, Namespace, Verb
from widgets.isolation_lines import Section, sections
from widgets.isolation_view import IsolationView
from widgets.section_line import SectionLine

HELD = frozenset({"CHOWN", "KILL", "NET_RAW", "SETUID"})
CALLS = tuple(f"call_{n}" for n in range(90))
FENCES = Isolation(
    pid=4217,
    namespaces=(
        Namespace("mount", 4026532501, 4026531841, False),
        Namespace("pid", 4026532504, 4026531836, False),
        Namespace("network", 4026532506, 4026531840, False, ("web", "db")),
        Namespace("user", 4026531837, 4026531837, True),
    ),
    uids=(IdRange(0, 100_000, 65_536),),
    gids=(IdRange(0, 0, 2**32 - 1),),
    capabilities={"effective": HELD, "permitted": HELD, "bounding": HELD | {"SYS_TIME"}},
    seccomp="filter",
    seccomp_default="errno EPERM",
    rules=(
        CallRule(CALLS, "allow"),
        CallRule(("clone",), "allow", "if arg0 & 0x7e020000 == 0"),
        CallRule(("clone3",), "errno ENOSYS"),
    ),
    no_new_privileges=True,
    label="",
    mounts=(
        MountLine(
            "/", "overlay", "overlay", ("rw", "relatime", "lowerdir=" + "/a/long/path:" * 20), what_for="its root"
        ),
        MountLine("/data", "ext4", "/dev/vda1", ("ro", "nosuid"), "shared"),
    ),
    masked=("/proc/kcore", "/proc/keys"),
    read_only=("/proc/sys",),
    devices=("deny  a *:*", "allow c 1:3  rwm  /dev/null"),
    cgroups=("/sys/fs/cgroup/heliostui/4217",),
    architectures=("x86_64",),
    program=("(000) ld   [4]        look at the architecture", "(001) ret  #0        kill"),
    verbs=(Verb("create_container", True), Verb("list_containers", False)),
)


def present(view: IsolationView) -> None:
    view.show(FENCES)
    view.lines.focus()


def told(fences: Isolation, name: str, width: int = 79) -> list[str]:
    """The lines of a section."""
    section = next(section for section in sections(fences, width) if section.name == name)
    return ["".join(text for text, _ in line) for line in section.lines]


def test_a_shared_namespace_is_joined_to_the_hosts_and_an_own_one_is_not() -> None:
    lines = told(FENCES, "Namespaces")
    user = next(line for line in lines if line.startswith("   user"))
    assert "4026531837 ●━━━━━━━● 4026531837" in user
    network = next(place for place, line in enumerate(lines) if line.startswith("   network"))
    assert "4026531840 ○       ● 4026532506" in lines[network]
    assert "with web, db" in lines[network + 1]


def test_the_first_lines_sum_up_what_is_its_own_and_what_it_may() -> None:
    own, shared, may = told(FENCES, "Namespaces")[:3]
    assert "file tree, processes, network" in own
    assert "user ids" in shared
    assert f"4 of {len(CAPABILITIES)} capabilities, 91 system calls, gain no privileges" in may


def test_ids_are_told_from_inside_to_outside() -> None:
    users, groups = told(FENCES, "Ids")[2:]
    assert "0 – 65535" in users
    assert "100000 – 165535" in users
    assert "all are the same" in groups


def test_every_capability_is_listed_once_those_it_has_first() -> None:
    lines = [line.split()[0] for line in told(FENCES, "Capabilities")[3:]]
    assert sorted(lines) == sorted(CAPABILITIES)
    assert set(lines[:4]) == HELD
    assert lines[4] == "SYS_TIME"


def test_a_capability_that_the_list_does_not_know_is_shown_too() -> None:
    fences = replace(FENCES, capabilities={"effective": frozenset({"TELEPORT"})})
    assert any("TELEPORT" in line for line in told(fences, "Capabilities"))


def test_without_a_filter_it_says_that_every_call_is_let_through() -> None:
    fences = replace(FENCES, seccomp="off", rules=(), program=())
    assert any("every call reaches the kernel" in line for line in told(fences, "Calls"))
    assert "all system calls" in told(fences, "Namespaces")[2]


@pytest.mark.parametrize("width", [79, 139])
def test_both_tables_of_calls_are_there_the_engines_and_the_containers(width: int) -> None:
    lines = told(FENCES, "Calls", width)
    text = "\n".join(lines)
    assert "create_container" in text
    assert "list_containers" in text
    assert "if arg0 & 0x7e020000 == 0" in text
    assert all(call in text for call in CALLS)
    beside = any("ENGINE VERBS" in line and "SYSTEM CALLS" in line for line in lines)
    assert beside == (width > 100)


@pytest.mark.parametrize("width", [79, 119, 199])
def test_no_line_is_wider_than_there_is_room(width: int) -> None:
    made: list[Section] = sections(FENCES, width)
    for section in made:
        for line in ("".join(text for text, _ in line) for line in section.lines):
            assert len(line) <= width or " " not in line.strip(), line


async def test_the_arrow_keys_go_from_section_to_section(stage: Any) -> None:
    view = IsolationView()
    async with stage(view, prepare=partial(present, view)).run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        assert view.lines.names == [
            "Namespaces",
            "Ids",
            "Capabilities",
            "Calls",
            "Mounts",
            "Paths",
            "Devices",
            "Filter",
        ]
        seen = []
        for _ in range(8):
            seen.append(view.lines.section)
            await pilot.press("right")
            await pilot.pause()
        assert seen == list(range(8))
        await pilot.press("left")
        await pilot.pause()
        assert view.lines.section == 6


async def test_a_click_on_a_sections_name_goes_there(stage: Any) -> None:
    view = IsolationView()
    async with stage(view, prepare=partial(present, view)).run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        await pilot.click(SectionLine, offset=(len(" Namespaces  Ids  Cap"), 0))
        await pilot.pause()
        assert view.lines.names[view.lines.section] == "Capabilities"
        await pilot.click(SectionLine, offset=(79, 0))
        await pilot.pause()
        assert view.lines.names[view.lines.section] == "Capabilities"


async def test_everything_can_be_searched(stage: Any) -> None:
    view = IsolationView()
    async with stage(view, prepare=partial(present, view)).run_test(size=(80, 12)) as pilot:
        await pilot.press("slash", *"clone3", "enter")
        await pilot.pause()
        assert view.lines.match is not None
        assert "clone3" in view.lines.line_text(view.lines.match)


@pytest.mark.parametrize(("size", "theme", "keys"), [((80, 24), "helios-dark", 0), ((140, 30), "helios-light", 3)])
def test_how_it_looks(snap_compare: Any, stage: Any, size: tuple[int, int], theme: str, keys: int) -> None:
    view = IsolationView()
    app = stage(view, prepare=partial(present, view), theme=theme)
    assert snap_compare(app, terminal_size=size, press=["right"] * keys)
