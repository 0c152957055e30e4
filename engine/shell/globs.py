"""Pathname expansion (POSIX XCU 2.6.6), with bash's `**`. Imports os and re.

Names that are not UTF-8 come and go as surrogate escapes. The order is that of the C locale: by bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from engine.shell.patterns import compile, is_magic, unescape

_SLASHES: Final = re.compile(r"\\?(/+)")


def is_glob(pattern: str) -> bool:
    """Whether there is anything to look for: a `[` needs its `]` before the next slash."""
    return any(map(is_magic, pattern.split("/")))


def expand(pattern: str, options: Collection[str] = ("globstar",)) -> list[str]:
    """The paths that match, sorted; none when nothing does. What can't be read is as if it were empty.

    `options`: `globstar` (`**` goes through directories, not through symbolic links), `dotglob` (a leading dot is
    nothing special).
    """
    pieces = [*_SLASHES.split(pattern), ""]  # component, slashes, component, …
    steps = list(zip(pieces[::2], pieces[1::2], strict=True))
    if len(steps) > 1 and steps[-1] == ("", ""):
        steps.pop()
    dotglob = "dotglob" in options
    paths: Iterable[str] = [""]
    for index, (component, slashes) in enumerate(steps):
        if component == "**" and "globstar" in options:
            paths = _through(paths, slashes, dotglob)
        elif is_magic(component):
            paths = _matching(paths, component, slashes, dotglob)
        else:
            paths = [path + unescape(component) + slashes for path in paths]
            if index == len(steps) - 1:
                paths = filter(os.path.lexists, paths)
        paths = dict.fromkeys(paths)  # two `**` find some more than once
    return sorted(filter(None, paths), key=os.fsencode)


def _matching(paths: Iterable[str], component: str, slashes: str, dotglob: bool) -> Iterator[str]:
    """What is in `paths` and matches; with slashes behind it, directories only."""
    pattern = compile(component)
    hidden = dotglob or component.startswith((".", "\\."))
    for path in paths:
        for entry in _entries(path, hidden):
            if pattern.matches(entry.name) and (not slashes or _is_directory(entry, follow=True)):
                yield path + entry.name + slashes[:1]


def _through(paths: Iterable[str], slashes: str, dotglob: bool) -> Iterator[str]:
    """`paths` themselves and all that is below them; with slashes behind it, directories only."""
    for start in paths:
        if not start or os.path.isdir(start):
            yield start
        below = [start]
        while below:
            path = below.pop()
            for entry in _entries(path, dotglob):
                directory = _is_directory(entry, follow=False)
                if directory:
                    below.append(f"{path}{entry.name}/")
                if directory or not slashes:
                    yield path + entry.name + slashes[:1]


def _entries(path: str, hidden: bool) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path or ".") as entries:
            return [entry for entry in entries if hidden or not entry.name.startswith(".")]
    except (OSError, ValueError):  # ValueError: a NUL in a name
        return []


def _is_directory(entry: os.DirEntry[str], *, follow: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow)
    except OSError:
        return False
