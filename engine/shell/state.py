"""What a shell knows: variables, parameters, options. Owns no behaviour. Imports os and time only.

Variables are strings; arrays there are none (PIPESTATUS is a list of its own). Values from the kernel may hold bytes
that are not UTF-8: they travel as surrogate escapes (PEP 383) and go back unchanged.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from engine.shell.faults import Fault
from engine.shell.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Final

DEFAULT_IFS: Final = " \t\n"
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Every option, by its long name, with the letter that `set` and `$-` know it by ("" for those that have none).
OPTIONS: Final[Mapping[str, str]] = {
    "allexport": "a",
    "notify": "b",
    "errexit": "e",
    "noglob": "f",
    "monitor": "m",
    "noexec": "n",
    "nounset": "u",
    "verbose": "v",
    "xtrace": "x",
    "noclobber": "C",
    "histexpand": "H",
    "dotglob": "",
    "emacs": "",
    "globstar": "",
    "ignoreeof": "",
    "nullglob": "",
    "pipefail": "",
    "vi": "",
}


def is_name(text: str) -> bool:
    """Whether `text` can be the name of a variable: a letter or `_`, then letters, digits and `_` (ASCII)."""
    return text.isidentifier() and text.isascii()


class Variable(NamedTuple):
    """All that is known of one name, to put back after a command that had assignments of its own."""

    value: str | None
    exported: bool
    readonly: bool
    computed: Computed | None = None


class Computed(NamedTuple):
    """A variable whose value is made when it is read, like RANDOM. Unset, it becomes an ordinary one, as in bash."""

    read: Callable[[], str]
    write: Callable[[str], None]


class Variables:
    """Names and values; which are exported; which are read-only.

    `changed` maps a name to what is called after its value has changed or gone.
    """

    def __init__(self, environ: Mapping[str, str], options: set[str]) -> None:
        self.changed: dict[str, Callable[[], None]] = {}
        self._options = options
        # Entries whose names are no names of variables can't be seen, but are handed down.
        self._environment = dict(environ)
        self._values = {name: value for name, value in environ.items() if is_name(name)}
        self._exported = set(self._values)
        self._readonly: set[str] = set()
        self._computed: dict[str, Computed] = {}
        self._frozen = False

    def get(self, name: str) -> str | None:
        """The value, or None for what is not set."""
        value = self._values.get(name)
        if value is None and name in self._computed:
            if self._frozen:
                raise Fault(f"{name}: has a value of its own in a subshell")
            return self._computed[name].read()
        return value

    def set(self, name: str, value: str) -> None:
        """Assign. Raises Fault for what is no name, and for what is read-only."""
        self._check(name)
        if self._frozen:
            raise Fault(f"{name}: would be changed")
        if name in self._computed:
            self._computed[name].write(value)
        else:
            self._values[name] = value
        if "allexport" in self._options:
            self._exported.add(name)
        if name in self._exported:
            self._environment[name] = value
        if name in self.changed:
            self.changed[name]()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Raise Fault where a word would change a variable, or read one that is another in a subshell."""
        self._frozen = True
        try:
            yield
        finally:
            self._frozen = False

    def unset(self, name: str) -> None:
        """Forget it; what is not set stays so. Raises Fault for what is no name, and for what is read-only."""
        self._check(name)
        for known in (self._values, self._computed, self._environment):
            known.pop(name, None)
        self._exported.discard(name)
        if name in self.changed:
            self.changed[name]()

    def export(self, name: str, exported: bool = True) -> None:
        """Hand it down to programs, also when it is set later only; or no longer. Raises Fault for what is no name."""
        self._check_name(name)
        if not exported:
            self._exported.discard(name)
            self._environment.pop(name, None)
            return
        self._exported.add(name)
        value = self.get(name)
        if value is not None:
            self._environment[name] = value

    def readonly(self, name: str) -> None:
        """Refuse every later change. Raises Fault for no name."""
        self._check_name(name)
        self._readonly.add(name)

    def names(self) -> list[str]:
        """All that are set, sorted."""
        return sorted(self._values.keys() | self._computed.keys())

    def exported_names(self) -> list[str]:
        """All that are marked for export, set or not, sorted."""
        return sorted(self._exported)

    def readonly_names(self) -> list[str]:
        """All that are read-only, set or not, sorted."""
        return sorted(self._readonly)

    def is_exported(self, name: str) -> bool:
        """Whether programs get it."""
        return name in self._exported

    def is_readonly(self, name: str) -> bool:
        """Whether it can't be changed."""
        return name in self._readonly

    def environment(self) -> dict[str, str]:
        """What a program is started with; the caller's to change."""
        return self._environment.copy()

    def compute(self, name: str, computed: Computed) -> None:
        """Have `name` made when it is read."""
        self._values.pop(name, None)
        self._computed[name] = computed

    def saved(self, name: str) -> Variable:
        """What `restore` needs to put it back as it is now."""
        computed = self._computed.get(name)
        return Variable(self._values.get(name), name in self._exported, name in self._readonly, computed)

    def restore(self, name: str, variable: Variable) -> None:
        """Put back what `saved` has told, read-only or not."""
        self._readonly.discard(name)
        self.unset(name)
        if variable.computed is not None:
            self._computed[name] = variable.computed
        elif variable.value is not None:
            self._values[name] = variable.value
        if variable.exported:
            self.export(name)
        if variable.readonly:
            self._readonly.add(name)
        if name in self.changed:
            self.changed[name]()

    def _check(self, name: str) -> None:
        self._check_name(name)
        if name in self._readonly:
            raise Fault(f"{name}: readonly variable")

    @staticmethod
    def _check_name(name: str) -> None:
        if not is_name(name):
            raise Fault(f"`{name}': not a valid identifier", hint="a name is letters, digits and _, no digit first")


