"""The program `heliosh`: its options, and where its commands come from. Imports the shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from engine.shell.execution import Abort
from engine.shell.faults import Fault
from engine.shell.reading import Lines
from engine.shell.shell import Shell
from engine.shell.state import OPTIONS, State
from engine.shell.typing import NamedTuple

USAGE = """\
usage: heliosh [-il] [-abefhmnuvxC] [-o OPTION] [FILE [ARG…]]
       heliosh [OPTIONS] -c TEXT [NAME [ARG…]]
       heliosh [OPTIONS] -s [ARG…]

A shell for interactive process control. Commands come from FILE, from TEXT, or from standard input.

  -c         run the commands in TEXT; NAME is $0
  -s         read commands from standard input, whatever the arguments are
  -i         interactive, also when standard input is no terminal
  -l         accepted; there is nothing extra that a login shell reads
  -o OPTION  as `set -o OPTION` (+o switches off); so do the letters of `set`
  --norc     don't read heliosh.rc
  --help     this text

`help` in the shell tells what it can do."""

_LETTERS = {letter: name for name, letter in OPTIONS.items() if letter}


class Arguments(NamedTuple):
    """What the words of the command line say."""

    options: list[tuple[str, bool]]
    flags: set[str]  # of c, s, i, l, norc, help
    operands: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    """Run heliosh. Ends the process itself, without the interpreter's own tidying up.

    Texts are UTF-8, with bytes that are none as surrogates, so that all bytes pass through in every locale. Where
    Python would decode arguments and file names by another charset, it is started anew in its UTF-8 mode.
    """
    if argv is None and sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", "-P", "-m", "engine.shell", *sys.argv[1:]])
    _restore_locale()
    os._exit(run(sys.argv[1:] if argv is None else list(argv)))


def _restore_locale() -> None:
    """Python sets LC_CTYPE for itself in the C locale (PEP 538); programs get what the shell was given."""
    if os.environ.get("LC_CTYPE") not in ("C.UTF-8", "C.utf8", "UTF-8"):
        return
    try:
        with open("/proc/self/environ", "rb") as file:
            given = [entry[9:] for entry in file.read().split(b"\0") if entry.startswith(b"LC_CTYPE=")]
    except OSError:
        return  # no /proc: it stays
    if given:
        os.environ["LC_CTYPE"] = os.fsdecode(given[0])
    else:
        del os.environ["LC_CTYPE"]


def run(argv: list[str]) -> int:
    """The status to end with."""
    try:
        options, flags, operands = arguments(argv)
        if "help" in flags:
            sys.stdout.write(USAGE + "\n")
            sys.stdout.flush()
            return 0
        source = _source(flags, operands)
    except Fault as fault:
        os.write(2, os.fsencode(fault.explain() + "\n"))
        return fault.status
    interactive = "i" in flags or (source is None and os.isatty(0) and os.isatty(2))
    name = operands.pop(0) if operands and "s" not in flags else "heliosh"
    state = State(os.environ, name=name, positional=operands, interactive=interactive)
    state.invoked = "c" if "c" in flags else "s" if source is None else ""
    shell = Shell(state)
    return shell.guarded(lambda: _begin(shell, options, flags, source))


def arguments(words: list[str]) -> Arguments:
    """Sort the words. Raises Fault for options that there are not."""
    options: list[tuple[str, bool]] = []
    flags: set[str] = set()
    position = 0
    while position < len(words) and len(words[position]) > 1 and words[position][0] in "-+":
        word, on = words[position], words[position][0] == "-"
        position += 1
        if word == "--":
            break
        if word in ("--norc", "--help", "--login"):
            flags.add(word[2:])
            continue
        for letter in word[1:]:
            if letter == "o":
                if position == len(words):
                    raise Fault("-o: an option's name must follow", hint=" ".join(sorted(OPTIONS)), status=2)
                name = words[position]
                position += 1
            elif on and letter in "csil":
                flags.add(letter)
                continue
            else:
                name = _LETTERS.get(letter, "")
            if name not in OPTIONS:
                raise Fault(
                    f"{word}: there is no option {name or letter!r}", hint="heliosh --help lists them", status=2
                )
            options.append((name, on))
    return Arguments(options, flags, words[position:])


def _source(flags: set[str], operands: list[str]) -> tuple[str, str] | None:
    """The text to run, and what faults call it; None for standard input. Takes the text out of the operands."""
    if "c" in flags:
        if not operands:
            raise Fault("-c: a text to run must follow", status=2)
        return operands.pop(0), "-c"
    if "s" in flags or not operands:
        return None
    path = operands[0]
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        status = 127 if isinstance(error, FileNotFoundError) else 126
        raise Fault(f"{path}: {error.strerror}", status=status) from error
    if b"\0" in data.split(b"\n", 1)[0]:
        raise Fault(f"{path}: cannot execute binary file", status=126)
    return data.decode("utf-8", "surrogateescape"), path


def _begin(shell: Shell, options: list[tuple[str, bool]], flags: set[str], source: tuple[str, str] | None) -> int:
    if shell.interactive:
        shell.become_interactive(control=not any(name == "monitor" for name, _ in options))
    for name, on in options:
        shell.set_option(name, on)
    if shell.interactive and "norc" not in flags:
        _read_rc(shell)
    if source is not None:
        return shell.run_text(source[0], source[1], last=True)
    return _interact(shell) if shell.interactive else _run_input(shell)


def _read_rc(shell: Shell) -> None:
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    path = os.path.join(home, "heliostui", "heliosh.rc")
    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return
    except OSError as error:
        shell.complain(f"{path}: {error.strerror}")
        return
    try:
        shell.run_text(text, path)
    except (Abort, KeyboardInterrupt):
        return  # why has been told


def _run_input(shell: Shell) -> int:
    """A script on standard input."""
    lines = Lines(0)
    while True:
        first = lines.line
        try:
            with shell.jobs.watched():
                text = lines.command(shell.state.aliases, lambda first: None)
        except Fault as fault:
            shell.tell_fault(fault)
            return fault.status
        if text is None:
            return shell.state.status
        shell.run_text(text, "stdin", first_line=first)


def _interact(shell: Shell) -> int:
    """Read, run, tell, until the end."""
    read = _reader(shell)
    while True:
        shell.tell_changes()
        shell.signals.forget()
        shell.await_terminal()
        shell.jobs.restore_modes()
        try:
            text = read()
            if text is None:
                if shell.may_leave():
                    shell.tell("exit")
                    return shell.state.status
            elif text.strip():  # else $? stays
                shell.run_text(text, "heliosh")
        except KeyboardInterrupt:
            shell.tell("")  # the terminal shows ^C, and leaves the cursor there
            shell.state.status = 130
        except Abort as end:
            shell.state.status = end.status
        shell.next_command()


def _reader(shell: Shell) -> Callable[[], str | None]:
    """The line editor on a terminal that can do what it needs; else lines as they come."""
    if os.isatty(0) and os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb":
        return _edited(shell)
    from engine.shell import prompt

    lines = Lines(0)

    def read() -> str | None:
        def ask(first: bool) -> None:
            text = shell.state.variables.get("PS1" if first else "PS2") or (prompt.PLAIN if first else "")
            shown = prompt.prompt(shell, text).replace("\1", "").replace("\2", "")
            with suppress(OSError):  # nowhere to show it
                os.write(2, os.fsencode(shown))

        try:
            with shell.jobs.watched(), shell.signals.may_interrupt():
                return lines.command(shell.state.aliases, ask)
        except Fault as fault:
            shell.tell_fault(fault)
            return None

    return read


def _edited(shell: Shell) -> Callable[[], str | None]:
    from engine.shell.editor import Editor

    editor = Editor(shell)

    def read() -> str | None:
        try:
            with shell.jobs.watched():
                return editor.read(shell.state.variables.get("PS1") or "", shell.state.variables.get("PS2") or "")
        except EOFError:
            return None
        except KeyboardInterrupt:
            shell.state.status = 130
            return ""

    return read


if __name__ == "__main__":
    main()
