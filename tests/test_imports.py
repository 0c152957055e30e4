"""What the small processes must not import, seen from inside of them."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import heliostui

PROJECT = Path(heliostui.__file__).parent.parent
SEEN = "import json, sys; print(json.dumps({name: getattr(m, '__file__', None) for name, m in sys.modules.items()}))"
HEAVY = {"textual", "rich", "asyncio", "pyroute2", "psutil", "ptyprocess", "widgets"}


def modules_after(code: str, *flags: str) -> dict[str, str | None]:
    """The modules that a fresh interpreter has loaded after `code`, with their files."""
    result = subprocess.run(
        [sys.executable, *flags, "-c", f"{code}\n{SEEN}"], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    modules: dict[str, str | None] = json.loads(result.stdout.splitlines()[-1])
    return modules


def top_level(modules: dict[str, str | None]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_the_keeper_imports_the_standard_library_only_and_no_asyncio() -> None:
    modules = modules_after("import engine.keeper.main", "-S", "-E")
    assert "asyncio" not in modules
    standard = sysconfig.get_path("stdlib")
    own = (
        str(PROJECT / "engine" / "keeper"),
        str(PROJECT / "engine" / "sandbox"),
        str(PROJECT / "engine" / "__init__"),
    )
    foreign = {name: file for name, file in modules.items() if file and not file.startswith((standard, *own))}
    assert foreign == {}


@pytest.mark.parametrize("verb", ["ps", "run", "logs", "exec", "inspect", "heap", "engine"])
def test_the_command_line_imports_neither_textual_nor_asyncio_nor_pyroute2(verb: str) -> None:
    """Up to the engine's refusal: there can't be one at the place that is named."""
    places = "import os; os.environ.update(HELIOSTUI_RUNTIME='/proc/none/r', HELIOSTUI_STATE='/proc/none/s')"
    words = {
        "run": ["run", "busybox"],
        "exec": ["exec", "a", "b"],
        "heap": ["heap", "ls", "a"],
        "engine": ["engine", "status"],
    }
    argv = words.get(verb, [verb, "a"] if verb in ("logs", "inspect") else [verb])
    modules = modules_after(f"{places}\nfrom heliostui.__main__ import main\nmain({argv!r})")
    assert f"heliostui.commands.{verb}" in modules
    assert top_level(modules) & HEAVY == set()


def test_only_the_invoked_verb_is_imported() -> None:
    modules = modules_after("from heliostui.__main__ import main\nmain(['ps', '--help'])")
    verbs = {name for name in modules if name.startswith("heliostui.commands.")}
    assert verbs == {"heliostui.commands.ps"}


def test_widgets_import_no_engine_but_the_terminal_core() -> None:
    folder = PROJECT / "widgets"
    names = ", ".join(f"widgets.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__") or "widgets"
    modules = modules_after(f"import {names}")
    assert {name for name in modules if name.startswith("engine.") and not name.startswith("engine.terminal")} == set()
