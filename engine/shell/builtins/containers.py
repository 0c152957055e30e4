"""oci and tar: what the shell leaves to the command line of heliostui."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.shell.shell import Shell

_EXTRACTING = ("--extract", "--get", "--list")


def oci(shell: Shell, arguments: list[str]) -> int:
    return shell.call(["heliostui", *(arguments or ["--help"])])


def tar(shell: Shell, arguments: list[str]) -> int:
    """The safe one to unpack and to list, tar(1) for all else."""
    words = ["heliostui", "tar", *arguments] if _unpacks(arguments) else ["tar", *arguments]
    return shell.call(words, builtins=False)


def _unpacks(arguments: list[str]) -> bool:
    """Whether tar's mode, in the first word (`xf`, `-xf`) or a later option, is to extract or to list."""
    if not arguments:
        return False
    if not arguments[0].startswith("-"):
        return not set("xt").isdisjoint(arguments[0])
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    short = (word for word in options if word.startswith("-") and not word.startswith("--"))
    return any(word in _EXTRACTING for word in options) or any(_mode(word) in ("x", "t") for word in short)


def _mode(word: str) -> str:
    """The letter of a cluster that says what is done; what follows an f or C is its value."""
    for letter in word[1:]:
        if letter in "xtcruAd":
            return letter
        if letter in "fC":
            break
    return ""


COMMANDS = {"oci": oci, "tar": tar}
