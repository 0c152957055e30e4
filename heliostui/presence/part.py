"""What this console is to the presentation: it presents, follows, looks around, or does neither. No screen.

`hear` takes what the engine tells, and says what is to be done about it. Imports the protocol.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.protocol.messages import AnyStreamInput, FollowPresenter, PresenceTold, Present
from engine.protocol.presence import Person, Presentation, View


@dataclass
class Heard:
    """What follows from news: what is said to the user, and to the engine."""

    notice: str = ""
    says: list[AnyStreamInput] = field(default_factory=list)
    ended: bool = False
    """There is nobody to follow any more."""


@dataclass
class Part:
    """`attached`: it moves with the presenter, but for `around`: then it shows what its user looks for himself."""

    attached: bool = False
    around: bool = False
    told: PresenceTold = field(default_factory=PresenceTold)
    view: View | None = None
    """What the presenter was last seen to look at."""
    missing: list[str] = field(default_factory=list)
    """What of it is not here, in words."""
    _presented: bool = False
    _cut_off: bool = False

    @property
    def presentation(self) -> Presentation | None:
        return self.told.presentation

    @property
    def presenting(self) -> bool:
        show = self.presentation
        return show is not None and show.presenter == self.told.you

    @property
    def owning(self) -> bool:
        """Whether we began it, and may take it back."""
        show = self.presentation
        return show is not None and show.owner == self.told.you

    @property
    def following(self) -> bool:
        """Whether this console moves with another one now."""
        show = self.presentation
        return self.attached and not self.around and not self.presenting and show is not None and not show.paused

    @property
    def others(self) -> list[Person]:
        """Those whom control can be handed to."""
        return [person for person in self.told.people if person.id != self.told.you]

    # --- what happens ---

    def lost(self) -> None:
        """The engine is away."""
        self._presented = self._presented or (self.presenting and self.owning)
        self._cut_off = True
        self.told = PresenceTold()

    def hear(self, told: PresenceTold, *, follows: bool) -> Heard:
        """News. `follows`: this console follows whoever presents, without being asked."""
        before, led = self.presentation, self.presenting
        back, self._cut_off = self._cut_off, False
        self.told = told
        now = self.presentation
        if now is None and back and (self._presented or self.attached):
            says: list[AnyStreamInput] = [Present()] if self._presented else []
            self._presented = False
            return Heard(says=says)  # it is another engine process, to be told anew; who followed waits for it
        if now is None:
            return self._nobody(before)
        if self.presenting:
            return self._mine(now, led=led)
        return self._another(before, now, back=back, led=led, follows=follows)

    def _nobody(self, before: Presentation | None) -> Heard:
        ended = self.attached
        self.attached = self.around = False
        self.view = None
        if before is None:
            return Heard(ended=ended)
        own = before.presenter == self.told.you
        return Heard("" if own else f"{before.presenter_name} has stopped presenting.", ended=ended)

    def _mine(self, now: Presentation, *, led: bool) -> Heard:
        self._presented = False
        self.attached = self.around = False
        if led or now.owner == self.told.you:
            return Heard()
        return Heard(f"{now.owner_name} handed over to you: the others see what you look at. F3 gives it back.")

    def _another(
        self, before: Presentation | None, now: Presentation, *, back: bool, led: bool, follows: bool
    ) -> Heard:
        heard = Heard()
        if now.paused and (before is None or not before.paused):
            heard.notice = f"{now.presenter_name}'s line is lost; the presentation goes on when it is back."
        elif before is None or before.presenter != now.presenter:
            self.view = None
            takes = "" if not self.owning else " F3 takes it back."
            returns = "" if self.attached or follows or led else " F3 follows."
            heard.notice = f"{now.presenter_name} presents.{takes or returns}"
        if (led or (follows and before is None)) and not self.attached:
            self.attached, self.around = True, False
            heard.says.append(FollowPresenter())
        elif (back or before is None) and self.attached and not self.around:  # this engine does not know yet
            heard.says.append(FollowPresenter())
        return heard

    # --- what the user wants ---

    def follow(self) -> AnyStreamInput:
        """Move with the presenter, from now on or again."""
        self.attached, self.around = True, False
        return FollowPresenter()

    def look_around(self) -> AnyStreamInput:
        """Let the presenter go on alone, for a while."""
        self.around = True
        return FollowPresenter(following=False)

    # --- what the top line says ---

    def words(self) -> str:
        """Calm words for the top line; empty where there is nothing to say."""
        show = self.presentation
        if show is None:
            return ""
        if self.presenting:
            return f"presenting to {show.following}"
        if show.paused:
            return f"{show.presenter_name}'s line is lost"
        if self.around:
            return "looking around · F3 returns"
        if not self.attached:
            return f"{show.presenter_name} presents · F3"
        return " · ".join([f"following {show.presenter_name}", *self.missing])
