"""The filter does what the profile says. A small BPF machine stands in for the kernel, which has the last word."""

from __future__ import annotations

import ctypes
import os
import signal
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sandbox import profile, seccomp
from engine.sandbox.syscalls import MACHINE, NUMBERS
from engine.spec.structs import Seccomp, SeccompArgument, SeccompRule

ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
KILL = 0x80000000
NATIVE = seccomp.AUDIT_ARCH[MACHINE]


def run(code: seccomp.Code, nr: int, args: tuple[int, ...] = (), arch: int = NATIVE) -> int:
    """Walk the filter as the kernel would."""
    data = struct.pack("=IIQ6Q", nr & 0xFFFFFFFF, arch, 0, *args, *(0,) * (6 - len(args)))
    accumulator, at = 0, 0
    for _ in range(len(code) + 1):
        i = code[at]
        at += 1
        match i.code:
            case seccomp.LOAD:
                accumulator = struct.unpack_from("=I", data, i.k)[0]
            case seccomp.AND:
                accumulator &= i.k
            case seccomp.JUMP:
                at += i.k
            case seccomp.JEQ:
                at += i.if_true if accumulator == i.k else i.if_false
            case seccomp.JGE:
                at += i.if_true if accumulator >= i.k else i.if_false
            case seccomp.RETURN:
                return i.k
    raise AssertionError("the filter does not end")


DEFAULT = seccomp.instructions(profile.default())


def test_the_default_profile_lets_exactly_its_calls_through() -> None:
    special = {"clone", "clone3", "socket", "personality"}
    for name, number in NUMBERS.items():
        if name not in special:
            assert run(DEFAULT, number) == (ALLOW if name in profile.ALLOWED else EPERM), name


@pytest.mark.parametrize(
    "name", ["mount", "bpf", "kexec_load", "init_module", "keyctl", "unshare", "setns", "open_tree"]
)
def test_dangerous_calls_are_refused(name: str) -> None:
    assert run(DEFAULT, NUMBERS[name]) == EPERM


def test_arguments_decide_where_the_profile_says_so() -> None:
    assert run(DEFAULT, NUMBERS["clone"], (0x11,)) == ALLOW
    assert run(DEFAULT, NUMBERS["clone"], (0x10000000,)) == EPERM  # CLONE_NEWUSER
    assert run(DEFAULT, NUMBERS["clone3"]) == ENOSYS
    assert run(DEFAULT, NUMBERS["socket"], (2,)) == ALLOW
    assert run(DEFAULT, NUMBERS["socket"], (40,)) == EPERM  # AF_VSOCK
    assert run(DEFAULT, NUMBERS["socket"], (40 | 1 << 32,)) == ALLOW  # the kernel looks at 64 bits, so do we
    assert run(DEFAULT, NUMBERS["personality"], (0xFFFFFFFF,)) == ALLOW
    assert run(DEFAULT, NUMBERS["personality"], (0x0400000,)) == EPERM  # ADDR_COMPAT_LAYOUT and the like


def test_a_call_newer_than_the_table_does_not_exist() -> None:
    assert run(DEFAULT, max(NUMBERS.values()) + 1) == ENOSYS
    assert run(DEFAULT, 0x40000000) == ENOSYS  # x32


def test_another_architectures_convention_kills() -> None:
    assert run(DEFAULT, 0, arch=0x40000003) == KILL  # i386


def test_the_filter_is_short_to_walk() -> None:
    """About log2 of the ranges: what the kernel does at every call."""
    assert len(DEFAULT) < 400


RULES = st.lists(
    st.builds(
        SeccompRule,
        names=st.lists(st.sampled_from(sorted(NUMBERS)), min_size=1, max_size=5),
        action=st.sampled_from(["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_LOG"]),
        args=st.lists(
            st.builds(
                SeccompArgument,
                index=st.integers(0, 5),
                value=st.integers(0, 3) | st.integers(0, 2**64 - 1),
                value_two=st.integers(0, 3) | st.integers(0, 2**64 - 1),
                op=st.sampled_from(["SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_MASKED_EQ"]),
            ),
            max_size=3,
        ),
    ),
    max_size=8,
)


def expected(rules: list[SeccompRule], name: str, args: tuple[int, ...]) -> int:
    """The profile's meaning, said directly."""

    def holds(a: SeccompArgument) -> bool:
        value = args[a.index]
        if a.op == "SCMP_CMP_MASKED_EQ":
            return value & a.value == a.value_two
        return (value == a.value) == (a.op == "SCMP_CMP_EQ")

    for rule in rules:
        if name in rule.names and all(holds(a) for a in rule.args):
            return seccomp.ACTIONS[rule.action] | (1 if rule.action == "SCMP_ACT_ERRNO" else 0)
    return EPERM


@given(RULES, st.data())
def test_any_profile_means_what_it_says(rules: list[SeccompRule], data: st.DataObject) -> None:
    code = seccomp.instructions(Seccomp(default_action="SCMP_ACT_ERRNO", syscalls=rules))
    names = sorted({n for r in rules for n in r.names}) or ["read"]
    interesting = [a.value for r in rules for a in r.args] + [a.value_two for r in rules for a in r.args] + [0]
    for _ in range(5):
        name = data.draw(st.sampled_from(names))
        args = tuple(data.draw(st.sampled_from(interesting) | st.integers(0, 2**64 - 1)) for _ in range(6))
        assert run(code, NUMBERS[name], args) == expected(rules, name, args)


def test_the_kernel_takes_the_filter_and_obeys_it() -> None:
    code = seccomp.compile_filter(profile.default())
    pid = os.fork()
    if pid == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        array = ctypes.create_string_buffer(code, len(code))
        program = struct.pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(array))
        libc.prctl(38, 1, 0, 0, 0)
        if libc.syscall(NUMBERS["seccomp"], 1, 0, program) != 0:
            os._exit(1)
        denied = libc.syscall(NUMBERS["bpf"], 0, 0, 0) == -1 and ctypes.get_errno() == 1
        unknown = libc.syscall(1000, 0) == -1 and ctypes.get_errno() == 38
        os._exit(0 if denied and unknown and os.getpid() > 0 else 2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.skipif(MACHINE != "x86_64", reason="int 0x80 is x86's")
def test_a_32_bit_call_kills_the_process() -> None:
    code = seccomp.compile_filter(profile.default())
    pid = os.fork()
    if pid == 0:
        import mmap

        libc = ctypes.CDLL(None, use_errno=True)
        array = ctypes.create_string_buffer(code, len(code))
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20 (getpid); int 0x80; ret
        call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
        libc.prctl(38, 1, 0, 0, 0)
        libc.syscall(NUMBERS["seccomp"], 1, 0, struct.pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(array)))
        call()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGSYS
