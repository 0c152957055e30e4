"""A plan: the system calls that make a container, as data. It can be printed, compared, shown and assembled.

Owns the readable form; `program` owns the binary one. Imports the standard library only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, Flag
from typing import NamedTuple

from engine.sandbox import program
from engine.sandbox.syscalls import NUMBERS


class Ref(NamedTuple):
    """The result of an earlier step, as an argument: nearly always a descriptor."""

    step: int
    name: str


@dataclass(frozen=True)
class Input:
    """A descriptor that the process is born with (see `program.CHANNEL` and its fellows)."""

    index: int
    name: str


class Buffer(NamedTuple):
    """A struct that a call reads. `pointers` are (offset, what lies there): the address is filled in when loaded."""

    data: bytes
    text: str
    pointers: tuple[tuple[int, str | bytes | Buffer], ...] = ()


class Mode(int):
    """Permission bits, which are read in octal."""


Argument = int | str | bytes | Ref | Input | Buffer | None
CHANNEL = Input(program.CHANNEL, "channel")
STDIO = (Input(program.STDIN, "stdin"), Input(program.STDOUT, "stdout"), Input(program.STDERR, "stderr"))
ANY = frozenset({-1})


class Step(NamedTuple):
    """One call and why it is there. `allow`: errno values that do no harm. `if_failed`: only if that step failed.

    `outside`: it looks at the host's files, for which a user namespace gives no right; see `Plan.hoist`.
    """

    call: str
    args: tuple[Argument, ...]
    why: str
    part: str
    allow: frozenset[int] = frozenset()
    if_failed: Ref | None = None
    outside: bool = False

    @property
    def arguments(self) -> str:
        """The arguments as text, in strace's manner."""
        return ", ".join(_text(a) for a in self.args)

    def __str__(self) -> str:
        return f"{self.call}({self.arguments})  # {self.why}"


def _text(argument: Argument) -> str:
    if type(argument) is int:  # most are; no member of an enumeration
        return str(argument)
    match argument:
        case str():
            return f'"{argument}"' if len(argument) <= 200 else f'"{argument[:200]}…"'
        case None:
            return "NULL"
        case Ref(name=name) | Input(name=name):
            return name
        case Buffer(text=text):
            return text
        case bytes():
            return _text(argument.decode(errors="backslashreplace"))
        case Mode():
            return f"0{argument:o}"
        case Flag() | Enum():
            return str(argument.name or int(argument))
        case _:
            return str(argument)


@dataclass
class Plan:
    """Steps in order, under construction. `part` names the section of the set-up that new steps belong to.

    `before`, `own_memory` and `cgroup` are as in `program.Program`.
    """

    clone_flags: int = 0
    part: str = "start"
    steps: list[Step] = field(default_factory=list)
    inputs: int = program.STANDARD_INPUTS
    cgroup: Input | None = None
    before: int = 0
    own_memory: bool = False

    def input(self, name: str) -> Input:
        """One more descriptor that the launcher must hand in, in this order."""
        self.inputs += 1
        return Input(self.inputs - 1, name)

    def call(
        self,
        name: str,
        *args: Argument,
        why: str,
        result: str = "",
        allow: Iterable[int] = (),
        if_failed: Ref | None = None,
        outside: bool = False,
    ) -> Ref:
        """Append a step; `result` names what it returns, for those who read the plan."""
        self.steps.append(Step(name, args, why, self.part, frozenset(allow), if_failed, outside))
        return Ref(len(self.steps) - 1, result or f"#{len(self.steps)}")

    def born(self) -> None:
        """What has been planned so far a go-between does; what follows, the process itself, which it makes then."""
        self.before = len(self.steps)

    def store(self, descriptor: Ref | Input, buffer: Buffer, offset: int, why: str, *, outside: bool = False) -> Ref:
        """Put a descriptor's number into a struct that a later call reads (see `program.STORE`)."""
        return self.call(program.STORE_NAME, buffer, descriptor, offset, why=why, outside=outside)

    def hoist(self, to: int) -> None:
        """Let the go-between do, from step `to` on, what looks at the host's files, before it enters namespaces in
        which it could not."""
        later = range(self.before, len(self.steps))
        hoisted = [i for i in later if self.steps[i].outside]
        kept = [i for i in later if not self.steps[i].outside]
        order = [*range(to), *hoisted, *range(to, self.before), *kept]
        place = {old: new for new, old in enumerate(order)}

        def moved(ref: Ref) -> Ref:
            return Ref(place[ref.step], ref.name)

        self.steps = [
            step._replace(
                args=tuple(moved(a) if isinstance(a, Ref) else a for a in step.args),
                if_failed=None if step.if_failed is None else moved(step.if_failed),
            )
            for step in (self.steps[i] for i in order)
        ]
        self.before += len(hoisted)

    def assemble(self) -> program.Program:
        """The plan in the form that executors walk."""
        data = _Data(program.data_offset(len(self.steps)))
        steps = []
        at = program.FIRST_ARGUMENT
        for step in self.steps:
            args, references = [], 0
            for i, argument in enumerate(step.args):
                if isinstance(argument, int):
                    args.append(argument)
                elif argument is None:
                    args.append(0)
                elif isinstance(argument, Ref):
                    args.append(self.inputs + argument.step)
                    references |= 1 << i
                elif isinstance(argument, Input):
                    args.append(argument.index)
                    references |= 1 << i
                else:
                    args.append(data.place(argument))
                    data.relocations.append(at + 8 * i)
            guard = -1 if step.if_failed is None else self.inputs + step.if_failed.step
            allowed = _mask(step.allow) if step.allow else 0
            number = program.STORE if step.call == program.STORE_NAME else NUMBERS[step.call]
            steps.append(program.step(number, args, references, allowed, guard))
            at += program.STEP_SIZE
        image = program.assemble(steps, bytes(data.block), data.relocations, self.inputs)
        return program.Program(
            image,
            self.clone_flags,
            self.inputs,
            len(steps),
            self.cgroup.index if self.cgroup else None,
            self.before,
            self.own_memory,
        )


def _mask(errors: frozenset[int]) -> int:
    return program.ANY_ERROR if errors >= ANY else sum(1 << e for e in errors)


class _Data:
    """Strings and structs of a program, each placed once."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.block = bytearray()
        self.relocations: list[int] = []
        self._placed: dict[str | bytes | Buffer, int] = {}

    def place(self, value: str | bytes | Buffer) -> int:
        """Where in the program the value lies."""
        if (at := self._placed.get(value)) is not None:
            return at
        if isinstance(value, Buffer):
            at = self._append(value.data)
            for offset, target in value.pointers:
                address = self.place(target)
                struct.pack_into("=Q", self.block, at - self.offset + offset, address)
                self.relocations.append(at + offset)
        else:
            at = self._append((value.encode() if isinstance(value, str) else value) + b"\0")
        self._placed[value] = at
        return at

    def _append(self, data: bytes) -> int:
        at = self.offset + len(self.block)
        self.block += data + bytes(-len(data) % 8)
        return at


def strings(values: Iterable[str], text: str) -> Buffer:
    """A NULL-terminated array of strings: argv, envp."""
    pointers = tuple((8 * i, v) for i, v in enumerate(values))
    return Buffer(bytes(8 * (len(pointers) + 1)), text, pointers)
