"""Calls that reach beyond a container, or that much of the kernel's history of holes lies behind."""

from __future__ import annotations

import platform

import pytest

from tests.escape.conftest import Fence

NEWUSER = 0x10000000


def test_another_kernel_cannot_be_booted(fence: Fence) -> None:
    """kexec_load(2)."""
    fence.holds("call('kexec_load', 0, 0, 0, 0xFFFF0000)")


def test_the_machine_cannot_be_rebooted(fence: Fence) -> None:
    """reboot(2); with a wrong magic number, so that nothing happens where it is allowed."""
    fence.holds("call('reboot', 0, 0, 0, 0)")


def test_no_module_is_loaded_into_the_kernel(fence: Fence) -> None:
    """finit_module(2), init_module(2)."""
    fence.holds(
        "call('finit_module', -1, b'', 0)",
        "call('init_module', 0, 0, b'')",
    )


def test_no_bpf_program_is_loaded(fence: Fence) -> None:
    """CVE-2020-8835, CVE-2021-3490: the verifier let programs write to the kernel's memory."""
    fence.holds("call('bpf', 9999, 0, 0)")


def test_kernel_keyrings_are_out_of_reach(fence: Fence) -> None:
    """CVE-2016-0728; and keyrings belong to no namespace: root inside has those of root outside."""
    fence.holds(
        "call('keyctl', 0, -4, 1)",  # the id of its user's keyring
        "call('add_key', b'user', b'escape', b'x', 1, -2)",
        "call('request_key', b'user', b'no such key', 0, 0)",
    )


def test_page_faults_cannot_be_handled_in_user_space(fence: Fence) -> None:
    """userfaultfd(2) holds the kernel still in the middle of a copy; exploits of CVE-2016-6187 and many since did."""
    fence.holds("call('userfaultfd', 0)")


def test_io_uring_is_not_there(fence: Fence) -> None:
    """CVE-2022-2602, CVE-2023-2598: calls that go past seccomp, and a third of the kernel's holes of those years."""
    fence.holds("call('io_uring_setup', 1, ctypes.create_string_buffer(120))")


def test_the_kernel_cannot_be_measured(fence: Fence) -> None:
    """CVE-2013-2094, perf_event_open(2)."""
    fence.holds("call('perf_event_open', 0, 0, -1, -1, 0)")


def test_files_cannot_be_opened_by_handle(fence: Fence) -> None:
    """ "shocker" (2014): open_by_handle_at(2) with a guessed inode number read /etc/shadow of the host."""
    fence.holds("call('open_by_handle_at', -100, struct.pack('=Ii8s', 8, 1, bytes(8)), 0)")


def test_the_kernel_log_cannot_be_read(fence: Fence) -> None:
    """syslog(2): addresses of the kernel, and what other containers made it say."""
    fence.holds("call('syslog', 3, ctypes.create_string_buffer(64), 64)")


def test_the_clock_of_the_machine_cannot_be_set(fence: Fence) -> None:
    """clock_settime(2), with a clock that nobody can set, so that nothing happens where it is allowed."""
    fence.holds("call('clock_settime', 1, struct.pack('=qq', 0, 0))")


def test_ports_of_the_hardware_are_out_of_reach(fence: Fence) -> None:
    """iopl(2), ioperm(2)."""
    fence.holds(
        "call('iopl', 0)",
        "call('ioperm', 0x80, 1, 0)",
    )


def test_memory_is_not_swapped_to_files_of_its_choice(fence: Fence) -> None:
    """swapon(2), acct(2), quotactl(2): the kernel writes to a file that somebody names."""
    fence.holds(
        "call('swapon', b'/nowhere', 0)",
        "call('acct', b'/nowhere')",
        "call('quotactl', 0x800001 << 8, b'/nowhere', 0, 0)",
    )


def test_no_user_namespace_gives_capabilities_back(fence: Fence) -> None:
    """CVE-2022-0185, CVE-2022-0492, CVE-2023-32233: what they needed, a new user namespace gave to anybody."""
    fence.holds(
        f"call('unshare', {NEWUSER})",
        f"call('clone', {NEWUSER}, 0, 0, 0, 0) or os._exit(0)",
    )


def test_clone3_cannot_hide_a_namespace(fence: Fence) -> None:
    """moby issue 42680: its flags lie behind a pointer, where no filter looks; ENOSYS makes C libraries use clone."""
    fence.holds(f"call('clone3', struct.pack('=11Q', {NEWUSER}, *(0,) * 3, 17, *(0,) * 6), 88) or os._exit(0)")
    assert fence.inside.attempt("call('clone3', bytes(88), 88)").error == "ENOSYS"


def test_no_other_namespace_can_be_entered(fence: Fence) -> None:
    """setns(2)."""
    fence.holds("call('setns', os.open('/proc/1/ns/mnt', os.O_RDONLY), 0)")


def test_addresses_stay_random(fence: Fence) -> None:
    """personality(2), ADDR_NO_RANDOMIZE and READ_IMPLIES_EXEC: they make every other hole easier to use."""
    fence.holds("call('personality', 0x0440000)")


def test_the_hypervisor_cannot_be_called(fence: Fence) -> None:
    """CVE-2021-26708, and moby issue 44562: AF_VSOCK belongs to no namespace."""
    fence.holds("socket.socket(40, socket.SOCK_STREAM).close()")


def test_its_own_network_cannot_be_configured(fence: Fence) -> None:
    """CVE-2021-22555, CVE-2024-1086: holes in netfilter, behind CAP_NET_ADMIN."""
    fence.holds("fcntl.ioctl(socket.socket(), 0x8914, struct.pack('=16sH22x', b'lo', 0))")


x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="x86_64 has three system call tables")


@x86_64
def test_the_call_table_of_i386_is_no_way_around_the_filter(fence: Fence) -> None:
    """seccomp(2), "Caveats": unshare by its number there, through int 0x80."""
    fence.holds(f"""
        import mmap
        code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        # push rbx; mov ebx, NEWUSER; mov eax, 310; int 0x80; pop rbx; ret
        code.write(b"\\x53\\xbb" + struct.pack("=I", {NEWUSER}) + b"\\xb8\\x36\\x01\\0\\0\\xcd\\x80\\x5b\\xc3")
        made = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
        if made < 0:
            raise OSError(-made, "unshare")
    """)


@x86_64
def test_the_call_table_of_x32_is_no_way_around_the_filter(fence: Fence) -> None:
    """seccomp(2), "Caveats": unshare by its number there, which has a bit more."""
    fence.holds(f"call(0x40000000 | number('unshare'), {NEWUSER})")
