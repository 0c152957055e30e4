"""The filter does what the profile says. A small BPF machine stands in for the kernel, which has the last word, and
libseccomp, with which others build theirs, says what the rules mean."""

from __future__ import annotations

import ctypes
import itertools
import os
import platform
import signal
import struct

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.sandbox import seccomp
from engine.sandbox.conventions import OF_MACHINE, Convention, in_force
from engine.sandbox.syscalls import NUMBERS
from engine.spec import seccomp as spec
from engine.spec import seccomp_default
from engine.spec.seccomp_profile import Host, resolve
from engine.spec.structs import Seccomp, SeccompArgument, SeccompRule
from tests.engine.sandbox import libseccomp
from tests.engine.sandbox.bpf import Program, decode, run

ALLOW, ERRNO, LOG, KILL = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_LOG", "SCMP_ACT_KILL_PROCESS"
ALLOWED, LOGGED, EPERM, ENOSYS, KILLED = 0x7FFF0000, 0x7FFC0000, 0x00050001, 0x00050026, 0x80000000
X86_64, X86, X32 = OF_MACHINE["x86_64"]
AARCH64, ARM = OF_MACHINE["aarch64"]
PC = ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]
OPERATORS = ("EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ")


def rule(
    names: str, action: str, *args: tuple[int, str, int] | tuple[int, str, int, int], **further: int
) -> SeccompRule:
    """Each of `args`: index, operator, value, and the second value of MASKED_EQ."""
    arguments = [
        SeccompArgument(index=index, op=f"SCMP_CMP_{op}", value=value, value_two=second[0] if second else 0)
        for index, op, value, *second in args
    ]
    return SeccompRule(names=names.split(), action=action, args=arguments, **further)


def profile(*rules: SeccompRule, default: str = ERRNO, architectures: list[str] | None = None) -> Seccomp:
    return Seccomp(default_action=default, architectures=architectures or [], syscalls=list(rules))


def verdict(code: Program, convention: Convention, name: str, *arguments: int) -> int:
    return run(code, convention.numbers[name], arguments, convention.audit)


CAPABILITIES = ["CAP_CHOWN", "CAP_SYS_CHROOT"]
DEFAULT = seccomp.instructions(spec.default(CAPABILITIES), "x86_64")


@pytest.mark.parametrize("convention", [X86_64, X86], ids=lambda convention: convention.short)
def test_the_default_profile_lets_exactly_its_calls_through(convention: Convention) -> None:
    elsewhere = {"clone", "clone3", "socket", "personality", "socketcall", "chroot"}
    on_pc = {"arch_prctl", "modify_ldt"}
    for name in convention.numbers.keys() - elsewhere:
        expected = ALLOWED if name in {*seccomp_default.ALLOWED, *on_pc} else EPERM
        assert verdict(DEFAULT, convention, name) == expected, name
    assert verdict(DEFAULT, convention, "chroot") == ALLOWED


@pytest.mark.parametrize(
    "name", "mount bpf kexec_load init_module keyctl unshare setns open_tree userfaultfd io_uring_setup".split()
)
def test_dangerous_calls_are_refused(name: str) -> None:
    assert verdict(DEFAULT, X86_64, name) == EPERM
    assert verdict(DEFAULT, X86, name) == EPERM


def test_arguments_decide_where_the_profile_says_so() -> None:
    assert verdict(DEFAULT, X86_64, "clone", 0x11) == ALLOWED
    assert verdict(DEFAULT, X86_64, "clone", 0x10000000) == EPERM  # CLONE_NEWUSER
    assert verdict(DEFAULT, X86_64, "clone3") == ENOSYS
    assert verdict(DEFAULT, X86_64, "personality", 0xFFFFFFFF) == ALLOWED
    assert verdict(DEFAULT, X86_64, "personality", 0x0400000) == EPERM  # ADDR_COMPAT_LAYOUT and the like


@pytest.mark.parametrize(
    ("family", "expected"),
    [(1, ALLOWED), (2, ALLOWED), (10, ALLOWED), (16, ALLOWED), (17, ALLOWED), (38, EPERM), (40, EPERM), (12, EPERM)],
)
@pytest.mark.parametrize("convention", [X86_64, X86], ids=lambda convention: convention.short)
def test_sockets_are_of_the_families_that_containers_need(convention: Convention, family: int, expected: int) -> None:
    assert verdict(DEFAULT, convention, "socket", family) == expected


