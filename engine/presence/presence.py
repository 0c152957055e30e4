"""Who has a console open, and the one presentation there may be.

All of it is in memory: consoles join again when the engine was away, and a presenter publishes anew. Somebody whose
line is lost stays the presenter until he is back, or another operator begins; an empty room has no presentation.
Imports the protocol and participation.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from engine.errors import EngineError
from engine.presence.participation import Participation
from engine.protocol.messages import ErrorCode, JoinPresence, PresenceTold, Role
from engine.protocol.presence import Person, Presentation, View


@dataclass
class Show:
    """A presentation. Its people may have left."""

    owner: Participation
    presenter: Participation
    view: View | None = None
    number: int = 0  # of the view, counted through the engine's life


class Presence:
    """The people, and what they do to the presentation; methods that act raise EngineError where that can't be."""

    def __init__(self) -> None:
        self._people: dict[str, Participation] = {}
        self._numbers = count(1)
        self._views = count(1)
        self._show: Show | None = None

    # --- who is there ---

    def join(self, request: JoinPresence, role: Role) -> Participation:
        """One more console; with the key of one that is there it takes its place."""
        for other in [other for other in self._people.values() if request.key and other.key == request.key]:
            del self._people[other.id]
            other.end()
        person = Participation(self, f"p{next(self._numbers)}", self._unused(request.name), role, request.key)
        self._people[person.id] = person
        if self._show is not None and request.key:
            if self._show.owner.key == request.key:
                self._show.owner = person
            if self._show.presenter.key == request.key:
                self._show.presenter = person
        self._changed()
        return person

    def leave(self, person: Participation) -> None:
        """His line has ended; he keeps his part in the presentation."""
        if self._people.pop(person.id, None) is None:
            return
        if not self._people:
            self._show = None
        self._changed()

    def _unused(self, name: str) -> str:
        """The name in what can be printed, with a number where somebody has it already."""
        plain = "".join(c if c.isprintable() else " " for c in name).strip() or "somebody"
        taken = {person.name for person in self._people.values()}
        numbered = (f"{plain} {n}" for n in count(2))
        return plain if plain not in taken else next(other for other in numbered if other not in taken)

    def told(self, person: Participation | None = None) -> PresenceTold:
        """What this person is told, or who only asks: the people are many, and for those who choose among them."""
        show = self._show
        leads = person is None or (show is not None and person in (show.owner, show.presenter))
        return PresenceTold(
            you=person.id if person else "",
            presentation=self._presentation(show, counted=leads) if show else None,
            people=[self._person(each) for each in self._people.values()] if leads else [],
        )

    def _presentation(self, show: Show, *, counted: bool) -> Presentation:
        people = self._people.values() if counted else ()  # everybody asks at once: each may not look at all
        following = sum(each.following and each is not show.presenter for each in people)
        return Presentation(
            presenter=show.presenter.id,
            presenter_name=show.presenter.name,
            owner=show.owner.id,
            owner_name=show.owner.name,
            paused=not self._there(show.presenter),
            following=following,
        )

    @staticmethod
    def _person(each: Participation) -> Person:
        role = each.role.value
        return Person(
            id=each.id,
            name=each.name,
            role="operator" if role == "operator" else "viewer",
            following=each.following,
        )

    def view_for(self, person: Participation) -> tuple[int, View] | None:
        """The presenter's view and its number, if this person is to have it."""
        show = self._show
        if show is None or show.view is None or show.presenter is person or not person.following:
            return None
        return show.number, show.view

    def _there(self, person: Participation) -> bool:
        return self._people.get(person.id) is person

    def _changed(self) -> None:
        for person in self._people.values():
            person.wake()

    # --- the presentation ---

    def present(self, person: Participation) -> None:
        """Begin, or go on in the place of somebody who is lost."""
        show = self._show
        if show is not None and person is show.presenter:
            return
        if show is not None and person is show.owner:
            self._give(show, person)
            return
        if person.role is not Role.OPERATOR:
            raise EngineError(
                ErrorCode.FORBIDDEN, "A viewer can't begin to present; an operator who presents can hand over to one."
            )
        if show is not None and (who := next(filter(self._there, (show.presenter, show.owner)), None)):
            raise EngineError(
                ErrorCode.WRONG_STATE, f"{who.name} presents now, and can hand over to you; two at once can't."
            )
        self._show = Show(person, person)
        self._changed()

    def publish(self, person: Participation, view: View) -> None:
        """Take the presenter's view; anybody else's is late, not wrong."""
        show = self._show
        if show is not None and show.presenter is person and show.view != view:
            show.view = view
            show.number = next(self._views)
            self._changed()

    def follow(self, person: Participation, following: bool) -> None:
        person.following = following
        self._changed()

    def hand_over(self, person: Participation, to: str) -> None:
        show = self._show
        if show is None or person not in (show.presenter, show.owner):
            raise EngineError(ErrorCode.FORBIDDEN, "Only who presents, or began to, can hand over.")
        if to not in self._people:
            raise EngineError(ErrorCode.INVALID, "The one to hand over to has left.")
        self._give(show, self._people[to])

    def take_back(self, person: Participation) -> None:
        show = self._show
        if show is None or person is not show.owner:
            raise EngineError(ErrorCode.FORBIDDEN, "Only who began the presentation can take it back.")
        self._give(show, person)

    def _give(self, show: Show, person: Participation) -> None:
        show.presenter = person
        show.view = None  # nobody is to see the old one as his
        self._changed()

    def stop(self, person: Participation) -> None:
        """End it; who was handed it gives it back, as long as there is somebody to take it."""
        show = self._show
        if show is None or person not in (show.presenter, show.owner):
            return
        if person is not show.owner and self._there(show.owner):
            self._give(show, show.owner)
            return
        self.end()

    def end(self) -> None:
        """End the presentation, whoever presents."""
        self._show = None
        self._changed()