class State:
    """What the commands of one shell share. The attributes are there to be read and written.

    `environ` is what the shell was started with; `started` is the time of `time.monotonic()` that SECONDS counts from.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        name: str = "heliosh",
        positional: Iterable[str] = (),
        interactive: bool = False,
    ) -> None:
        self.options: set[str] = {"globstar"}  # long names, as in OPTIONS
        if interactive:
            self.options |= {"emacs", "histexpand"}
        self.variables = Variables(environ, self.options)
        self.name = name  # $0
        self.positional: list[str] = list(positional)  # $1 …
        self.interactive = interactive
        self.invoked = ""  # "c" or "s" as `$-` tells it: where the commands come from
        self.status = 0  # $?
        self.pipe_status: list[int] = [0]  # PIPESTATUS
        self.pid = os.getpid()  # $$, the same in subshells
        self.last_background: int | None = None  # $!
        self.last_argument = environ.get("_", "")  # $_
        self.aliases: dict[str, str] = {}
        self.directories: list[str] = []  # of pushd, below the current one, the last pushed first
        self.hash: dict[str, str] = {}  # where commands were found
        self.line = 0  # LINENO
        self.started = time.monotonic()
        self._start_variables(environ)

    def parameter(self, name: str) -> str | None:
        """The value of a variable, a positional parameter or a special one but `@` and `*`; None when not set."""
        if name.isdecimal():
            number = int(name)
            if number == 0:
                return self.name
            return self.positional[number - 1] if number <= len(self.positional) else None
        special = _SPECIAL.get(name)
        return special(self) if special is not None else self.variables.get(name)

    def option_letters(self) -> str:
        """`$-`, in bash's order: the letters of OPTIONS that are on, `i`, then how the shell was invoked."""
        letters = {letter for option, letter in OPTIONS.items() if letter and option in self.options}
        if self.interactive:
            letters.add("i")
        return "".join(sorted(letters, key=lambda letter: (letter.isupper(), letter))) + self.invoked

    def _start_variables(self, environ: Mapping[str, str]) -> None:
        variables = self.variables
        variables.changed["PATH"] = self.hash.clear
        defaults = {"PATH": DEFAULT_PATH, "PS4": "+ "}
        if self.interactive:
            defaults |= {"PS2": "> "}
        for name, value in defaults.items():
            if variables.get(name) is None:
                variables.set(name, value)
        for name in ("IFS", "UID", "EUID", "PPID"):  # POSIX: what the environment says of these is not believed
            variables.unset(name)
        variables.set("IFS", DEFAULT_IFS)
        level = environ.get("SHLVL", "")
        directory = _logical_directory(environ.get("PWD"))
        for name, value in (("SHLVL", str(int(level) + 1 if level.isdecimal() else 1)), ("PWD", directory)):
            variables.set(name, value)
            variables.export(name)
        for name, number in (("UID", os.getuid()), ("EUID", os.geteuid()), ("PPID", os.getppid())):
            variables.set(name, str(number))
            variables.readonly(name)
        self._computed_variables()

    def _computed_variables(self) -> None:
        compute = self.variables.compute
        random = Random(self.pid ^ time.time_ns())
        compute("RANDOM", Computed(random.read, random.seed))
        compute("SECONDS", Computed(lambda: str(int(time.monotonic() - self.started)), self._count_from))
        compute("LINENO", Computed(lambda: str(self.line), _ignore))
        compute("BASHPID", Computed(lambda: str(os.getpid()), _ignore))
        compute("EPOCHSECONDS", Computed(lambda: str(int(time.time())), _ignore))
        compute("EPOCHREALTIME", Computed(lambda: f"{time.time():.6f}", _ignore))
        compute("_", Computed(lambda: self.last_argument, _ignore))

    def _count_from(self, value: str) -> None:
        self.started = time.monotonic() - (int(value) if value.isdecimal() else 0)


