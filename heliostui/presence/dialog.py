"""What can be done about the presentation by who presents, or may: one short list. Imports part and Textual."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from heliostui.presence.part import Part
from widgets.dialog import Dialog

What: TypeAlias = Literal["present", "take back", "stop", "follow", "around", "hand over"]


class Choice(NamedTuple):
    """What is chosen, and to whom it is handed over."""

    what: What
    to: str = ""
    label: str = ""


def choices(part: Part) -> list[Choice]:
    """What is possible now, the likeliest first."""
    show = part.presentation
    if show is None:
        return [Choice("present", label="Present: the others may follow what I look at")]
    found = []
    if part.owning and not part.presenting:
        found.append(Choice("take back", label=f"Take it back from {show.presenter_name}"))
        if not show.paused:
            found.append(
                Choice("around", label="Look around") if part.following else Choice("follow", label="Follow again")
            )
    elif not part.presenting:
        found.append(Choice("present", label=f"Present in the place of {show.presenter_name}, whose line is lost"))
    if part.presenting and not part.owning:
        found.append(Choice("stop", label=f"Give it back to {show.owner_name}"))
    for person in sorted(part.others, key=lambda each: (not each.following, each.name)):
        if person.id not in (show.presenter, show.owner):
            about = ["viewer" if person.role == "viewer" else "", "" if person.following else "does not follow"]
            more = f" ({', '.join(filter(None, about))})" if any(about) else ""
            found.append(Choice("hand over", person.id, f"Hand over to {person.name}{more}"))
    if part.owning:
        found.append(Choice("stop", label="Stop presenting"))
    return found


class PresentMenu(Dialog[Choice | None]):
    """Up and down choose, Enter does it, Escape and F3 leave things as they are. The list is as it was when asked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f3", "dismiss(None)", "Leave", id="present.leave", tooltip="Leave things as they are")
    ]

    def __init__(self, part: Part) -> None:
        super().__init__()
        self._choices = choices(part)
        show = part.presentation
        self._about = "Nobody presents now."
        if show is not None:
            self._about = f"{'You present' if part.presenting else show.presenter_name + ' presents'}"
            self._about += f"; {show.following} of {len(part.told.people) - 1} follow."

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="present-menu") as dialog:
            dialog.border_title = "Follow me"
            dialog.border_subtitle = "Enter · Escape leaves it"
            yield Static(self._about, classes="dialog-text", markup=False)
            yield OptionList(*(Option(choice.label) for choice in self._choices), markup=False, compact=True)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index])
