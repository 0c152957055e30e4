"""How bash quotes what its builtins list, so that it can be typed in again."""

from __future__ import annotations

from engine.shell.quoting import quote


def single(text: str) -> str:
    """`'it'\\''s'`, as alias and trap list it."""
    return "\\'" if text == "'" else "'" + text.replace("'", "'\\''") + "'"


def double(text: str) -> str:
    """`"a \\$b"`, as export -p and readonly -p list it."""
    if not text.isprintable():
        return quote(text)
    return '"' + "".join("\\" + c if c in '"$\\`' else c for c in text) + '"'


def value(text: str) -> str:
    """As set lists a value: bare where that is possible."""
    if not text.isprintable():
        return quote(text)
    return text if not text or quote(text) == text else single(text)
