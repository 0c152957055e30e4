"""Two themes of our own, one dark and one light: calm grounds, colours that keep a contrast of 4.5:1 for text on them.

`chart-0` to `chart-7` are the colours of groups in charts. Imports Textual only.
"""

from __future__ import annotations

from textual.theme import Theme

_DARK_CHART = ("#7fb0e6", "#e3b15f", "#85c88a", "#d491c4", "#70c7c4", "#e58b76", "#b3a1ee", "#b9bf68")
_LIGHT_CHART = ("#2463a3", "#94610a", "#2a7440", "#96418a", "#13706f", "#ac4228", "#6148b4", "#686a08")


def _chart(colors: tuple[str, ...]) -> dict[str, str]:
    return {f"chart-{number}": color for number, color in enumerate(colors)}


DARK = Theme(
    name="helios-dark",
    dark=True,
    background="#12151a",
    surface="#171b21",
    panel="#20262e",
    foreground="#d3d9e2",
    primary="#7fb0e6",
    secondary="#9aa8bd",
    accent="#e3b15f",
    success="#85c88a",
    warning="#e3b15f",
    error="#e87e7e",
    variables={
        "muted": "#8b96a6",
        "faint": "#4a5361",
        "border-blurred": "#2f3742",
        "block-cursor-background": "#2a4565",
        "block-cursor-foreground": "#f2f5f9",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#232a34",
        "input-selection-background": "#7fb0e6 30%",
        "footer-background": "#171b21",
        "footer-item-background": "#171b21",
        "footer-key-foreground": "#e3b15f",
        "footer-key-background": "#171b21",
        "footer-description-foreground": "#aeb8c6",
        "footer-description-background": "#171b21",
        "scrollbar": "#39424f",
        "scrollbar-hover": "#4c5868",
        "scrollbar-active": "#7fb0e6",
        "scrollbar-background": "#171b21",
        "scrollbar-background-hover": "#171b21",
        "scrollbar-background-active": "#171b21",
        "scrollbar-corner-color": "#171b21",
        **_chart(_DARK_CHART),
    },
)

LIGHT = Theme(
    name="helios-light",
    dark=False,
    background="#f4f2ec",
    surface="#fcfbf8",
    panel="#e9e6de",
    foreground="#252a31",
    primary="#2463a3",
    secondary="#566275",
    accent="#94610a",
    success="#2a7440",
    warning="#94610a",
    error="#b3303a",
    variables={
        "muted": "#656d78",
        "faint": "#b4b2aa",
        "border-blurred": "#d5d1c6",
        "block-cursor-background": "#cfe0f2",
        "block-cursor-foreground": "#12161b",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e9e6de",
        "input-selection-background": "#2463a3 25%",
        "footer-background": "#e9e6de",
        "footer-item-background": "#e9e6de",
        "footer-key-foreground": "#2463a3",
        "footer-key-background": "#e9e6de",
        "footer-description-foreground": "#474e58",
        "footer-description-background": "#e9e6de",
        "scrollbar": "#c6c2b7",
        "scrollbar-hover": "#aeaaa0",
        "scrollbar-active": "#2463a3",
        "scrollbar-background": "#fcfbf8",
        "scrollbar-background-hover": "#fcfbf8",
        "scrollbar-background-active": "#fcfbf8",
        "scrollbar-corner-color": "#fcfbf8",
        **_chart(_LIGHT_CHART),
    },
)
