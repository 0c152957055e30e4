"""`heliostui terminal open|ls|attach|close|jobs|job`: terminals that live in the engine, whoever looks at them."""

from __future__ import annotations

import argparse
import os
import shlex
from datetime import UTC, datetime

from engine.client.blocking import Connection
from engine.client.errors import ConnectionLost, RequestFailed
from engine.places import places
from engine.protocol.messages import (
    ActOnJob,
    CloseTerminal,
    ErrorCode,
    JoinTerminal,
    ListTerminals,
    OpenTerminal,
    StreamJobs,
    TerminalRef,
    Terminals,
    TerminalSummary,
)
from heliostui.commandline import environment, jobs, signals, terminal
from heliostui.commandline.document import document
from heliostui.commandline.done import have_done
from heliostui.commandline.each import for_each
from heliostui.commandline.failures import Failure, UsageError, exit_status
from heliostui.commandline.parser import add_format, add_words, given_words
from heliostui.commandline.session import Detached, Session, check_terminal, tell
from heliostui.commandline.table import shortened, table
from heliostui.commandline.times import span
from heliostui.commands import LAUNCH_FAILURE

HEADINGS = ("TERMINAL", "COMMAND", "OPENED", "SIZE", "CLIENTS", "PID", "CONTAINER", "DIRECTORY", "TITLE")
COMMAND_WIDTH = 24
ACTS = ("foreground", "background", "stop", "continue", "signal")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Ctrl-P Ctrl-Q leaves a terminal, which goes on; it ends with its program, or by `close`."
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="open|ls|attach|close|jobs|job", prog=parser.prog
    )
    opening = actions.add_parser("open", help="start a shell or another program on a new one", allow_abbrev=False)
    opening.usage = f"{opening.prog} [OPTIONS] [COMMAND [ARG…]]"
    opening.add_argument("--in", dest="container", metavar="CONTAINER", help="inside of this running container")
    opening.add_argument("-d", "--detach", action="store_true", help="print its name, and leave it alone")
    opening.add_argument(
        "-e", "--env", action="append", metavar="NAME[=VALUE]", help="set a variable, or pass yours on"
    )
    opening.add_argument("-w", "--workdir", metavar="DIR", help="the directory it begins in (default: this one)")
    add_words(opening, required=False)
    listing = actions.add_parser("ls", help="list them", allow_abbrev=False)
    listing.add_argument("-q", "--quiet", action="store_true", help="names only")
    add_format(listing)
    joining = actions.add_parser("attach", help="take part in one", allow_abbrev=False)
    joining.add_argument("--no-stdin", action="store_true", help="only watch")
    joining.add_argument("terminal", metavar="TERMINAL", help="its name, such as t1")
    closing = actions.add_parser("close", help="end them with all that runs in them", allow_abbrev=False)
    closing.add_argument("terminals", nargs="+", metavar="TERMINAL", help="its name, such as t1")
    telling = actions.add_parser("jobs", help="tell the jobs of one", allow_abbrev=False)
    telling.add_argument("-f", "--follow", action="store_true", help="then what happens to them, until it ends")
    add_format(telling)
    telling.add_argument("terminal", metavar="TERMINAL", help="its name, such as t1")
    acting = actions.add_parser("job", help="do something to a job of one", allow_abbrev=False)
    acting.add_argument("-s", "--signal", default="TERM", help="which one, for `signal` (TERM)")
    acting.add_argument("--in", dest="container", metavar="CONTAINER", help="of this container's own terminal")
    acting.add_argument("act", choices=ACTS, metavar="ACTION", help=", ".join(ACTS))
    acting.add_argument("pgid", type=int, metavar="PGID", help="the job's process group, as `jobs` tells it")
    acting.add_argument("terminal", nargs="?", metavar="TERMINAL", help="its name, such as t1")