def test_a_forbidden_family_can_not_be_had_through_high_bits_or_socketcall() -> None:
    assert verdict(DEFAULT, X86_64, "socket", 40 | 1 << 32) == EPERM
    assert verdict(DEFAULT, X86, "socketcall", 1) == EPERM  # SYS_SOCKET; the family is behind a pointer
    assert verdict(DEFAULT, X86, "socketcall", 3) == ALLOWED  # SYS_CONNECT


def test_a_call_newer_than_the_table_does_not_exist() -> None:
    assert run(DEFAULT, X86_64.newest + 1, (), X86_64.audit) == ENOSYS
    assert run(DEFAULT, X86.newest + 1, (), X86.audit) == ENOSYS


@pytest.mark.parametrize(("default", "expected"), [(KILL, KILLED), (ALLOW, ALLOWED), (LOG, LOGGED)])
def test_where_the_default_is_no_errno_it_holds_for_newer_calls_too(default: str, expected: int) -> None:
    code = seccomp.instructions(profile(default=default), "x86_64")
    assert run(code, X86_64.newest + 1, (), X86_64.audit) == expected


def test_a_convention_that_the_profile_does_not_name_kills() -> None:
    native = seccomp.instructions(profile(rule("read", ALLOW)), "x86_64")
    assert verdict(native, X86_64, "read") == ALLOWED
    assert verdict(native, X86, "read") == KILLED
    assert verdict(native, X32, "read") == KILLED
    assert run(native, 0, (), AARCH64.audit) == KILLED


def test_each_convention_has_its_own_numbers() -> None:
    code = seccomp.instructions(profile(rule("read write", ALLOW), architectures=PC), "x86_64")
    for convention in (X86_64, X86, X32):
        assert verdict(code, convention, "read") == ALLOWED
        assert verdict(code, convention, "mount") == EPERM
    assert run(code, X86_64.numbers["read"], (), X86.audit) == EPERM  # 0 is restart_syscall there
    arm = seccomp.instructions(profile(rule("read set_tls", ALLOW), architectures=["SCMP_ARCH_ARM"]), "aarch64")
    assert verdict(arm, AARCH64, "read") == verdict(arm, ARM, "read") == verdict(arm, ARM, "set_tls") == ALLOWED
    assert run(arm, ARM.newest + 1, (), ARM.audit) == ENOSYS


def test_a_call_that_a_tracer_took_away_is_no_call_of_x32() -> None:
    """ptrace(2): a tracer writes -1 as the number; with a filter that kills x32 calls this must not kill."""
    assert run(seccomp.instructions(profile(), "x86_64"), -1, (), X86_64.audit) == EPERM


def test_a_refusal_holds_through_the_gate_even_where_it_has_conditions() -> None:
    """What it is about can't be seen there: ipc(2) and socketcall(2) pass their arguments behind a pointer."""
    refusing = profile(rule("socket", ERRNO, (0, "EQ", 38)), rule("semop", KILL), default=ALLOW, architectures=PC)
    code = seccomp.instructions(refusing, "x86_64")
    assert verdict(code, X86, "socketcall", 1) == EPERM
    assert verdict(code, X86, "socketcall", 2) == ALLOWED
    assert verdict(code, X86, "ipc", 1) == verdict(code, X86, "ipc", 1 | 1 << 16) == KILLED
    assert verdict(code, X86, "ipc", 2) == ALLOWED


def test_a_permission_with_conditions_gives_none_through_the_gate() -> None:
    code = seccomp.instructions(profile(rule("socket", ALLOW, (0, "EQ", 2)), architectures=PC), "x86_64")
    assert verdict(code, X86, "socket", 2) == ALLOWED
    assert verdict(code, X86, "socketcall", 1) == EPERM


def test_a_filter_that_the_kernel_would_not_take_is_refused() -> None:
    rules = [rule("read", ALLOW, *((i, "EQ", n) for i in range(6))) for n in range(200)]
    with pytest.raises(EngineError) as caught:
        seccomp.compile_filter(profile(*rules))
    assert caught.value.code == ErrorCode.INVALID
    assert "4096" in caught.value.message


def test_flags_are_those_of_seccomp_and_tsync_has_nothing_to_do() -> None:
    flags = ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]
    assert seccomp.filter_flags(Seccomp(default_action=ALLOW, flags=flags)) == 2 | 4


def test_the_filter_is_short_to_walk() -> None:
    """About log2 of the ranges: what the kernel does at a call that it has not remembered."""
    assert len(seccomp.instructions(Seccomp(default_action=ERRNO, syscalls=spec.default([]).syscalls))) < 400
    assert len(DEFAULT) < 800


# Against the rules said directly

VALUES = (
    st.integers(0, 3) | st.sampled_from([1 << 31, 1 << 32, (1 << 32) + 1, (1 << 64) - 1]) | st.integers(0, 2**64 - 1)
)
ARGUMENTS = st.builds(
    SeccompArgument,
    index=st.integers(0, 5),
    value=VALUES,
    value_two=VALUES,
    op=st.sampled_from([f"SCMP_CMP_{op}" for op in OPERATORS]),
)


def rules_of(names: list[str], arguments: st.SearchStrategy[list[SeccompArgument]]) -> st.SearchStrategy[SeccompRule]:
    return st.builds(
        SeccompRule,
        names=st.lists(st.sampled_from(names), min_size=1, max_size=4),
        action=st.sampled_from([ALLOW, ERRNO, LOG, KILL]),
        args=arguments,
    )


def holds(argument: SeccompArgument, arguments: tuple[int, ...], bits: int) -> bool:
    mask = (1 << bits) - 1
    given, value = arguments[argument.index] & mask, argument.value & mask
    match argument.op.removeprefix("SCMP_CMP_"):
        case "EQ":
            return given == value
        case "NE":
            return given != value
        case "LT":
            return given < value
        case "LE":
            return given <= value
        case "GT":
            return given > value
        case "GE":
            return given >= value
    return given & value == argument.value_two & value


def expected(profile: Seccomp, name: str, arguments: tuple[int, ...], bits: int) -> int:
    """The profile's meaning: the first rule without conditions, else the first that holds, else the default."""
    default = seccomp.default_action(profile)
    actions = {ALLOW: ALLOWED, ERRNO: EPERM, LOG: LOGGED, KILL: KILLED}
    mine = [r for r in profile.syscalls if name in r.names and actions[r.action] != default]
    for r in mine:
        if not r.args:
            return actions[r.action]
    for r in mine:
        test = any if len({a.index for a in r.args}) < len(r.args) else all
        if test(holds(a, arguments, bits) for a in r.args):
            return actions[r.action]
    return default


ORDINARY = sorted(
    (X86_64.numbers.keys() & X86.numbers.keys() & X32.numbers.keys()) - X86.gates.keys() - {"ipc", "socketcall"}
)


@given(
    st.lists(rules_of(ORDINARY, st.lists(ARGUMENTS, max_size=3)), max_size=6),
    st.sampled_from([ERRNO, ALLOW]),
    st.data(),
)
def test_any_profile_means_what_it_says(rules: list[SeccompRule], default: str, data: st.DataObject) -> None:
    given_profile = profile(*rules, default=default, architectures=PC)
    code = seccomp.instructions(given_profile, "x86_64")
    names = sorted({n for r in rules for n in r.names}) or ["read"]
    values = [v for r in rules for a in r.args for v in (a.value, a.value_two, a.value + 1 & 2**64 - 1)] + [0]
    for convention in (X86_64, X86, X32):
        name = data.draw(st.sampled_from([n for n in names if n in convention.numbers] or ["read"]))
        arguments = tuple(data.draw(st.sampled_from(values) | VALUES) for _ in range(6))
        if convention is X86:
            arguments = tuple(value & 0xFFFFFFFF for value in arguments)
        wanted = expected(given_profile, name, arguments, convention.bits)
        assert verdict(code, convention, name, *arguments) == wanted, (convention.short, name)


# Against libseccomp

ORACLE = libseccomp.load()
needs_libseccomp = pytest.mark.skipif(ORACLE is None, reason="libseccomp is not installed (Debian: libseccomp2)")
# What libseccomp makes of several rules with several conditions each for one call is not what they say (its tree of
# comparisons forgets rules that begin as others do), so each call here has one, or some with one condition each.
LONE = st.lists(ARGUMENTS, max_size=4, unique_by=lambda argument: argument.index).map(lambda arguments: [arguments])
SINGLES = st.lists(ARGUMENTS.map(lambda argument: [argument]), min_size=1, max_size=4)


