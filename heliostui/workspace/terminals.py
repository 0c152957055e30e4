"""The region of terminals: one tab for each, one of them shown; or how to open the first. Imports terminals.tab."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.css.query import NoMatches
from textual.widgets import Static

from heliostui.terminals.tab import TerminalTab

NONE_YET = """\
No terminals yet.

[b $accent]  t  [/]  a shell on this machine, whose jobs can be watched
[b $accent]  e  [/]  a shell in the selected container
[b $accent]  E  [/]  another program in it

[$muted]They stay when the console is left.[/]"""


class Terminals(Container):
    """Shows one tab; the one that is shown is followed while the region is on the screen."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.current: str | None = None
        self._looked = False

    def compose(self) -> ComposeResult:
        yield Static(NONE_YET, id="no-terminals")

    def tab(self, terminal: str | None) -> TerminalTab | None:
        try:
            return self.get_child_by_id(f"terminal-{terminal}", TerminalTab) if terminal else None
        except NoMatches:
            return None

    @property
    def shown(self) -> TerminalTab | None:
        """The tab that is shown, whether or not it is used."""
        return self.tab(self.current)

    def show(self, terminal: str | None) -> None:
        """Show this tab instead of the one that was shown."""
        before, self.current = self.shown, terminal
        tab = self.shown
        if before is not None and before is not tab:
            before.look_away()
            before.display = False
        if tab is not None:
            tab.display = True
            if self._looked:
                tab.look()
        self.query_one("#no-terminals").display = tab is None

    def look(self, looked: bool) -> None:
        """Whether the region is on the screen."""
        if looked != self._looked:
            self._looked = looked
            if self.shown is not None:
                if looked:
                    self.shown.look()
                else:
                    self.shown.look_away()
