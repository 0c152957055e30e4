"""What the user may set, with its defaults. Imports nothing of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class OwnTheme:
    """Colours by Textual's names of them (`primary`, `surface`…) or ours (`muted`, `chart-0`…); the rest is derived."""

    dark: bool
    colors: Mapping[str, str]


@dataclass(frozen=True)
class Settings:
    """All settings of the console. `layout` and `theme` are empty where what was used last is to be used again."""

    theme: str = ""
    layout: str = ""
    prefix: str = "ctrl+right_square_bracket"
    """The key that takes the keys back from a program, in Textual's spelling."""
    image: str = "host"
    """What a container is made of when nobody says."""
    preset: str = ""
    """Whose keys: "", "k9s", "lazydocker" or "tmux"."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other keys for commands, by their ids, in Textual's spelling; none: it has no key any more."""
    numbers_period: float = 1.0
    """Seconds between two changes of the list's numbers and sparklines."""
    graphs_period: float = 1.0
    """Seconds between two samples of a graph, where it is not looked at closely."""
    themes: Mapping[str, OwnTheme] = field(default_factory=dict)
    """The user's own, by name."""
    slow_line: bool | None = None
    """Whether to save the line: draw less often and less. None: as the line turns out to be."""
