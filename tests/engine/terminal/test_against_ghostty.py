"""The core beside Ghostty's, on recordings of real programs and on generated streams of what both agree to support.

Left out of the generated streams, because the two differ on purpose: characters wider or narrower by Unicode version,
the alternate buffer's contents after mode 47 (ours is cleared, as tmux does), and sequences that are broken.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.terminal import Color, Style, Terminal

from .streams import controls, plain, sgr

pyghostty = pytest.importorskip("pyghostty", reason="pyghostty is the reference for the terminal core")
RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.bin"))

wide = st.text(st.sampled_from("ab 日本é한─█x"), min_size=1, max_size=20)
lines = st.lists(plain | wide, min_size=1, max_size=8).map(lambda parts: "\r\n".join(parts) + "\r\n")
numbers = st.integers(1, 25)
moves = st.builds("\x1b[{};{}H".format, numbers, numbers)
csi = st.builds("\x1b[{}{}".format, numbers, st.sampled_from("@ABCDEFGILMPSTXZ`ade"))
drawings = st.text("abjklmnqtuvwx~", min_size=1, max_size=30).map("\x1b(0{}\x1b(B".format)
repeats = st.builds("x\x1b[{}b".format, numbers)
erasures = st.sampled_from(["\x1b[J", "\x1b[1J", "\x1b[2J", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[g", "\x1b[3g"])
agreed_modes = st.sampled_from(
    ["\x1b[?6h", "\x1b[?6l", "\x1b[?7h", "\x1b[?7l", "\x1b[?1049h", "\x1b[?1049l", "\x1b[4h", "\x1b[4l"]
)
agreed_escapes = st.sampled_from([f"\x1b{final}" for final in ["7", "8", "M", "D", "E", "H"]])
margins = st.builds(lambda top, bottom: f"\x1b[{top};{bottom}r", numbers, numbers)
narrow_pieces = [
    *(plain, controls, sgr, sgr, moves, csi, csi, erasures, repeats, drawings, margins),
    *(agreed_modes, agreed_escapes),
]
narrow = st.lists(st.one_of(narrow_pieces), max_size=30).map(lambda parts: "".join(parts).encode())
mixed = st.lists(st.one_of(*narrow_pieces, wide, lines), max_size=30).map(lambda parts: "".join(parts).encode())


def erased_color(ghostty: pyghostty.Terminal, x: int, y: int) -> Color | None:
    """The background of a cell that was erased: Ghostty keeps it in the cell instead of in a style."""
    ffi, lib = pyghostty.ffi, pyghostty.lib
    cell, tag = ffi.new("GhosttyCell*"), ffi.new("GhosttyCellContentTag*")
    lib.ghostty_grid_ref_cell(ghostty.ref(x, y), cell)
    lib.ghostty_cell_get(cell[0], lib.GHOSTTY_CELL_DATA_CONTENT_TAG, tag)
    if tag[0] == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_PALETTE:
        index = ffi.new("GhosttyColorPaletteIndex*")
        lib.ghostty_cell_get(cell[0], lib.GHOSTTY_CELL_DATA_COLOR_PALETTE, index)
        return int(index[0])
    if tag[0] == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_RGB:
        rgb = ffi.new("GhosttyColorRgb*")
        lib.ghostty_cell_get(cell[0], lib.GHOSTTY_CELL_DATA_COLOR_RGB, rgb)
        return rgb.r, rgb.g, rgb.b
    return None


def reference_style(ghostty: pyghostty.Terminal, x: int, y: int) -> Style:
    found = ghostty.style(x, y)

    def color(value: tuple[str, Color] | None) -> Color | None:
        return value[1] if value else None

    background = erased_color(ghostty, x, y)
    if background is not None:
        return Style(background=background)
    return Style(
        foreground=color(found["fg"]),
        background=color(found["bg"]),
        bold=found["bold"],
        dim=found["faint"],
        italic=found["italic"],
        underline=found["underline"],
        blink=found["blink"],
        reverse=found["inverse"],
        hidden=found["invisible"],
        strike=found["strikethrough"],
        overline=found["overline"],
        underline_color=color(found["underline_color"]),
    )


def reference_text(ghostty: pyghostty.Terminal, height: int) -> list[str]:
    found = [line.rstrip() for line in ghostty.text().split("\n")]
    return found + [""] * (height - len(found))


def text(terminal: Terminal) -> list[str]:
    return [terminal.row(y).text.rstrip() for y in range(terminal.lines)]


def styles(terminal: Terminal, y: int) -> list[Style]:
    line = terminal.row(y).line[1].ljust(terminal.columns, "\0")
    return [terminal._screen.styles.styles[ord(style)] for style in line]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_program_looks_the_same_at_every_moment(path: Path) -> None:
    data = path.read_bytes()
    ours, ghostty = Terminal(80, 24), pyghostty.Terminal(80, 24)
    for start in range(0, len(data), 100):
        piece = data[start : start + 100]
        ours.feed(piece)
        ghostty.feed(piece)
        assert text(ours) == reference_text(ghostty, 24), f"after {start + len(piece)} bytes"
        assert ours.cursor == ghostty.cursor
        if start % 1000 == 0:
            for y in range(24):
                assert styles(ours, y) == [reference_style(ghostty, x, y) for x in range(80)]


def both(data: bytes) -> tuple[Terminal, pyghostty.Terminal]:
    ours, ghostty = Terminal(20, 6), pyghostty.Terminal(20, 6)
    ours.feed(data)
    ghostty.feed(data)
    return ours, ghostty


@given(mixed)
def test_a_generated_stream_leaves_the_same_text_and_cursor(data: bytes) -> None:
    ours, ghostty = both(data)
    assert text(ours) == reference_text(ghostty, 6)
    assert ours.cursor == ghostty.cursor


@given(narrow)
def test_a_generated_stream_leaves_the_same_styles(data: bytes) -> None:
    """Without wide characters: of one half overwritten, ours keeps the other's style and Ghostty does not."""
    ours, ghostty = both(data)
    for y in range(6):
        assert styles(ours, y) == [reference_style(ghostty, x, y) for x in range(20)]