@st.composite
def same_action_profiles(draw: st.DrawFn) -> Seccomp:
    rules = []
    for name in draw(st.lists(st.sampled_from(KNOWN), unique=True, max_size=5)):
        action = draw(st.sampled_from([ALLOW, ERRNO, LOG, KILL]))
        rules += [SeccompRule(names=[name], action=action, args=arguments) for arguments in draw(LONE | SINGLES)]
    default = draw(st.sampled_from([ERRNO, ALLOW, KILL]))
    return Seccomp(default_action=default, architectures=PC, syscalls=rules)


def _known_to_both() -> list[str]:
    if ORACLE is None:
        return ["read"]
    return [name for name in ORDINARY if ORACLE.seccomp_syscall_resolve_name(name.encode()) != libseccomp.NO_SUCH_NAME]


KNOWN = _known_to_both()


def same_everywhere(profile: Seccomp, machine: str, samples: list[int]) -> None:
    """Ours and libseccomp's say the same of every call that both know, by every convention, with these arguments."""
    assert ORACLE is not None
    conventions = in_force(profile.architectures, machine)
    ours, theirs = seccomp.instructions(profile, machine), libseccomp.compiled(ORACLE, profile, conventions[0].name)
    for convention in conventions:
        known = [name for name in convention.numbers if libseccomp.number(ORACLE, convention, name) is not None]
        for name in known:
            for value, index in itertools.product(samples, (0, 1)):
                arguments = [0] * 6
                arguments[index] = value if convention.bits == 64 else value & 0xFFFFFFFF
                mine = verdict(ours, convention, name, *arguments)
                assert mine == verdict(theirs, convention, name, *arguments), (convention.short, name, arguments)


@needs_libseccomp
@pytest.mark.parametrize("convention", [X86_64, X86, X32, AARCH64, ARM], ids=lambda convention: convention.short)
def test_the_numbers_are_libseccomps_where_it_knows_the_call(convention: Convention) -> None:
    assert ORACLE is not None
    theirs = {name: libseccomp.number(ORACLE, convention, name) for name in convention.numbers}
    assert {name: number for name, number in theirs.items() if number not in (None, convention.numbers[name])} == {}
    assert sum(number is not None for number in theirs.values()) > 300


