"""The core beside Ghostty's, on recordings of real programs and on generated streams of what both agree to support.

Left out of the generated streams, because the two differ, are:

- characters that are wider or narrower by the version of Unicode;
- the alternate buffer's contents after mode 47: ours is cleared, as tmux does; and sequences that are broken;
- a left margin, at which CUB and BS stop with us, as with xterm; CBT and RI, which end a pending wrap with us;
- characters beyond Latin-1 while another character set is shifted in: Ghostty shows nothing;
- what Ghostty's core does not have: DECBI, DECFI, DECIC, DECDC, rectangles, supplemental characters;
- reflow with a pending wrap: our wrap stays pending, Ghostty's cursor goes to the next line; with a cursor beyond its
  line's text: ours stays on that line, Ghostty's wraps with the blanks; with a cursor above a full screen's last line:
  in a smaller screen ours stays with its text, Ghostty's does not; in a larger one ours takes lines back.
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
csi = st.builds("\x1b[{}{}".format, numbers, st.sampled_from("@ABCDEFGILMPSTX`ade"))
drawings = st.text("abjklmnqtuvwx~", min_size=1, max_size=30).map("\x1b(0{}\x1b(B".format)
repeats = st.builds("x\x1b[{}b".format, numbers)
erasures = st.sampled_from(["\x1b[J", "\x1b[1J", "\x1b[2J", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[g", "\x1b[3g"])
agreed_modes = st.sampled_from(
    [
        *("\x1b[?6h", "\x1b[?6l", "\x1b[?7h", "\x1b[?7l", "\x1b[?1049h", "\x1b[?1049l", "\x1b[4h", "\x1b[4l"),
        *("\x1b[20h", "\x1b[20l", "\x1b[?45h", "\x1b[?45l"),
    ]
)
agreed_escapes = st.sampled_from([f"\x1b{final}" for final in ["7", "8", "D", "E", "H"]] + ["\r\x1bM"])
margins = st.builds(lambda top, bottom: f"\x1b[{top};{bottom}r", numbers, numbers)
side_margins = st.builds("\x1b[?69h\x1b[1;{}s".format, numbers) | st.just("\x1b[?69l")
shifts = st.sampled_from(
    ["\x1b*0\x1bNqq", "\x1b+0\x1bOqq", "\x1b+0\x1boqx\x0f", "\x1b)0\x0eqx\x0f", "\x1b*0\x1bnq\x0f"]
)
narrow_pieces = [
    *(plain, controls, sgr, sgr, moves, csi, csi, erasures, repeats, drawings, margins, side_margins, shifts),
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
    assert text(ours) == reference_text(ghostty, 6)
    for y in range(6):
        assert styles(ours, y) == [reference_style(ghostty, x, y) for x in range(20)]


def history(ghostty: pyghostty.Terminal) -> list[str]:
    """Scrollback and screen, wrapped lines joined, without blanks at the ends."""
    return [line.rstrip() for line in ghostty.contents().strip("\n ").split("\n")]


@given(st.lists(st.text("abc 日本한xyz", max_size=50), max_size=10), st.lists(st.integers(2, 40), max_size=4))
def test_resizes_leave_the_same_screen_scrollback_and_cursor(texts: list[str], widths: list[int]) -> None:
    ours, ghostty = both("".join(f"{text.rstrip()}\r\n" for text in texts).encode() + b"$")
    for width in widths:
        ours.resize(width, 6)
        ghostty.resize(width, 6)
        assert text(ours) == reference_text(ghostty, 6)
        assert ours.cursor == ghostty.cursor
    joined = ours.text_between((-ours.scrollback, 0), (5, ours.columns - 1))
    assert joined.strip("\n ").split("\n") == history(ghostty)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_program_looks_the_same_after_a_resize(path: Path) -> None:
    """On the main screen of a program that has ended, whose cursor is behind its text."""
    ours, ghostty = Terminal(80, 24), pyghostty.Terminal(80, 24)
    for each in (ours, ghostty):
        each.feed(path.read_bytes() + b"\x1b[?1049l\x1b[r\x1b[24;1H\r\nend")
        each.resize(61, 20)
    assert text(ours) == reference_text(ghostty, 20)
    assert ours.cursor == ghostty.cursor
