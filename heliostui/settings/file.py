"""The file of settings, `config.toml`: where it is, and what it says. Imports values, keys, presets and toml_lines.

Theme, layout and ids of commands are checked against what the caller knows, so that this needs no screen.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from heliostui.settings.keys import key, keys
from heliostui.settings.presets import PRESETS
from heliostui.settings.values import OwnTheme, Settings
from heliostui.toml_lines import document, located

DEEPEST = 8  # tables within each other that a command's id is looked for in
FASTEST, SLOWEST = 0.1, 60.0  # seconds between two samples


@dataclass(frozen=True)
class Known:
    """The names that a file may use."""

    themes: Collection[str]
    layouts: Collection[str]
    commands: Collection[str]


def path() -> Path:
    """`HELIOSTUI_CONFIG`, or `config.toml` of heliostui in the user's directory of configuration (XDG)."""
    if named := os.environ.get("HELIOSTUI_CONFIG"):
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path("heliostui", appauthor=False) / "config.toml"


def read(path: Path, known: Known) -> Settings:
    """What the file says; the defaults where there is none. Raises ValueError, a sentence for each fault in it, with
    file, line and key."""
    try:
        text = _text(path)
    except FileNotFoundError:
        return Settings()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: the file is not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    reading = _Reading(path, text, known)
    settings = reading.settings(document(path, text))
    if reading.faults:
        raise ValueError("\n".join(reading.faults))
    return settings


def _text(path: Path) -> str:
    """Of a regular file; whatever else there is under that name keeps nobody waiting. Raises ValueError, OSError."""
    with open(path, encoding="utf-8-sig", opener=_opened_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(f"{path}: a regular file was expected, or a link to one")
        return file.read()


def _opened_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)  # a FIFO waits for a writer, a terminal becomes ours


class _Reading:
    """One file on its way to settings; faults are collected, so that one look shows them all."""

    def __init__(self, path: Path, text: str, known: Known) -> None:
        self._path, self._text, self._known = path, text, known
        self.faults: list[str] = []

    def settings(self, given: Mapping[str, Any]) -> Settings:
        own = self._own_themes(self._table(given, "themes"))
        rates = self._table(given, "rates")
        self._no_others(("rates",), rates, ("numbers", "graphs"))
        tables = ("rates", "keys", "themes")
        single = ("theme", "layout", "preset", "prefix", "image", "slow_line")
        self._no_others((), given, (*single, *tables))
        preset = self._text_of(given, "preset", _among(PRESETS, "preset"), "")
        chosen = PRESETS.get(preset)
        usual = chosen.prefix if chosen else Settings.prefix
        return Settings(
            theme=self._text_of(given, "theme", _among([*self._known.themes, *own], "theme", "config themes"), ""),
            layout=self._text_of(given, "layout", _among(self._known.layouts, "layout"), ""),
            prefix=self._text_of(given, "prefix", key, usual),
            image=self._text_of(given, "image", _some_image, Settings.image),
            preset=preset,
            keys={**(chosen.keys if chosen else {}), **self._keys(self._table(given, "keys"))},
            numbers_period=self._period(rates, "numbers", Settings.numbers_period),
            graphs_period=self._period(rates, "graphs", Settings.graphs_period),
            slow_line=self._yes_or_no(given, "slow_line"),
            themes=own,
        )

    # --- parts ---

    def _keys(self, given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for way, value in _leaves(given):
            name = ".".join(way)
            if name not in self._known.commands:
                self._fault(
                    ("keys", *way), f"there is no command '{name}'{_near(name, self._known.commands, 'config keys')}"
                )
                continue
            words = value if isinstance(value, list) else [value]
            if not all(isinstance(word, str) for word in words):
                self._fault(("keys", *way), 'expected a key, as "ctrl+t", or a list of keys')
                continue
            try:
                found[name] = tuple(one for word in words for one in keys(word))
            except ValueError as error:
                self._fault(("keys", *way), str(error))
        return found

    def _own_themes(self, given: Mapping[str, Any]) -> dict[str, OwnTheme]:
        found = {}
        for name in given:
            colors = self._table(given, name, "themes")
            dark = colors.get("dark", True)
            if not isinstance(dark, bool):
                self._fault(("themes", name, "dark"), "expected true or false")
            elif "primary" not in colors:
                self._fault(("themes", name), 'a theme needs at least the colour primary = "#rrggbb"')
            else:
                wrong = next((color for color, value in colors.items() if color != "dark" and not _is_color(value)), "")
                if wrong:
                    self._fault(("themes", name, wrong), 'expected a colour, as "#7fb0e6" or "orange"')
                else:
                    found[name] = OwnTheme(dark, {color: value for color, value in colors.items() if color != "dark"})
        return found

    def _period(self, given: Mapping[str, Any], name: str, usual: float) -> float:
        value = given.get(name, usual)
        if isinstance(value, bool) or not isinstance(value, int | float) or not FASTEST <= value <= SLOWEST:
            self._fault(("rates", name), f"expected seconds from {FASTEST:g} to {SLOWEST:g}")
            return usual
        return float(value)

    def _yes_or_no(self, given: Mapping[str, Any], name: str) -> bool | None:
        value = given.get(name)
        if value is not None and not isinstance(value, bool):
            self._fault((name,), "expected true or false; without it, it is found out")
        return value if isinstance(value, bool) else None

    def _text_of(self, given: Mapping[str, Any], name: str, check: Callable[[str], str], usual: str) -> str:
        if name not in given:
            return usual
        value = given[name]
        if not isinstance(value, str):
            self._fault((name,), "expected text in quotes")
            return usual
        try:
            return check(value)
        except ValueError as error:
            self._fault((name,), str(error))
            return usual

    def _table(self, given: Mapping[str, Any], name: str, *above: str) -> Mapping[str, Any]:
        value = given.get(name, {})
        if not isinstance(value, dict):
            self._fault((*above, name), "expected a table of names and values")
            return {}
        return value

    def _no_others(self, way: tuple[str, ...], given: Mapping[str, Any], names: Collection[str]) -> None:
        for name in given:
            if name not in names:
                self._fault((*way, name), f"there is no such setting{_near(name, names)}")

    def _fault(self, way: tuple[str, ...], reason: str) -> None:
        self.faults.append(located(self._path, self._text, way, reason))


def _leaves(table: Mapping[str, Any], *way: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Values with the keys on the way to them: who writes `container.stop` without quotes means the same."""
    for name, value in table.items():
        if isinstance(value, dict) and len(way) < DEEPEST:
            yield from _leaves(value, *way, name)
        else:
            yield (*way, name), value


def _near(name: str, names: Collection[str], lists_them: str = "") -> str:
    """What may have been meant. `lists_them`: the verb that tells names which are too many for a sentence."""
    near = get_close_matches(name, names, 1)
    if near:
        return f": did you mean '{near[0]}'?"
    return f" (see 'heliostui {lists_them}')" if lists_them else f"; there are {', '.join(names)}"


def _among(names: Collection[str], what: str, lists_them: str = "") -> Callable[[str], str]:
    def check(name: str) -> str:
        if name and name not in names:
            raise ValueError(f"there is no {what} '{name}'{_near(name, names, lists_them)}")
        return name

    return check


def _some_image(name: str) -> str:
    if not name.strip():
        raise ValueError('expected the name of an image, as "busybox"')
    return name


def _is_color(value: object) -> bool:
    from textual.color import Color, ColorParseError

    try:
        return isinstance(value, str) and Color.parse(value) is not None
    except ColorParseError:
        return False
