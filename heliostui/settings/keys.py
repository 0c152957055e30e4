"""Keys as people write them, in Textual's spelling: `ctrl+]`, `?`, `F5`, `space`. Imports Textual's names of keys."""

from __future__ import annotations

from textual.keys import KEY_ALIASES, Keys, _character_to_key, format_key

_MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_OTHER_NAMES = {
    "esc": "escape",
    "return": "enter",
    "del": "delete",
    "ins": "insert",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "pgdown": "pagedown",
    "plus": "plus",
}
_NAMED = {key.value for key in Keys} | {name for names in KEY_ALIASES.values() for name in names} | {"space", "plus"}


def key(text: str) -> str:
    """One key in Textual's spelling. Raises ValueError with a sentence."""
    *modifiers, last = text.strip().split("+") if text.strip() not in ("+", "") else [text.strip()]
    if text.strip().endswith("++"):  # ctrl and the key of the plus
        modifiers, last = modifiers[:-1], "+"
    modifiers = [modifier.lower() for modifier in modifiers]
    unknown = next((modifier for modifier in modifiers if modifier not in _MODIFIERS), None)
    if unknown is not None:
        raise ValueError(f"'{text}' is no key: '{unknown}' is none of {', '.join(_MODIFIERS)}")
    if not last:
        raise ValueError(f"'{text}' is no key: write one as ctrl+t, F5, space, ?, or x")
    name = _character_to_key(last) if len(last) == 1 else _OTHER_NAMES.get(last.lower(), last.lower())
    if len(last) > 1 and name not in _NAMED and not _names_a_character(name):
        raise ValueError(f"'{text}' is no key: write one as ctrl+t, F5, space, ?, or x")
    return "+".join([*modifiers, name])


def keys(text: str) -> tuple[str, ...]:
    """Several, comma separated; a comma itself is written `comma`. None for an empty text. Raises ValueError."""
    return tuple(key(part) for part in text.split(",")) if text.strip() else ()


def _names_a_character(name: str) -> bool:
    """Whether it is what Textual calls a character that is no letter: `question_mark`."""
    return any(_character_to_key(chr(code)) == name for code in range(33, 127) if not chr(code).isalnum())


def spelled(key: str) -> str:
    """A key as people write it: `ctrl+]`, `/`, `delete`."""
    *modifiers, last = key.split("+")
    return "+".join([*modifiers, {"colon": ":"}.get(last, format_key(last))])
