"""Addresses that programs show are opened where that is meant, and never as something of our own."""

from __future__ import annotations

import pytest

from heliostui.browser import openable, opener


@pytest.mark.parametrize("url", ["https://example.org/x", "http://127.0.0.1:8080", "mailto:a@example.org"])
def test_the_page_of_a_browser_opens_addresses_of_the_web(url: str) -> None:
    assert openable(url)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "FILE:///etc", "javascript:alert(1)", "data:text/html,x", "x"])
def test_it_opens_nothing_that_would_be_ours_or_a_file(url: str) -> None:
    assert not openable(url)


def test_without_a_screen_nothing_is_opened() -> None:
    assert opener("https://example.org", {"PATH": "/usr/bin"}) is None
