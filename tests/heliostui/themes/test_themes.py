"""All of the console can be read in every theme."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.color import Color
from textual.theme import Theme

from heliostui.settings.values import OwnTheme
from heliostui.themes import CONTRAST, CONTRAST_LIGHT, DARK, LIGHT, other_shade, themes
from heliostui.themes.derived import READABLE, complete, contrast, readable

TEXT = ("foreground", "primary", "accent", "success", "warning", "error", "muted", *(f"chart-{n}" for n in range(8)))
ALL = themes({"mine": OwnTheme(dark=True, colors={"primary": "#202020", "surface": "#101010"})})


def colors(theme: Theme) -> dict[str, str]:
    return theme.to_color_system().generate() | theme.variables


@pytest.mark.parametrize("theme", ALL, ids=lambda theme: theme.name)
def test_every_theme_names_the_same_colours(theme: Theme) -> None:
    assert {"muted", "faint", "border-blurred", "chart-7"} <= theme.variables.keys()


@pytest.mark.parametrize("theme", [theme for theme in ALL if not theme.ansi], ids=lambda theme: theme.name)
def test_text_of_every_colour_stands_out_from_its_ground(theme: Theme) -> None:
    found = colors(theme)
    ground = Color.parse(found["surface"])
    assert {name: found[name] for name in TEXT if contrast(Color.parse(found[name]), ground) < READABLE - 0.1} == {}


@pytest.mark.parametrize("theme", [CONTRAST, CONTRAST_LIGHT], ids=lambda theme: theme.name)
def test_high_contrast_is_seven_to_one(theme: Theme) -> None:
    found = colors(theme)
    ground = Color.parse(found["surface"])
    assert {name: found[name] for name in TEXT if contrast(Color.parse(found[name]), ground) < 7} == {}


@pytest.mark.parametrize("theme", ALL, ids=lambda theme: theme.name)
def test_what_is_selected_can_be_read(theme: Theme) -> None:
    if not theme.ansi:
        found = colors(theme)
        text, ground = (Color.parse(found[f"block-cursor-{which}"]) for which in ("foreground", "background"))
        assert contrast(text, ground) >= READABLE - 0.1


@given(*(st.integers(0, 255) for _ in range(6)))
def test_any_colour_can_be_made_readable_on_any_ground(r: int, g: int, b: int, x: int, y: int, z: int) -> None:
    ground = Color(x, y, z)
    assert contrast(readable(Color(r, g, b), ground), ground) >= READABLE


def test_what_can_be_read_stays_as_it_is() -> None:
    assert readable(Color.parse("#ffffff"), Color.parse("#000000")) == Color.parse("#ffffff")


def test_what_the_users_theme_says_itself_stays() -> None:
    own = OwnTheme(dark=True, colors={"primary": "#ffaa00", "muted": "#999999"})
    found = next(theme for theme in themes({"mine": own}) if theme.name == "mine")
    assert found.variables["muted"] == "#999999"
    assert complete(found).primary == found.primary


def test_a_theme_has_a_counterpart_of_the_other_shade() -> None:
    assert other_shade(DARK) == LIGHT.name
    assert other_shade(LIGHT) == DARK.name
    assert other_shade(CONTRAST) == CONTRAST_LIGHT.name
    assert other_shade(CONTRAST_LIGHT) == CONTRAST.name
