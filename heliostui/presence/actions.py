"""Following and presenting, as the main screen does it; it inherits from this.

While it presents, its view is looked at ten times a second and published where it is another one. While it follows, it
shows the presenter's; when its user has just touched something and then looks at something else, he looks around.
Imports line, part, view and the dialog.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, cast

from textual import on, work
from textual.timer import Timer

from engine.protocol.messages import HandOver, Present, PublishView, StopPresenting, TakeBack
from engine.protocol.presence import View
from heliostui.actions import Actions
from heliostui.hosts.host import Host
from heliostui.messages import ContainersListed, EngineUp, TerminalsListed
from heliostui.presence.dialog import PresentMenu
from heliostui.presence.line import Lost, PresenceLine, Refused, Told, Viewed
from heliostui.presence.part import Part
from heliostui.presence.view import look, show
from heliostui.terminals.pane import TerminalPane

if TYPE_CHECKING:
    from heliostui.app import Console
    from heliostui.screens.main import MainScreen

PERIOD = 0.1  # seconds between two looks at what the screen shows
TOUCHED = 0.7  # seconds after a key or a click in which another look is the user's doing


class PresenceActions(Actions):
    """Has the console's part in the presentation."""

    def __init__(self) -> None:
        super().__init__()
        self.presence = PresenceLine(self.post_message)
        self.part = Part()
        self._ticking: Timer | None = None
        self._last: View | None = None
        self._borrows = False
        self._showing = False

    def show_status(self) -> None:
        """Show the top line."""
        raise NotImplementedError

    @property
    def _screen(self) -> MainScreen:
        return cast("MainScreen", self)

    @property
    def _application(self) -> Console:
        return cast("Console", self.app)

    # --- the line to the engine ---

    @property
    def _meeting(self) -> Host:
        """The host at whose engine people meet: the first."""
        return next(iter(self.link.hosts))

    @on(EngineUp)
    def _join(self, event: EngineUp) -> None:
        if event.host == self._meeting.key:
            places = replace(self._meeting.places, viewer=self._application.confined)
            self.run_worker(self.presence.run(places), group="presence")

    @on(Lost)
    def _lost(self) -> None:
        self.part.lost()
        self._settle()

    @on(Refused)
    def _refused(self, event: Refused) -> None:
        self.notify(event.sentence, severity="warning", markup=False)

    @on(Told)
    def _told(self, event: Told) -> None:
        heard = self.part.hear(event.told, follows=not self._may_present)
        for message in heard.says:
            self.presence.say(message)
        if heard.notice:
            self.notify(heard.notice, timeout=6, markup=False)
        if heard.ended:
            self._own_layout()
        self._settle()

    def _settle(self) -> None:
        """Look at the screen as often as there is a reason to, and say in the top line what this console does."""
        part = self.part
        if part.following and not self.state.following:  # what was touched before is no move away from what is shown
            self._last, self._application.touched = None, 0.0
        self.state.following = part.presentation.presenter_name if part.following and part.presentation else ""
        self.state.looks_around = part.around and part.presentation is not None
        for pane in self.query(TerminalPane):
            pane.hold()
            pane.post_message(TerminalPane.Described(pane))
        self.query_one("#top").set_class(bool(part.words()), "-together")
        self._screen.share_out()
        if part.presenting or part.following:
            if self._ticking is None:
                self._last = None
                self._ticking = self.set_interval(PERIOD, self._tick)
        elif self._ticking is not None:
            self._ticking.stop()
            self._ticking = None
        if part.presenting:
            self._last = None  # whoever follows is to see it now
        self.show_status()
        self.refresh_bindings()

    # --- presenting and following ---

    def _tick(self) -> None:
        if self._showing:
            return
        now = look(self._screen)
        if self.part.presenting:
            if now != self._last:
                self._last = now
                self.presence.say(PublishView(view=now))
        else:
            self._notice_own_moves(now)

    def _notice_own_moves(self, now: View) -> bool:
        """Whether the user looks at something else than he was shown; what changed by itself is no move of his."""
        touched = not self._showing and monotonic() - self._application.touched < TOUCHED
        if self.part.following and self._last is not None and now != self._last and touched:
            self.look_around()
            return True
        self._last = now
        return False

    def look_around(self) -> None:
        """Stop moving with the presenter, until the user returns."""
        if self.part.following:
            self.presence.say(self.part.look_around())
            self._settle()

    @on(Viewed)
    def _viewed(self, event: Viewed) -> None:
        part = self.part
        part.view = event.view
        if part.following and not self._notice_own_moves(look(self._screen)):
            self._show_view()

    @on(ContainersListed)
    @on(TerminalsListed)
    def _listed_anew(self) -> None:
        """What the presenter looks at may have come just now."""
        if self.part.following:
            self.call_after_refresh(self._show_view)

    def _show_view(self) -> None:
        if self.part.view is None or not self.part.following:
            return
        screen = self._screen
        if not self._borrows:
            self._borrows = True
            screen.workspace.remembered = deepcopy(screen.remembered)
        self._showing = True
        self.part.missing = show(screen, self.part.view)
        self.call_after_refresh(self._shown)

    def _shown(self) -> None:
        """From here on another look is the user's."""
        self._showing = False
        self._last = look(self._screen)
        self.show_status()

    def _own_layout(self) -> None:
        """The user's own layout again: the presenter's was never remembered."""
        if self._borrows:
            self._borrows = False
            workspace = self._screen.workspace
            workspace.remembered = self._screen.remembered
            workspace.use(workspace.remembered.layout or workspace.layout_name)

    # --- F3 ---

    def action_presence(self) -> None:
        """Return to the presenter, or look around; who presents, or may, is asked what he wants."""
        part = self.part
        show = part.presentation
        if not self.presence.joined:
            self.notify("There is no engine to meet others at.", severity="warning")
        elif part.presenting or (part.owning and not part.around):
            self._ask()
        elif show is not None and not show.paused:
            if part.following:
                self.look_around()
            else:
                self._last, self._application.touched = None, 0.0  # this key is no look elsewhere
                self.presence.say(part.follow())
                self._settle()
        elif not self._may_present:
            self.notify("Nobody presents now; an operator of the engine can begin to.", timeout=4)
        else:
            self._ask()

    @property
    def _may_present(self) -> bool:
        """Operators may; so may who chose to look only (`--read-only`), but not who is let do nothing else."""
        return not self._application.confined and (self.state.only_looks or not self._meeting.role)

    @work(group="presence-menu", exclusive=True)
    async def _ask(self) -> None:
        chosen = await self.app.push_screen_wait(PresentMenu(self.part))
        if chosen is None:
            return
        match chosen.what:
            case "present":
                self.presence.say(Present())
            case "take back":
                self.presence.say(TakeBack())
            case "stop":
                self.presence.say(StopPresenting())
            case "hand over":
                self.presence.say(HandOver(to=chosen.to))
            case "follow":
                self.presence.say(self.part.follow())
                self._settle()
            case "around":
                self.look_around()
