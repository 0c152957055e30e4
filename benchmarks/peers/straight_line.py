"""A plan as C: the calls in a row, every argument a constant or the result of a call before. For start_peer.c."""

from __future__ import annotations

import struct

from engine.sandbox.plan import ANY, Argument, Buffer, Input, Plan, Ref, Step
from engine.sandbox.program import STORE_NAME


def header(plan: Plan, *, terminal: bool) -> str:
    """The text of plan.h."""
    data = _Data()
    calls = "".join(f"    {line}\n" for line in _calls(plan, data))
    return (
        f"#define TERMINAL {terminal:d}\n#define CLONE_FLAGS {int(plan.clone_flags):#x}ull\n{''.join(data.definitions)}"
        "static __attribute__((noinline)) void set_up(const long *input)\n"
        f"{{\n    long r[{len(plan.steps)}];\n{calls}}}\n"
    )


def _calls(plan: Plan, data: _Data) -> list[str]:
    lines = []
    doubtful: set[int] = set()  # steps whose result may be no descriptor
    for number, step in enumerate(plan.steps):
        if step.call == STORE_NAME:
            buffer, descriptor, offset = map(data.argument, step.args)
            lines.append(f"*(int *)({buffer} + {offset}) = (int){descriptor};")
            continue
        conditions = [f"r[{ref.step}] >= 0" for ref in step.args if isinstance(ref, Ref) and ref.step in doubtful]
        if step.if_failed is not None:
            conditions.append(f"r[{step.if_failed.step}] < 0")
        arguments = "".join(f", {data.argument(argument)}" for argument in step.args)
        call = f"STEP({number}, {_harmless(step)}, SYS_{step.call}{arguments});"
        if conditions:
            call = f"r[{number}] = -1; if ({' && '.join(conditions)}) {call}"
        if conditions or step.allow:
            doubtful.add(number)
        lines.append(call)
    return lines


def _harmless(step: Step) -> str:
    bits = 2**64 - 1 if step.allow >= ANY else sum(1 << error for error in step.allow)
    return f"{bits:#x}ull"


class _Data:
    """Strings stand where they are used; structs are defined in front of the function."""

    def __init__(self) -> None:
        self.definitions: list[str] = []
        self._names: dict[Buffer, str] = {}

    def argument(self, argument: Argument) -> str:
        match argument:
            case None:
                return "0L"
            case int():
                return f"{int(argument) & 2**64 - 1:#x}L"
            case Ref(step=step):
                return f"r[{step}]"
            case Input(index=index):
                return f"input[{index}]"
            case Buffer():
                return f"(long){self._define(argument)}"
            case _:
                return f"(long){_literal(argument)}"

    def _define(self, buffer: Buffer) -> str:
        if buffer not in self._names:
            padded = buffer.data + bytes(-len(buffer.data) % 8)
            words = [f"{word:#x}" for (word,) in struct.iter_unpack("=Q", padded)]
            for offset, target in buffer.pointers:
                place = self._define(target) if isinstance(target, Buffer) else _literal(target)
                words[offset // 8] = f"(uintptr_t){place}"
            name = self._names[buffer] = f"data_{len(self._names)}"
            self.definitions.append(f"static uintptr_t {name}[] = {{{', '.join(words)}}};\n")
        return self._names[buffer]


def _literal(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return '"' + "".join(f"\\{byte:03o}" for byte in raw) + '"'