@needs_libseccomp
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("capabilities", [[], ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE"]], ids=["none", "some"])
def test_the_default_profile_is_what_libseccomp_makes_of_it(machine: str, capabilities: list[str]) -> None:
    """But for socket, since libseccomp allows socketcall(SYS_SOCKET) when any family is."""
    profile = resolve(seccomp_default.PROFILE, capabilities, Host(machine, (6, 1)))
    rules = [rule for rule in profile.syscalls if rule.names != ["socket"]]
    samples = [0, 1, 2, 8, 38, 40, 0x11, 0x20008, 0x10000000, 0xFFFFFFFF, 1 << 32, (1 << 64) - 1]
    same_everywhere(msgspec.structs.replace(profile, syscalls=rules), machine, samples)


@needs_libseccomp
@settings(max_examples=25)
@given(same_action_profiles())
def test_every_comparison_is_libseccomps(profile: Seccomp) -> None:
    values = [v for r in profile.syscalls for a in r.args for v in (a.value, a.value_two)]
    around = sorted({(v + d) % 2**64 for v in values for d in (-1, 0, 1)} | {0})[:20]
    assert ORACLE is not None
    ours, theirs = seccomp.instructions(profile, "x86_64"), libseccomp.compiled(ORACLE, profile, "SCMP_ARCH_X86_64")
    for convention in (X86_64, X86, X32):
        for name in {n for r in profile.syscalls for n in r.names} & convention.numbers.keys():
            for value, index in itertools.product(around, range(6)):
                arguments = [0] * 6
                arguments[index] = value if convention.bits == 64 else value & 0xFFFFFFFF
                mine = verdict(ours, convention, name, *arguments)
                assert mine == verdict(theirs, convention, name, *arguments), (convention.short, name, arguments)


@needs_libseccomp
def test_every_call_has_libseccomps_verdict_by_every_convention() -> None:
    masked = rule("clone", ALLOW, (0, "MASKED_EQ", 0x7E020000, 0))
    same_everywhere(
        profile(masked, rule("read write send", ALLOW), architectures=PC), "x86_64", [0, 0x10000000, 1 << 33]
    )
    same_everywhere(profile(rule("socket semop", ERRNO), default=ALLOW, architectures=PC), "x86_64", [0, 1, 2])
    arm = profile(rule("read fadvise64_64 set_tls", ALLOW), masked, architectures=["SCMP_ARCH_ARM"])
    same_everywhere(arm, "aarch64", [0, 0x10000000])


@needs_libseccomp
@pytest.mark.parametrize(
    "rules",
    [
        [rule("read", ALLOW), rule("read", LOG)],
        [rule("read", ALLOW, (0, "EQ", 1)), rule("read", LOG)],
        [rule("read", LOG), rule("read", ALLOW, (0, "EQ", 1))],
        [rule("read", ERRNO, (0, "EQ", 1)), rule("read", ALLOW, (0, "GE", 1))],
        [rule("read", ALLOW, (0, "EQ", 1), (0, "EQ", 2))],
    ],
    ids=["two without", "without last", "without first", "the default's action", "one argument twice"],
)
def test_which_rule_goes_before_which_is_libseccomps_order(rules: list[SeccompRule]) -> None:
    same_everywhere(profile(*rules), "x86_64", [0, 1, 2, 3])


# Against the kernel


def installed(profile: Seccomp, then: str) -> int:
    """The wait status of a child that runs `then` under the filter; its exit code is what that gives."""
    code = seccomp.compile_filter(profile)
    pid = os.fork()
    if pid == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        array = ctypes.create_string_buffer(code, len(code))
        program = struct.pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(array))
        libc.prctl(38, 1, 0, 0, 0)
        if libc.syscall(NUMBERS["seccomp"], 1, seccomp.filter_flags(profile), program) != 0:
            os._exit(99)
        os._exit(eval(then, {"libc": libc, "errno": ctypes.get_errno, "i386": i386, "N": NUMBERS}) or 0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def i386(number: int) -> int:
    """A call by the 32-bit convention: mov eax, number; int 0x80; ret."""
    import mmap

    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes.fromhex("b8") + number.to_bytes(4, "little") + bytes.fromhex("cd80c3"))
    return int(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))())


def test_the_kernel_takes_the_filter_and_obeys_it() -> None:
    default = spec.default([])
    assert installed(default, "libc.syscall(N['bpf'], 0, 0, 0) == -1 and errno()") == 1
    assert installed(default, "libc.syscall(1000, 0) == -1 and errno()") == 38
    assert installed(default, "libc.syscall(N['getpid']) <= 0") == 0


def test_the_kernel_compares_as_we_do() -> None:
    for op, values in {"LT": [0, 1], "LE": [0, 1, 2], "GT": [3], "GE": [2, 3], "EQ": [2], "NE": [0, 1, 3]}.items():
        refusing = profile(rule("umask", ERRNO, (0, op, 2), errno_ret=33), default=ALLOW)
        refused = [v for v in range(4) if installed(refusing, f"libc.syscall(N['umask'], {v}) == -1 and errno()") == 33]
        assert refused == values, op


@pytest.mark.skipif(platform.machine() != "x86_64", reason="int 0x80 is x86's")
def test_a_32_bit_call_is_looked_at_by_its_own_number() -> None:
    assert installed(spec.default([]), "i386(20) != libc.getpid()") == 0  # 20 is getpid there, and writev here
    refusing = profile(rule("getpid", ERRNO, errno_ret=77), default=ALLOW, architectures=PC)
    assert installed(refusing, "-i386(20)") == 77


@pytest.mark.skipif(platform.machine() != "x86_64", reason="int 0x80 is x86's")
def test_a_32_bit_call_kills_where_the_profile_does_not_know_them() -> None:
    assert installed(profile(default=ALLOW), "i386(20)") == -signal.SIGSYS


def test_a_filter_is_compiled_once() -> None:
    assert seccomp.compile_filter(spec.default([])) is seccomp.compile_filter(spec.default([]))
    assert decode(seccomp.compile_filter(spec.default([]))) == [
        tuple(i) for i in seccomp.instructions(spec.default([]))
    ]
