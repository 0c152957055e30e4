"""The log of receipts on the whole screen: what was done with the engine, by whom, live.

Owns the streams of receipts, which end with the screen. Imports link, receipts and widgets.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from engine.protocol.receipts import Receipt
from heliostui.hosts.host import Host
from heliostui.link import Link
from heliostui.logs.saving import save_text
from heliostui.receipts.command_line import text, to_run
from heliostui.receipts.follow import ReceiptsArrived, ReceiptsLost, follow
from heliostui.receipts.rows import row
from heliostui.receipts.script import MODE, script
from heliostui.screens.receipt import ReceiptScreen
from widgets.key_line import KeyLine
from widgets.later import Later
from widgets.query import QueryError
from widgets.quick_screen import QuickScreen
from widgets.receipt_table import ReceiptTable
from widgets.search_line import SearchLine
from widgets.text import printable

NOTHING = "Nothing has been done with this engine yet. What you and others do, here or by a command line, stands here."
ASKED = "The engine is being asked."


class ReceiptsScreen(QuickScreen[None]):
    """The log. The last receipt of this console is selected at first; with the cursor on the last line it follows."""

    AUTO_FOCUS = "ReceiptTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,f2", "close", "Back", key_display="esc", id="receipts.close", tooltip="Back to the containers"
        ),
        Binding(
            "enter,right", "open", "Open", id="receipts.open", tooltip="The command line, and what the kernel was asked"
        ),
        Binding("y", "copy", "Copy", id="receipts.copy", tooltip="Copy the command line"),
        Binding("Y", "copy_all", "Copy all", id="receipts.copy-all", tooltip="Copy the command lines of all shown"),
        Binding("s", "save", "Save…", id="receipts.save", tooltip="Save all that are shown as a shell script"),
        Binding("o", "own", "Mine", id="receipts.own", tooltip="Only those of this console, or everybody's"),
        Binding("slash", "search", "Search", key_display="/", id="receipts.search", tooltip="Only those with a text"),
        Binding("f", "follow", "Follow", id="receipts.follow", tooltip="Go along with new ones, or stay where you are"),
        Binding("S", "sort", "Sort", show=False, id="receipts.sort", tooltip="Sort by the next column"),
        Binding("question_mark,f1", "help", "Help", key_display="?", id="receipts.help", tooltip="All keys"),
    ]

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self._receipts: dict[str, tuple[Host, Receipt, bool]] = {}  # by the row's key: and whether it is ours
        self._lost: dict[int, str] = {}  # by the host's number: why its receipts can't be had
        self._heard = False
        self._own_only = False
        self._chosen = False  # something was selected: what comes changes that no more
        self.follows = True
        self.table = ReceiptTable(id="receipts")

    def compose(self) -> ComposeResult:
        with Horizontal(id="receipts-top"):
            yield Static(" receipts ", id="receipts-title")
            yield Static(id="receipts-status", markup=False)
        yield Static(ASKED, id="receipts-none", markup=False)
        yield self.table
        yield SearchLine("words to look for", id="receipts-search")
        yield Static(id="receipts-line", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        self.table.hosts = len(self._link.hosts) > 1
        self.run_worker(Later(follow, self._link, self.post_message), group="receipts")

    # --- what comes ---

    @on(ReceiptsArrived)
    def _arrived(self, event: ReceiptsArrived) -> None:
        self._heard = True
        self._lost.pop(event.host.number, None)
        if event.restart:
            kept = self._receipts.items()
            self._receipts = {key: value for key, value in kept if value[0] is not event.host}
        for receipt in event.receipts:
            own = receipt.pid == event.you != 0
            self._receipts[f"{event.host.number}/{event.engine}/{receipt.number}"] = (event.host, receipt, own)
        self._show()
        for screen in self.app.screen_stack:
            if isinstance(screen, ReceiptScreen):
                screen.look_again(event)

    @on(ReceiptsLost)
    def _host_lost(self, event: ReceiptsLost) -> None:
        whose = f" of {event.host.name}" if self.table.hosts else ""
        reason = event.reason[:1].lower() + event.reason[1:]
        self._lost[event.host.number] = f"The receipts{whose} can't be had: {reason}"
        self._show()

    def _show(self) -> None:
        several = self.table.hosts
        shown = [
            row(receipt, key, own=own, host=host.name if several else "")
            for key, (host, receipt, own) in self._receipts.items()
            if own or not self._own_only
        ]
        shown.sort(key=lambda each: self._receipts[each.key][1].time)
        self._say(above=bool(shown))
        self.table.display = bool(shown)
        self.table.show(shown)
        if not self._chosen and shown:
            self._chosen = True
            mine = [each.key for each in shown if each.own]
            self.table.cursor = (mine or [each.key for each in shown])[-1]
            self.follows = self.table.cursor == shown[-1].key
        elif self.follows and self.table.rows:
            self.table.cursor = self.table.rows[-1].key
        if not self.focused and shown:
            self.table.focus()
        self._describe()

    def _say(self, *, above: bool) -> None:
        """Whose receipts can't be had, `above` those that there are; or why there is none."""
        words = "\n".join(map(printable, self._lost.values())) or (NOTHING if self._heard else ASKED)
        note = self.query_one("#receipts-none", Static)
        note.update(words)
        note.display = bool(self._lost) or not above
        note.set_class(above, "-above")

    def _describe(self) -> None:
        shown, total = len(self.table.rows), len(self._receipts)
        parts = [f"{shown} of {total}" if shown != total else f"{total}"]
        parts += ["mine"] if self._own_only else []
        parts += [f"/ {self.table.filter}"] if self.table.filter else []
        parts += ["takes too long"] if self.table.filter_is_slow else []
        parts += ["follows"] if self.follows else []
        self.query_one("#receipts-status", Static).update(" · ".join(parts))
        chosen = self._receipts.get(self.table.cursor or "")
        self.query_one("#receipts-line", Static).update(
            "" if chosen is None else f"$ {printable(text(chosen[1]))}\n{printable(chosen[1].error)}"
        )

    @on(ReceiptTable.Highlighted)
    def _highlighted(self) -> None:
        last = self.table.rows[-1].key if self.table.rows else None
        if self.table.cursor != last:
            self.follows = False
        self._describe()

    # --- keys ---

    @on(ReceiptTable.Chosen)
    def action_open(self) -> None:
        """The one under the cursor."""
        if (chosen := self._receipts.get(self.table.cursor or "")) is not None:
            self.app.push_screen(ReceiptScreen(chosen[0], chosen[1]))

    def action_copy(self) -> None:
        if (chosen := self._receipts.get(self.table.cursor or "")) is not None:
            self.app.copy_to_clipboard(to_run(chosen[1]))
            self.notify("The command line was copied.", timeout=2)

    def action_copy_all(self) -> None:
        lines = [to_run(self._receipts[each.key][1]) for each in self.table.rows]
        if lines:
            self.app.copy_to_clipboard("\n".join(lines) + "\n")
            self.notify(f"{len(lines)} command lines were copied.", timeout=2)

    @work(group="save", exclusive=True)
    async def action_save(self) -> None:
        receipts = [self._receipts[each.key][1] for each in self.table.rows]
        if not receipts:
            return
        now = datetime.now(UTC)
        proposal = f"~/heliostui-{now.astimezone():%Y%m%d-%H%M%S}.sh"
        try:
            said = await save_text(self.app, "Save as a shell script", proposal, script(receipts, now), MODE)
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            self.notify(f"The script can't be saved: {error.strerror}{where}.", severity="error", markup=False)
            return
        if said is not None:
            self.notify(said, markup=False)

    def action_own(self) -> None:
        self._own_only = not self._own_only
        self._show()

    def action_follow(self) -> None:
        self.follows = not self.follows
        if self.follows and self.table.rows:
            self.table.cursor = self.table.rows[-1].key
            self.follows = True
        self._describe()

    def action_sort(self) -> None:
        self.table.sort_next()

    def action_search(self) -> None:
        self.query_one("#receipts-search", SearchLine).open()

    @on(SearchLine.Changed, "#receipts-search")
    def _searched(self, event: SearchLine.Changed) -> None:
        try:
            self.table.filter = event.value
        except QueryError as error:
            self.query_one("#receipts-status", Static).update(str(error))
            return
        self._describe()

    @on(SearchLine.Submitted, "#receipts-search")
    @on(SearchLine.Ended, "#receipts-search")
    def _search_done(self) -> None:
        self.query_one("#receipts-search").display = False
        self.table.focus()

    def action_help(self) -> None:
        from heliostui.screens.help import Help

        self.app.push_screen(Help())

    def action_close(self) -> None:
        self.dismiss(None)
