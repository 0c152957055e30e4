"""argparse in our manner: one sentence instead of a usage dump, no abbreviated options, `-h` free to be a hostname."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn, TypeVar

from heliostui.commandline.failures import UsageError

T = TypeVar("T")

NO_VALUE = "\0"
_WHICH = "an id, the unique beginning of one, or a name"


class Parser(argparse.ArgumentParser):
    """Raises `UsageError` where argparse would print its usage and exit. An option's optional value (nargs="?") comes
    after `=` only: argparse would take the next word for it, so it is told of one that no command line can have."""

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """A verb's own verb complains itself of what it does not know, so that the right help is named."""
        bare = {name for action in self._actions if action.nargs == "?" for name in action.option_strings}
        if args is not None:
            args = [f"{word}={NO_VALUE}" if word in bare else word for word in args]
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see '{self.prog} --help')")


def verb_parser(name: str, usage: str, summary: str) -> Parser:
    """The empty parser of one verb; a verb that defines `-h` anew takes it from `--help`."""
    prog = f"heliostui {name}"
    return Parser(
        prog=prog,
        usage=f"{prog} {usage}",
        description=summary[0].upper() + summary[1:] + ".",
        allow_abbrev=False,
        conflict_handler="resolve",
    )


def checked(parse: Callable[[str], T]) -> Callable[[str], T]:
    """A `type=` for argparse that keeps the sentence of a ValueError."""

    def convert(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def pair(text: str) -> tuple[str, str]:
    """`name=value`. Raises ValueError."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ValueError(f"'{text}' can't be: write NAME=VALUE")
    return name, value


def add_format(parser: argparse.ArgumentParser) -> None:
    """`--format table|json`, of every verb that lists."""
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="a table for people (default) or one JSON document"
    )


def add_container(parser: argparse.ArgumentParser) -> None:
    """`container`."""
    parser.add_argument("container", metavar="CONTAINER", help=_WHICH)


def add_containers(parser: argparse.ArgumentParser) -> None:
    """`containers`, one or more."""
    parser.add_argument("containers", nargs="+", metavar="CONTAINER", help=_WHICH)


def add_words(parser: argparse.ArgumentParser, *, required: bool, first: str = "CONTAINER") -> None:
    """`words`: the first one that is no option and all that follow it, options of another program included. `first`:
    what the first one is."""
    words = parser.add_argument(
        "words", nargs=argparse.PARSER, default=[], metavar=first if required else None, help=argparse.SUPPRESS
    )
    words.required = required  # nargs=PARSER means "one or more", which argparse itself then insists on


def given_words(arguments: argparse.Namespace) -> list[str]:
    """The words without the `--` that may stand before them."""
    words: list[str] = [word.removesuffix(f"={NO_VALUE}") for word in arguments.words]
    return words[1:] if words[:1] == ["--"] else words
