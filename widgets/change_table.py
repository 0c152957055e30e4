"""Files that differ from an image as a tree or a list: what happened to each, its mode and its size.

Takes `ChangedFile`s of plain values; knows no engine. Imports table and branches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.reactive import reactive

from widgets.branches import tree
from widgets.query import Facts
from widgets.table import Cell, Column, Table
from widgets.text import binary

WORDS = {"A": "added", "C": "changed", "D": "deleted", "": ""}
STYLES = {"A": "change--added", "C": "change--changed", "D": "change--deleted", "": "table--muted"}


@dataclass(frozen=True)
class ChangedFile:
    """One path. `kind`: A, C, D, or empty for a directory that is only on the way; `size`: bytes, of a directory of all
    below it; `before`: what it was; `mode`: as `ls -l` shows it; `placed`: it stands in a tree."""

    path: str
    kind: str
    mode: str
    size: int
    before: int | None = None
    directory: bool = False
    target: str = ""
    placed: bool = False
    branch: str = ""
    below: int = 0
    folded: bool = False

    @property
    def key(self) -> str:
        return self.path


class ChangeTable(Table[ChangedFile]):
    """The files; as a tree directories can be folded."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*STYLES.values(), "change--directory"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "branch", "Fold", id="changes.fold", tooltip="Hide or show what is in the directory"),
        Binding("t", "tree", "Tree or list", id="changes.tree", tooltip="As a tree, or whole paths one by one"),
        Binding("o", "sort", "Sort", id="changes.sort", tooltip="Sort by the next column; then by path again"),
        Binding("O", "reverse", "Reverse", id="changes.reverse", show=False, tooltip="Turn the order round"),
    ]
    COLUMNS: ClassVar[tuple[Column[ChangedFile], ...]] = (
        Column("kind", "", 7, lambda row: row.kind or "E"),
        Column("mode", "MODE", 10, lambda row: row.mode, rank=2),
        Column("size", "SIZE", 9, lambda row: -row.size, right=True),
        Column("before", "WAS", 9, lambda row: -(row.before or 0), rank=1, right=True),
        Column("path", "PATH", 20, lambda row: row.path, weight=1),
    )

    as_tree: reactive[bool] = reactive(True, repaint=False)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._files: list[ChangedFile] = []
        self._shut: set[str] = set()

    def show_files(self, files: Sequence[ChangedFile]) -> None:
        """Show these, which are given by path."""
        self._files = list(files)
        self._show_rows()

    def _show_rows(self) -> None:
        if self.as_tree and not self.sort_column and not self.filter:
            self.show(self._placed())
        else:
            self.show(self._files)

    def _placed(self) -> Iterator[ChangedFile]:
        for file, place in tree(with_directories(self._files), lambda file: file.path, parent, self._shut):
            folded = file.path in self._shut
            yield replace(file, branch=place.branch, placed=True, below=place.below, folded=folded)

    def watch_as_tree(self) -> None:
        self._show_rows()

    def watch_sort_column(self) -> None:
        self._show_rows()
        super().watch_sort_column()

    def watch_filter(self) -> None:
        super().watch_filter()
        self._show_rows()

    def facts(self, row: ChangedFile) -> Facts:
        return {"": [f"{WORDS[row.kind]} {row.path}"]}

    def cell(self, row: ChangedFile, column: str) -> Cell:
        match column:
            case "kind":
                return Cell(WORDS[row.kind], STYLES[row.kind])
            case "mode":
                return Cell(row.mode, "table--muted")
            case "size":
                return Cell(
                    binary(row.size) if row.size or not row.directory else "", "" if row.kind else "table--muted"
                )
            case "before":
                return Cell("" if row.before is None or row.directory else binary(row.before), "table--muted")
        name = row.path
        if row.placed:
            name = f"{row.branch}{' ' if row.branch else ''}{row.path.rpartition('/')[2]}"
        name += "/" if row.directory else f" → {row.target}" if row.target else ""
        name += f" (+{row.below})" if row.folded and row.below else ""
        return Cell(name, "change--directory" if row.directory else STYLES[row.kind] if row.kind == "D" else "")

    def action_branch(self) -> None:
        row = self.selected
        if row is not None and row.placed and row.directory:
            self._shut ^= {row.path}
            self._show_rows()

    def action_tree(self) -> None:
        self.as_tree = not self.as_tree

    def action_sort(self) -> None:
        self.sort_next()

    def action_reverse(self) -> None:
        if self.sort_column:
            self.sort_by(self.sort_column)


def parent(file: ChangedFile) -> str:
    """The path of the directory that it is in."""
    return file.path.rpartition("/")[0]


def with_directories(files: Sequence[ChangedFile]) -> list[ChangedFile]:
    """The files and the directories on the way to them, by path; of a directory the size of all that is below it."""
    found = {file.path: file for file in files}
    sizes: dict[str, int] = {}
    for file in files:
        above = parent(file)
        while above:
            if above not in found:
                found[above] = ChangedFile(above, "", "", 0, directory=True)
            if file.kind != "D":
                sizes[above] = sizes.get(above, 0) + file.size
            above = above.rpartition("/")[0]
    whole = (replace(file, size=sizes.get(file.path, 0)) if file.directory else file for file in found.values())
    return sorted(whole, key=lambda file: file.path.split("/"))
