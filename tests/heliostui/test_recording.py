"""Promises of F4 and F12: what was shown is in a file that can be played, and the console says where."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from textual.widgets import Input, Select, Static

from engine.terminal import Terminal
from heliostui.recording.actions import keep
from heliostui.recording.cast import Cast, read
from heliostui.recording.form import RecordForm

from .conftest import CommandLine
from .person import Person, console


def shown(cast: Cast) -> str:
    terminal = Terminal(cast.columns, cast.lines)
    for event in cast.events:
        if event.size:
            terminal.resize(*event.size)
        else:
            terminal.feed(event.data.encode())
    return terminal.text()


async def begin(person: Person, path: Path) -> RecordForm:
    await person.press("f4")
    await person.until(lambda: isinstance(person.app.screen, RecordForm))
    form = person.app.screen
    assert isinstance(form, RecordForm)
    (await file_of(person, form)).value = str(path)
    await person.press("enter")
    return form


async def file_of(person: Person, form: RecordForm) -> Input:
    """Where the file's name is typed, once the keys go there."""
    await person.until(lambda: any(each.has_focus for each in form.query("#file")))
    return form.query_one("#file", Input)


async def test_a_terminal_is_recorded_whatever_is_looked_at(cli: CommandLine, tmp_path: Path) -> None:
    script = "while read line; do echo you said $line; done"
    cli.ok("run", "-dit", "--name", "parrot", "host", "sh", "-c", script)
    async with console(cli) as person:
        await person.select("parrot")
        await begin(person, tmp_path / "a.cast")
        await person.until(lambda: "REC" in person.main.recorder.words())
        with cli.terminal("attach", "parrot", columns=91, lines=31) as other:
            other.type("grüß\r".encode())
            other.until("you said grüß".encode())
        await person.until(lambda: "you said grüß" in (tmp_path / "a.cast").read_text())
        await person.press("f4")
        await person.until(lambda: any("a.cast" in notice for notice in person.notices))
        assert not person.main.recorder.words()
    cast = read(tmp_path / "a.cast")
    assert "you said grüß" in shown(cast)
    assert (91, 31) in [event.size for event in cast.events]
    cli.ok("rm", "-f", "parrot")


async def test_the_end_of_a_terminal_ends_its_recording(cli: CommandLine, tmp_path: Path) -> None:
    cli.ok("run", "-dit", "--name", "brief", "host", "cat")
    async with console(cli) as person:
        await person.select("brief")
        await begin(person, tmp_path / "a.cast")
        await person.until(lambda: person.main.recorder.running)
        cli.ok("kill", "brief")
        await person.until(lambda: not person.main.recorder.running)
        await person.until(lambda: any("a.cast" in notice for notice in person.notices))
    cli.ok("rm", "-f", "brief")


async def test_what_is_there_is_not_written_over_and_the_dialog_says_so(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    cli.ok("run", "-dit", "--name", "there", "host", "cat")
    async with console(cli) as person:
        await person.select("there")
        form = await begin(person, tmp_path / "mine")
        await person.until(lambda: "is there already" in str(form.query_one("#problem").visual))
        assert form.query_one(Select).value == 0
        await person.press("escape")
        assert not person.main.recorder.running
    assert (tmp_path / "mine").read_text() == "mine"
    cli.ok("rm", "-f", "there")


async def test_without_a_terminal_there_is_nothing_to_record(cli: CommandLine) -> None:
    async with console(cli) as person:  # whose driver is a test's: the console itself can't be recorded
        await person.press("f4")
        await person.until(lambda: any("nothing to record" in notice for notice in person.notices))


def test_the_console_itself_is_recorded_and_a_killed_one_leaves_what_was_shown(
    cli: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "all.cast"
    cli.ok("run", "-d", "--name", "shown", "host", "sleep", "600")
    with cli.terminal(columns=100, lines=30) as user:
        user.sees("shown")
        user.type(b"\x1bOS")
        user.sees("asciinema")
        user.type(str(path).encode())
        user.sees("all.cast")
        user.type(b"\r")
        user.sees("REC")
        cli.ok("run", "-d", "--name", "later", "host", "sleep", "600")
        user.sees("later")
        user.process.kill(9)
        user.end()
    cast = read(path)
    assert (cast.columns, cast.lines) == (100, 30)
    assert all(name in shown(cast) for name in ("shown", "later"))
    assert "\x1b[5n" not in path.read_text()
    assert json.loads(path.read_text().splitlines()[0])["title"] == "all of the console"
    cli.ok("rm", "-f", "shown", "later")


async def test_f12_keeps_a_picture_and_says_where(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with console(cli) as person:
        await person.press("f12")
        await person.press("f12")
        await person.until(lambda: len(list(tmp_path.glob("*.svg"))) == 2)
        await person.until(lambda: len([notice for notice in person.notices if ".svg" in notice]) == 2)
    assert all(ElementTree.parse(path).getroot().tag.endswith("svg") for path in tmp_path.glob("*.svg"))


def test_pictures_of_one_second_are_not_written_over(tmp_path: Path) -> None:
    paths = {keep(f"picture {number}", tmp_path) for number in range(5)}
    assert len(paths) == 5
    assert {path.read_text() for path in paths} == {f"picture {number}" for number in range(5)}


async def test_the_dialog_is_left_by_escape_and_nothing_is_recorded(cli: CommandLine, tmp_path: Path) -> None:
    cli.ok("run", "-dit", "--name", "unheard", "host", "cat")
    async with console(cli) as person:
        await person.select("unheard")
        await person.press("f4")
        await person.until(lambda: isinstance(person.app.screen, RecordForm))
        form = person.app.screen
        assert isinstance(form, RecordForm)
        file = await file_of(person, form)
        await person.press("up")
        await person.until(lambda: form.query_one(Select).has_focus)
        file.value = str(tmp_path / "never.cast")
        await person.press("escape")
        await person.until(lambda: person.app.screen is person.main)
        assert not person.main.recorder.running
        assert not (tmp_path / "never.cast").exists()
        await person.press("f4")
        await person.until(lambda: isinstance(person.app.screen, RecordForm))
        form = person.app.screen
        assert isinstance(form, RecordForm)
        file = await file_of(person, form)
        file.value = ""
        await person.press("ctrl+s")
        problem = form.query_one("#problem", Static)
        await person.until(lambda: "name the file" in str(problem.visual).lower())
        file.value = str(tmp_path / "made.cast")
        await person.press("ctrl+s")
        await person.until(lambda: person.main.recorder.running)
        await person.press("f4")
        await person.until(lambda: not person.main.recorder.running)
    assert read(tmp_path / "made.cast")
    cli.ok("rm", "-f", "unheard")
