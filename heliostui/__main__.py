"""`heliostui`: opens the console, or runs one verb of the command line.

Only the module of the verb that was asked for is imported; neither Textual nor asyncio nor pyroute2 is on that path.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from heliostui.commandline.globals import Globals, WrongOption, hold, hosts_of_console, parse, remember
from heliostui.commands import VERBS, Verb, overview

if TYPE_CHECKING:
    from engine.places import Places

USAGE = 2
INTERRUPTED = 128 + 2  # SIGINT
BROKEN_PIPE = 128 + 13  # SIGPIPE: what a shell reports of any other program whose reader went away


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    words = sys.argv[1:] if argv is None else argv
    _open_what_was_closed()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        status = _dispatch(words)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        _complain(f"{error.filename or 'what is said can not be written'}: {error.strerror or error}")
        _silence_stdout()
        return 1
    return status


def _dispatch(words: list[str]) -> int:
    if not words:
        return _console(Globals())
    try:
        said, words = parse(words)
        if not words:
            return _console(said)
        hold(said)
    except WrongOption as error:
        _complain(str(error))
        return USAGE
    name, *rest = words
    if name in ("-h", "--help", "help") and rest in ([], ["help"]):
        print(overview())
        return 0
    if name == "help":
        name, rest = rest[0], ["--help"]
    if name in ("-v", "--version"):
        name = "version"
    if name not in VERBS:
        _complain(_no_such_verb(name))
        return USAGE
    return _verb(name, VERBS[name], rest)


def _verb(name: str, verb: Verb, words: list[str]) -> int:
    from engine.client.errors import ClientError, RequestFailed
    from heliostui.commandline.failures import Failure, UsageError, exit_status
    from heliostui.commandline.parser import verb_parser

    module = import_module(f"heliostui.commands.{name}")
    parser = verb_parser(name, verb.usage, verb.summary)
    module.configure(parser)
    if hasattr(module, "spelled_out"):
        words = module.spelled_out(words)
    try:
        status: int = module.run(parser.parse_args(words))
    except UsageError as error:
        _complain(str(error))
        return USAGE
    except RequestFailed as error:
        _complain(error.message)
        return exit_status(error.code, verb.failure)
    except ClientError as error:
        _complain(str(error))
        return verb.failure
    except Failure as error:
        _complain(str(error))
        return verb.failure if error.status is None else error.status
    except SystemExit as error:  # argparse has printed a help text
        return int(error.code or 0)
    return status


def _console(said: Globals) -> int:
    served = os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")  # by `heliostui serve`
    if not served and not (sys.stdin.isatty() and sys.stdout.isatty()):
        _complain("the console needs a terminal; `heliostui --help` lists the verbs that do without")
        return USAGE
    from engine.client.errors import ClientError
    from engine.places import places

    remember(said)
    shown = [places(host) for host in hosts_of_console(said)]
    try:
        _go_there(shown)
    except ClientError as error:
        _complain(str(error))
        return 1
    import gc

    gc.disable()  # what modules are made of stays, and looking for garbage among it takes a tenth of the time
    from heliostui.app import run

    gc.freeze()
    gc.enable()
    return run(shown, read_only=said.read_only)


def _go_there(shown: list[Places]) -> None:
    """Connect to other machines while ssh may still ask for a password. One of several may be away."""
    if all(each.host is None for each in shown):
        return
    from engine.client import tunnels
    from engine.client.address import BadAddress
    from engine.client.errors import ClientError

    for each in shown:
        if each.host is not None:
            try:
                tunnels.through(each, start=not each.viewer, again=False)
            except ClientError as error:
                if len(shown) == 1 or isinstance(error, BadAddress):
                    raise
                _complain(str(error))


def _no_such_verb(name: str) -> str:
    if name.startswith("-"):
        return f"'{name}' must come after a verb (see 'heliostui --help')"
    from difflib import get_close_matches

    near = get_close_matches(name, VERBS, 1)
    return f"there is no verb '{name}'" + (f": did you mean '{near[0]}'?" if near else " (see 'heliostui --help')")


def _complain(message: str) -> None:
    from heliostui.commandline.failures import complain

    complain(message)


def _open_what_was_closed() -> None:
    """Whoever closed 0, 1 or 2 (`<&-`) gets nothing there, rather than the connection to the engine."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - the lowest free descriptor, until the end


def _silence_stdout() -> None:
    """Let the interpreter's last flush go nowhere, so that it has nothing to complain about."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
