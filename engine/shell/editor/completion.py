"""What Tab offers: commands, files, variables, jobs, users, signals, options, containers and images.

Imports prompt_toolkit and the shell. It runs in a thread of the editor's, while the shell itself only waits.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from engine.shell import signals
from engine.shell.builtins import BUILTINS
from engine.shell.editor.containers import VERBS, Names
from engine.shell.editor.partial import Partial, expanded, partial, quoted_as, unquoted
from engine.shell.editor.programs import Programs
from engine.shell.state import OPTIONS

if TYPE_CHECKING:
    from engine.shell.shell import Shell

MOST = 2_000  # offers; who has more types on

_JOBS = ("fg", "bg", "kill", "disown", "wait", "jobs")
_DIRECTORIES = ("cd", "pushd", "rmdir")
_COMMANDS = (
    "type",
    "command",
    "which",
    "man",
    "hash",
    "exec",
    "sudo",
    "env",
    "nohup",
    "time",
    "watch",
    "xargs",
    "nice",
)
_VARIABLES = ("export", "unset", "readonly")


class Offer(NamedTuple):
    """`text` unquoted. `end` is what may follow when it is the only one: a blank, or the / of a directory."""

    text: str
    meta: str = ""
    end: str = " "


Source: TypeAlias = "Callable[[Partial], Iterable[Offer]]"


class ShellCompleter(Completer):
    """The completions of a shell's command line."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._state = shell.state
        self._programs = Programs(shell.state)
        self._names = Names()
        argument = self._jobs, self._signals, self._options, self._verbs, self._named, self._users, self._files
        self._sources: dict[str, tuple[Source, ...]] = {
            "variable": (self._variables,),
            "command": (self._commands, self._users, self._files),
            "argument": argument,
            "value": (self._users, self._files),
        }

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        typed = partial(document.text_before_cursor)
        if typed is None:
            return
        for source in self._sources["value" if typed.kind == "argument" and not typed.before else typed.kind]:
            offers = sorted(set(source(typed)))[:MOST]
            if offers:
                yield from self._completions(typed, offers, source)
                return

    def _completions(self, typed: Partial, offers: list[Offer], source: Source) -> Iterator[Completion]:
        """Only what stands behind the last `/` (or `=`) is put in anew: the rest stays as it was typed."""
        if typed.kind == "variable":
            kept, open_quote, opening = "", "", ""
        else:
            kept = _kept(typed.raw) if source == self._files else ""
            before, open_quote = unquoted(kept).quote, unquoted(typed.raw).quote
            opening = open_quote if open_quote != before else ""
        for text, meta, end in offers:
            word = text if typed.kind == "variable" or source == self._users else quoted_as(text, open_quote)
            if end == "/":
                word += end
            elif len(offers) == 1 and end:
                word += open_quote + end
            yield Completion(opening + word, len(kept) - len(typed.raw), display=text + end.strip(), display_meta=meta)

    # --- sources: what could be meant; the first that knows something is taken ---

    def _variables(self, typed: Partial) -> Iterable[Offer]:
        braces = typed.raw.startswith("${")
        name = typed.raw[1 + braces :]
        for each in self._state.variables.names():
            if each.startswith(name):
                shown = (self._state.variables.get(each) or "")[:40]
                yield Offer(f"${{{each}}}" if braces else f"${each}", shown, "")

    def _commands(self, typed: Partial) -> Iterable[Offer]:
        name = unquoted(typed.raw).text
        if "/" in name or name.startswith("~"):
            return
        yield from (Offer(each, "alias") for each in self._state.aliases if each.startswith(name))
        yield from (Offer(each, command.summary) for each, command in BUILTINS.items() if each.startswith(name))
        yield from (Offer(each) for each in self._programs.names(name) if each not in BUILTINS and name)

    def _jobs(self, typed: Partial) -> Iterable[Offer]:
        if typed.before[0] not in _JOBS or not (
            typed.raw.startswith("%") or (not typed.raw and len(typed.before) == 1)
        ):
            return
        for job in self._shell.jobs.all():
            spec = f"%{job.number}"
            if spec.startswith(typed.raw):
                yield Offer(spec, f"{job.state}: {job.command}")

    def _signals(self, typed: Partial) -> Iterable[Offer]:
        command, *rest = typed.before
        if (command == "trap" and rest) or (command == "kill" and rest and rest[-1] == "-s"):
            sign = ""
        elif command == "kill" and not rest and typed.raw.startswith("-"):
            sign = "-"
        else:
            return
        for name, number in signals.NUMBERS.items():
            if (sign + name).startswith(typed.raw) and "+" not in name and "-" not in name:
                yield Offer(sign + name, signals.describe(number))

    def _options(self, typed: Partial) -> Iterable[Offer]:
        if typed.before[0] == "set" and typed.before[-1] in ("-o", "+o"):
            for name in OPTIONS:
                if name.startswith(typed.raw):
                    yield Offer(name, "on" if name in self._state.options else "off")

    def _verbs(self, typed: Partial) -> Iterable[Offer]:
        command, *rest = typed.before
        if command not in ("heliostui", "oci"):
            return
        operands = [word for word in rest if not word.startswith("-")]
        if not operands:
            yield from (Offer(verb) for verb in VERBS if verb.startswith(typed.raw))
            return
        kind = VERBS.get(operands[0], "")
        if not kind or typed.raw.startswith("-") or (kind == "image" and len(operands) > 1):
            return
        for name, meta in self._names.of(kind):
            if name.startswith(typed.raw) and name not in operands:
                yield Offer(name, meta)

    def _named(self, typed: Partial) -> Iterable[Offer]:
        """What some builtins take."""
        command, name = typed.before[0], unquoted(typed.raw).text
        if command in _COMMANDS and "/" not in name and all(word.startswith("-") for word in typed.before[1:]):
            yield from self._commands(typed)
        elif command in ("alias", "unalias"):
            yield from (Offer(each, text) for each, text in self._state.aliases.items() if each.startswith(name))
        elif command in _VARIABLES:
            yield from (Offer(each, end="") for each in self._state.variables.names() if each.startswith(name))
        elif command == "help":
            yield from (Offer(each, known.summary) for each, known in BUILTINS.items() if each.startswith(name))

    def _users(self, typed: Partial) -> Iterable[Offer]:
        if typed.raw.startswith("~") and "/" not in typed.raw:
            for user in pwd.getpwall():
                if user.pw_name.startswith(typed.raw[1:]):
                    yield Offer("~" + user.pw_name, user.pw_dir, "/")

    def _files(self, typed: Partial) -> Iterable[Offer]:
        kept = _kept(typed.raw)
        directory = expanded(self._state, kept.rpartition("=")[2] if "/" not in kept else _path(kept)) or "."
        beginning = unquoted(typed.raw[len(kept) :]).text
        wanted = "d" if typed.before and typed.before[0] in _DIRECTORIES else "x" if typed.kind == "command" else ""
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.name.startswith(beginning) and (beginning[:1] == "." or entry.name[0] != "."):
                        yield from _file(entry, wanted)
        except OSError:
            return


def _file(entry: os.DirEntry[str], wanted: str) -> Iterator[Offer]:
    try:
        directory = entry.is_dir()
    except OSError:
        directory = False
    if directory:
        yield Offer(entry.name, "", "/")
    elif not wanted or (wanted == "x" and os.access(entry.path, os.X_OK)):
        yield Offer(entry.name)


def _kept(raw: str) -> str:
    """What stays of a word when a file is put in: up to the last `/`, or the `=` of an option."""
    slash = raw.rfind("/") + 1
    return raw[:slash] if slash else raw[: raw.rfind("=") + 1]


def _path(kept: str) -> str:
    """Without the option in front: `--file=dir/`."""
    option, equals, path = kept.partition("=")
    return path if equals and "/" not in option and path else kept
