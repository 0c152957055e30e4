"""Streams for property tests: random mixtures of what programs write, and how to compare two terminals."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.terminal import Style, Terminal

numbers = st.integers(0, 30)
plain = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40)
broad = st.text(st.sampled_from("ab 日本é\u0301\u0308🎉한─█x\u200d\ufe0f"), min_size=1, max_size=20)
lines = st.lists(plain | broad, min_size=1, max_size=8).map(lambda parts: "\r\n".join(parts) + "\r\n")
controls = st.sampled_from(["\r\n", "\n", "\r", "\b", "\t", "\v", "\x0e", "\x0f", "\r\n\r\n"])
attributes = [
    *(str(code) for code in [0, 1, 2, 3, 4, 5, 7, 8, 9, 21, 22, 23, 24, 25, 27, 28, 29, 31, 39, 42, 49, 53, 93, 104]),
    *("4:3", "38;5;200", "48;5;9", "38;2;1;2;3", "38:2::9:8:7", "48:5:77", "58;5;3"),
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
    st.sampled_from([1, 6, 7, 25, 66, 1000, 1002, 1003, 1004, 1006, 47, 1047, 1048, 1049, 2004]),
    st.sampled_from("hl"),
)
escapes = st.sampled_from([f"\x1b{final}" for final in "7 8 M D E H = > c #8 (0 (B )0 )B".split()])
marginal = st.sampled_from([f"\x1b[{final}" for final in "r 3;5r 2;20r 4h 4l 3g g 3J s u !p".split()] + ["\x1b[2 q"])
strings = st.sampled_from(
    ["\x1b]0;a title\x07", "\x1b]2;other\x1b\\", "\x1b]8;;http://x\x1b\\", "\x1bP1$r\x1b\\", "\x1b_x\x1b\\"]
)
pieces = st.one_of(plain, broad, lines, controls, sgr, sgr, csi, csi, modes, escapes, marginal, strings)
streams = st.lists(pieces, max_size=40).map(lambda parts: "".join(parts).encode())

broken = st.one_of(
    pieces.map(str.encode),
    st.binary(max_size=20),
    st.text(st.sampled_from("\x1b[]P0;1m?\x07\x18\x1a\n\x7f\x9bé(A \\"), max_size=20).map(str.encode),
)
broken_streams = st.lists(broken, max_size=20).map(b"".join)


def cells(terminal: Terminal, y: int) -> list[tuple[str, Style]]:
    """A row as one entry per character, padded to the full width with default blanks."""
    found = [(character, style) for text, style in terminal.row(y).spans() for character in text]
    while found and found[-1] == (" ", Style()):
        found.pop()
    return found


def shown(terminal: Terminal, scrollback: bool = True) -> dict[str, object]:
    """All that can be seen of a terminal, to compare two of them."""
    first = -terminal.scrollback if scrollback else 0
    return {
        "rows": [cells(terminal, y) for y in range(first, terminal.lines)],
        "cursor": terminal.cursor,
        "visible": terminal.cursor_visible,
        "alternate": terminal.alternate,
        "title": terminal.title,
        "modes": (
            terminal.application_cursor_keys,
            terminal.application_keypad,
            terminal.bracketed_paste,
            terminal.focus_reports,
            terminal.mouse,
            terminal.mouse_sgr,
        ),
    }