class Random:
    """RANDOM as bash makes it (lib/sh/random.c): the minimal standard generator, folded to 15 bits. A subshell
    starts another sequence than its parent's."""

    def __init__(self, seed: int) -> None:
        self._state = seed & 0xFFFFFFFF
        self._last = 0
        self._pid = os.getpid()

    def seed(self, value: str) -> None:
        """Assigned to: the numbers that follow are always the same after the same value."""
        self._state = int(value) & 0xFFFFFFFF if value.isdecimal() else 0
        self._last = 0
        self._pid = os.getpid()

    def read(self) -> str:
        """The next, 0 to 32767, never the same twice in a row."""
        if os.getpid() != self._pid:
            self._pid = os.getpid()
            self._state ^= self._pid ^ (time.time_ns() & 0xFFFFFFFF)
        number = self._last
        while number == self._last:
            high, low = divmod(self._state or 123459876, 127773)
            following = 16807 * low - 2836 * high
            self._state = following if following >= 0 else following + 0x7FFFFFFF
            number = ((self._state >> 16) ^ (self._state & 0xFFFF)) & 0x7FFF
        self._last = number
        return str(number)


def _ignore(value: str) -> None:
    """An assignment without effect, as bash's for LINENO and its kind."""


def _logical_directory(pwd: str | None) -> str:
    """PWD when it names the current directory without `.` and `..` (POSIX 2.5.3), else the physical one."""
    parts: Sequence[str] = (pwd or "").split("/")
    if pwd and pwd.startswith("/") and "." not in parts and ".." not in parts:
        with suppress(OSError):
            if os.path.samefile(pwd, "."):
                return pwd
    try:
        return os.getcwd()
    except OSError:  # gone, or not to be read: the name is all there is
        return pwd or "/"


_SPECIAL: Final[Mapping[str, Callable[[State], str | None]]] = {
    "?": lambda state: str(state.status),
    "$": lambda state: str(state.pid),
    "!": lambda state: None if state.last_background is None else str(state.last_background),
    "#": lambda state: str(len(state.positional)),
    "-": State.option_letters,
    "_": lambda state: state.last_argument,
}
