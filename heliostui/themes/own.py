"""Themes of our own: a dark and a light one, calm grounds and text of 4.5:1 on them; and two of high contrast.

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


def _contrast(name: str, *, dark: bool, ground: str, panel: str, text: str, colors: tuple[str, ...]) -> Theme:
    """Nothing but what stands out: text at 7:1 and more (WCAG 2.2, 1.4.6), grounds without shades."""
    primary, accent, success, error, muted, border = colors
    return Theme(
        name=name,
        dark=dark,
        background=ground,
        surface=ground,
        panel=panel,
        foreground=text,
        primary=primary,
        secondary=text,
        accent=accent,
        success=success,
        warning=accent,
        error=error,
        variables={
            "muted": muted,
            "faint": border,
            "border-blurred": border,
            "block-cursor-background": accent,
            "block-cursor-foreground": ground,
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-background": panel,
            "footer-background": panel,
            "footer-item-background": panel,
            "footer-key-foreground": accent,
            "footer-key-background": panel,
            "footer-description-foreground": text,
            "footer-description-background": panel,
            "scrollbar": muted,
            "scrollbar-background": ground,
            **_chart(_DARK_STRONG if dark else _LIGHT_STRONG),
        },
    )


_DARK_STRONG = ("#6cc0ff", "#ffd400", "#4dff6a", "#ff8cf0", "#4dfff0", "#ff9b73", "#c8b4ff", "#e6ff4d")
_LIGHT_STRONG = ("#003f8a", "#5c3a00", "#00501a", "#6e0062", "#00504f", "#7a1f00", "#3a1a94", "#3f4000")

CONTRAST = _contrast(
    "helios-contrast",
    dark=True,
    ground="#000000",
    panel="#1c1c1c",
    text="#ffffff",
    colors=("#6cc0ff", "#ffd400", "#4dff6a", "#ff8f8f", "#d6d6d6", "#8c8c8c"),
)
CONTRAST_LIGHT = _contrast(
    "helios-contrast-light",
    dark=False,
    ground="#ffffff",
    panel="#e8e8e8",
    text="#000000",
    colors=("#003f8a", "#5c3a00", "#00501a", "#8a0010", "#3a3a3a", "#707070"),
)
