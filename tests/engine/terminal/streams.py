"""Streams for property tests: random mixtures of what programs write, and how to compare two terminals."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.terminal import Style, Terminal
from engine.terminal.screen import Saved, Screen

numbers = st.integers(0, 30)
plain = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40)
broad = st.text(st.sampled_from("ab 日本é\u0301\u0308🎉한─█x\u200d\ufe0f"), min_size=1, max_size=20)
lines = st.lists(plain | broad, min_size=1, max_size=8).map(lambda parts: "\r\n".join(parts) + "\r\n")
controls = st.sampled_from(["\r\n", "\n", "\r", "\b", "\t", "\v", "\x0e", "\x0f", "\r\n\r\n", "\a"])
attributes = [
    *(str(code) for code in [0, 1, 2, 3, 4, 5, 7, 8, 9, 21, 22, 23, 24, 25, 27, 28, 29, 31, 39, 42, 49, 53, 93, 104]),
    *("4:3", "38;5;200", "48;5;9", "38;2;1;2;3", "38:2::9:8:7", "48:5:77", "58;5;3", "58:2::3:4:5", "59", "55"),
]
sgr = st.lists(st.sampled_from(attributes), max_size=4).map(lambda codes: f"\x1b[{';'.join(codes)}m")
csi = st.builds(
    lambda first, second, final: f"\x1b[{first};{second}{final}" if second else f"\x1b[{first}{final}",
    numbers,
    numbers,
    st.sampled_from("@ABCDEFGHIJKLMPSXZ`abdefrT"),
)
modes = st.builds(
    lambda mode, on: f"\x1b[?{mode}{on}",
    st.sampled_from(
        [1, 5, 6, 7, 9, 12, 25, 45, 66, 69, 1000, 1002, 1004, 1005, 1006, 1045, 47, 1047, 1048, 1049, 2004]
    ),
    st.sampled_from("hlhlsr"),
)
side_margins = st.builds("\x1b[?69h\x1b[{};{}s".format, numbers, numbers)
rectangles = st.builds("\x1b[{};{};{};{}$z".format, numbers, numbers, numbers, numbers) | st.builds(
    "\x1b[{};{};{};{};1;{};{};1$v".format, numbers, numbers, numbers, numbers, numbers, numbers
)
fills = st.builds("\x1b[{};{};{};{};{}$x".format, st.sampled_from([33, 128, 233]), numbers, numbers, numbers, numbers)
columns = st.builds("\x1b[{}'{}".format, numbers, st.sampled_from("}~"))
escapes = st.sampled_from([f"\x1b{final}" for final in "7 8 M D E H = > c #8 (0 (B )0 )B *0 +A (< N O n o 6 9".split()])
marginal = st.sampled_from(
    [f"\x1b[{final}" for final in "r 3;5r 2;20r 4h 4l 20h 20l 3g g 3J s u !p".split()] + ["\x1b[2 q"]
)
strings = st.sampled_from(
    [
        *("\x1b]0;a title\x07", "\x1b]2;other\x1b\\", "\x1b[22;0t", "\x1b[23t", "\x1bP1$r\x1b\\", "\x1b_x\x1b\\"),
        *("\x1b]8;;http://x\x1b\\", "\x1b]8;id=1;file:///y\x07", "\x1b]8;;\x1b\\", "\x1b]7;file://box/a%20b\x07"),
        *("\x1b]133;A\x07", "\x1b]133;C\x07", "\x1b]133;D;7\x07", "\x1b]52;c;aGk=\x07"),
    ]
)
drawing = st.one_of(csi, csi, escapes, marginal, side_margins, rectangles, fills, columns)
pieces = st.one_of(plain, broad, lines, controls, sgr, sgr, drawing, modes, strings)
streams = st.lists(pieces, max_size=40).map(lambda parts: "".join(parts).encode())

broken = st.one_of(
    pieces.map(str.encode),
    st.binary(max_size=20),
    st.text(st.sampled_from("\x1b[]P0;1m?\x07\x18\x1a\n\x7f\x9bé(A \\"), max_size=20).map(str.encode),
)
broken_streams = st.lists(broken, max_size=20).map(b"".join)


def cells(terminal: Terminal, y: int) -> list[tuple[str, Style]]:
    """A row as one entry per character, without default blanks at its end."""
    found = [(character, style) for text, style in terminal.row(y).spans() for character in text]
    while found and found[-1] == (" ", Style()):
        found.pop()
    return found


def shown(terminal: Terminal, scrollback: bool = True) -> dict[str, object]:
    """All that can be seen of a terminal, to compare two of them."""
    first, screen = -terminal.scrollback if scrollback else 0, terminal._screen
    return {
        "rows": [cells(terminal, y) for y in range(first, terminal.lines)],
        "marks": [(row.wrapped, row.prompt, row.output) for row in map(terminal.row, range(first, terminal.lines))],
        "cursor": terminal.cursor,
        "visible": terminal.cursor_visible,
        "alternate": terminal.alternate,
        "said": (terminal.title, terminal.directory, terminal.exit_status, terminal.cursor_style),
        "modes": terminal.modes,
        "state": (screen.x, screen.y, screen.pending, screen.insert, screen.newline, screen.autowrap, screen.origin),
        "margins": (screen.top, screen.bottom, screen.left, screen.right, screen.side_margins, screen.tabs),
        "charsets": screen.charsets,
        "pen": screen.styles.styles[screen.style],
        "saved": [_saved(screen, saved) for saved in (screen.saved, screen.saved_behind)],
        "behind": [(screen.clusters.text(line[0]).rstrip(), line[2]) for line in screen.behind],
        "kept": (terminal._commands.titles, terminal._modes.saved),
    }


def _saved(screen: Screen, saved: Saved) -> tuple[object, ...]:
    return (*saved._replace(style=0), screen.styles.styles[saved.style])
