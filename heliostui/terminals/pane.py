"""A terminal on the screen with the session behind it: what is typed goes in, what changes is drawn.

Used for a container's own terminal (in its details) and for each one that was opened (in its tab). Imports session,
detach and widgets.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer

from heliostui.messages import SessionChanged, SessionEnded
from heliostui.presence.read_only import is_read_only, refused
from heliostui.settings.use import settings_of
from heliostui.terminals.detach import PATIENCE, DetachKeys
from heliostui.terminals.session import Session
from widgets.later import Later
from widgets.once import after
from widgets.own_class import set_own_class
from widgets.terminal import TerminalView

SETTLING = 0.05  # seconds that a size must last until the program is told of it
UNSEEN_LOOK = 1.0  # seconds between two looks at a terminal that is not on the screen


class TerminalPane(Vertical):
    """Shows one session, or says why there is none."""

    @dataclass
    class Described(Message):
        """What a border or a tab says of the terminal has changed."""

        pane: TerminalPane

        @property
        def control(self) -> TerminalPane:
            return self.pane

    @dataclass
    class Detached(Message):
        """The terminal was asked to give its keys back, or has nobody to give them to any more."""

        pane: TerminalPane

        @property
        def control(self) -> TerminalPane:
            return self.pane

    @dataclass
    class Ended(Message):
        """The session has ended: as `SessionEnded` says."""

        pane: TerminalPane
        event: SessionEnded

        @property
        def control(self) -> TerminalPane:
            return self.pane

    def __init__(self, *, detach_keys: bool, id: str | None = None) -> None:
        """`detach_keys`: whether ctrl+p ctrl+q leads out, as in Docker."""
        super().__init__(id=id)
        self.session: Session | None = None
        self._detach_keys = DetachKeys() if detach_keys else None
        self._keys_due = False
        self._looked = True
        self._news_seen = 0
        self._bells_seen = 0
        self._settling: Timer | None = None
        self.view = TerminalView()
        self.view.fits = False

    def compose(self) -> ComposeResult:
        yield self.view

    def on_mount(self) -> None:
        self.view.prefix = settings_of(self.app).prefix
        self.watch(self.view, "captured", self._keys_moved, init=False)

    def _keys_moved(self) -> None:
        set_own_class(self, self.has_keys, "-has-keys")
        if self.has_keys:
            self._settle()
        self.post_message(self.Described(self))

    # --- the session ---

    @property
    def live(self) -> bool:
        """Whether somebody takes what is typed."""
        return self.session is not None and not self.session.ended

    @property
    def has_keys(self) -> bool:
        """Whether what is typed goes to the program."""
        view = self.view
        return view.is_attached and view.screen.focused is view and view.captured and view.terminal is not None

    def begin(self, session: Session) -> None:
        """Take part in a terminal, instead of any that was shown before."""
        self.leave()
        self.session = session
        self._news_seen = self._bells_seen = 0
        self.run_worker(Later(session.run), group="session")
        self._show()
        if self._keys_due:  # it was lost with the keys, and is back
            self._keys_due = False
            self.take_keys()

    def leave(self) -> None:
        """Show no terminal any more; its program goes on."""
        self.workers.cancel_group(self, "session")
        self.session = None
        self._show()

    def say(self, why: str) -> None:
        """What is to be read while there is no terminal."""
        self.view.placeholder = why

    def _show(self) -> None:
        """Show the session there is; what has ended is still to be read, but takes no keys."""
        terminal = self.session.terminal if self.session else None
        if self.view.terminal is not terminal:
            self.view.terminal = terminal
        self.view.ended = is_read_only(self.app) or (self.session is not None and self.session.ended)

    def hold(self) -> None:
        """Whether this console acts may have changed: what only looks gets no keys."""
        self._show()

    @on(SessionChanged)
    def _changed(self, event: SessionChanged) -> None:
        event.stop()
        session = event.session
        if session is not self.session:
            session.taken.set()
        elif self._looked:
            self._take()
        else:  # not on the screen: it is looked at now and then, which keeps a flood cheap
            self.post_message(self.Described(self))
            after(self, UNSEEN_LOOK, session.taken.set)

    def _take(self) -> None:
        session = self.session
        assert session is not None
        session.taken.set()
        self._news_seen = session.news
        self._bells_seen = session.terminal.bells
        self._show()
        self.view.refresh_screen()

    @on(SessionEnded)
    def _ended(self, event: SessionEnded) -> None:
        event.stop()
        session = event.session
        if session is not self.session:
            return
        had_keys = self.has_keys
        session.ended, session.exit_code = True, event.exit_code
        if event.reason and not event.lost:
            self.notify(event.reason, severity="error", markup=False)
            self.session = None
        # A terminal lost with the engine gets its keys back when the engine is back.
        self._keys_due = had_keys and event.lost
        if had_keys:
            self.post_message(self.Detached(self))
        self._show()
        self.post_message(self.Ended(self, event))
        self.post_message(self.Described(self))

    # --- whether anybody looks ---

    @property
    def looked(self) -> bool:
        """Whether it is on the screen."""
        return self._looked

    @looked.setter
    def looked(self, looked: bool) -> None:
        self._looked = looked
        if looked and self.session is not None:
            self._take()

    @property
    def unseen(self) -> str:
        """What happened since it was looked at: "", "output" or "bell"."""
        if self.session is None or self._looked:
            return ""
        if self.session.terminal.bells > self._bells_seen:
            return "bell"
        return "output" if self.session.news > self._news_seen else ""

    # --- keys ---

    def take_keys(self) -> None:
        """Give the program the keys; on a console that only looks it can only be read."""
        if self.live and is_read_only(self.app):
            self.view.look()
        elif self.live:
            self.screen.set_focus(self.view)
            self.view.captured = True

    def type_prefix(self) -> None:
        """Send the program the key that is otherwise never sent."""
        if self.live and self.session is not None and not refused(self):
            self.session.type(b"\x1d")
            self.take_keys()

    @on(TerminalView.Input)
    def _typed(self, event: TerminalView.Input) -> None:
        event.stop()
        session = self.session
        if session is None or session.ended or is_read_only(self.app):
            return
        data, out = self._detach_keys.feed(event.data) if self._detach_keys else (event.data, False)
        if data:
            session.type(data)
        if out:
            self.post_message(self.Detached(self))
        elif self._detach_keys and self._detach_keys.waiting:
            after(self, PATIENCE, self._pass_on)

    def _pass_on(self) -> None:
        """A lone ctrl+p was meant for the program."""
        if self._detach_keys and self._detach_keys.waiting and self.session is not None:
            self.session.type(self._detach_keys.release())

    # --- size ---

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A terminal that gets the keys gets its view's size too: until then others may use it with another."""
        self._settle()

    @on(TerminalView.Resized)
    def _view_resized(self, event: TerminalView.Resized) -> None:
        event.stop()
        self._settle()

    def _settle(self) -> None:
        """The program hears of a size that lasts: several may go by while panes come and go."""
        if self._settling is not None:
            self._settling.stop()
        self._settling = after(self, SETTLING, self._fit)

    def _fit(self) -> None:
        columns, lines = self.view.content_size
        if self.session is not None and self.live and self.has_keys and columns and lines:
            self.session.resize(columns, lines)