def run(arguments: argparse.Namespace) -> int:
    match arguments.action:
        case "open":
            return _open(arguments)
        case "ls":
            return _list(arguments)
        case "attach":
            return _attend(arguments.terminal, takes_input=not arguments.no_stdin)
        case "close":
            return for_each(arguments.terminals, lambda name: CloseTerminal(terminal=name), together=True)
        case "job":
            return _act(arguments)
        case _:
            with Connection.connect(places()) as engine:
                stream = engine.stream(StreamJobs(terminal=arguments.terminal))
                return jobs.show(stream, follow=arguments.follow, as_json=arguments.format == "json")


def _act(arguments: argparse.Namespace) -> int:
    if (arguments.terminal is None) == (arguments.container is None):
        raise UsageError("name the terminal whose job it is, or a container with --in")
    request = ActOnJob(
        pgid=arguments.pgid,
        action=arguments.act,
        terminal=arguments.terminal,
        container=arguments.container,
        signal=arguments.signal,
    )
    return have_done(request)


def _open(arguments: argparse.Namespace) -> int:
    check_terminal(tty=True, takes_input=not arguments.detach)
    try:
        given = environment.variables(arguments.env or (), os.environ)
    except ValueError as error:
        raise UsageError(f"--env: {error}") from None
    inside = arguments.container is not None
    elsewhere = inside or places().host is not None  # where our directory and our environment mean nothing
    workdir = arguments.workdir if elsewhere else os.path.abspath(arguments.workdir or os.curdir)
    columns, lines = terminal.size() or (80, 24)
    request = OpenTerminal(
        container=arguments.container,
        command=given_words(arguments),
        workdir=workdir,
        env=given if elsewhere else [*_own_environment(), *given],
        columns=columns,
        lines=lines,
    )
    with Connection.connect(places()) as engine:
        try:
            name = engine.request(request, TerminalRef).terminal
        except RequestFailed as error:
            raise Failure(error.message, exit_status(error.code, LAUNCH_FAILURE)) from None
    if arguments.detach:
        print(name)
        return 0
    return _attend(name, takes_input=True)


def _own_environment() -> list[str]:
    """Ours, but for what is no text: messages can't carry it."""
    return [entry for entry in (f"{name}={value}" for name, value in os.environ.items()) if _is_text(entry)]


def _is_text(entry: str) -> bool:
    try:
        entry.encode()
    except UnicodeEncodeError:
        return False
    return True


def _attend(name: str, *, takes_input: bool) -> int:
    """Take part until the program ends; its exit status, 0 after Ctrl-P Ctrl-Q. A lost engine comes back."""
    again = False
    while True:
        with Connection.connect(places()) as engine:
            columns, lines = terminal.size() or (None, None)
            request = JoinTerminal(terminal=name, input=takes_input, columns=columns, lines=lines)
            try:
                return Session(engine, request, takes_input=takes_input).run()
            except Detached:
                tell(f"[detached from {name}]")
                return 0
            except signals.Interrupted as interrupted:
                return interrupted.status
            except ConnectionLost:
                again = True
            except RequestFailed as error:
                if not again or error.code != ErrorCode.NO_SUCH_TERMINAL:
                    raise
                why = f"terminal {name} ended while the engine was lost; its exit status is not known"
                raise Failure(why) from None


def _list(arguments: argparse.Namespace) -> int:
    with Connection.connect(places()) as engine:
        terminals = engine.request(ListTerminals(), Terminals).terminals
    if arguments.quiet:
        for one in terminals:
            print(one.id)
    elif arguments.format == "json":
        print(document(terminals))
    else:
        now = datetime.now(UTC)
        print(table(HEADINGS, [_row(one, now) for one in terminals]))
    return 0


def _row(one: TerminalSummary, now: datetime) -> tuple[str, ...]:
    return (
        one.id,
        shortened(shlex.join(one.command), COMMAND_WIDTH),
        f"{span((now - one.created_at).total_seconds())} ago",
        f"{one.columns}x{one.lines}",
        str(one.clients),
        str(one.pid),
        one.container or "",
        one.directory or "",
        one.title,
    )
