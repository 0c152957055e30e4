"""Processes, their descriptors and capabilities; devices; and what the host and other containers have."""

from __future__ import annotations

import os
import socket

import pytest

from tests.escape.conftest import Fence

SYS_ADMIN = 21


def test_no_process_of_the_host_is_seen(fence: Fence) -> None:
    """CVE-2016-9962, ptrace(2): what has no number here can be neither traced, nor signalled, nor climbed into."""
    inside = "{os.stat(p).st_ino for p in glob.glob('/proc/[0-9]*/ns/pid')}"
    assert fence.inside.value(f"{inside} == {{os.stat('/proc/self/ns/pid').st_ino}}")
    assert fence.inside.value("os.stat('/proc/self/ns/pid').st_ino") != os.stat("/proc/self/ns/pid").st_ino


def test_roots_and_working_directories_lead_to_nowhere_else(fence: Fence) -> None:
    """CVE-2024-21626, CVE-2015-3627: /proc/*/root, cwd and descriptors of the runtime were of the host."""
    places = "glob.glob('/proc/[0-9]*/root') + glob.glob('/proc/[0-9]*/cwd')"
    assert fence.inside.value(f"{{os.stat(p).st_dev for p in {places}}} == {{os.stat('/').st_dev}}")


def test_no_descriptor_is_left_open(fence: Fence) -> None:
    """CVE-2024-21626: one of a directory of the host."""
    kinds = "sorted({os.readlink(p).split(':')[0] for p in glob.glob('/proc/[0-9]*/fd/*') if os.path.lexists(p)})"
    assert set(fence.inside.value(kinds)) <= {"/dev/null", "pipe", f"/proc/{fence.inside.value('os.getpid()')}/fd"}
    assert fence.program("sh", "-c", "ls /proc/self/fd").split() == ["0", "1", "2", "3"]  # 3: what ls reads


@pytest.mark.parametrize("number", range(3, 10))
def test_no_descriptor_serves_as_working_directory(fence: Fence, number: int) -> None:
    """CVE-2024-21626, its second way."""
    program = ["-w", f"/proc/self/fd/{number}", "cell", "ls", "-a", "."]
    tried = fence.person.heliostui("exec", *program)
    assert tried.returncode == 125 or not tried.stdout, tried.stdout


def test_the_launcher_cannot_be_overwritten(fence: Fence) -> None:
    """CVE-2019-5736: who runs /proc/self/exe runs the launcher's program, and has the host's file in its hands."""
    readonly = "import os; print(os.statvfs('/proc/self/exe').f_flag & os.ST_RDONLY)"
    assert fence.program("/proc/self/exe", "-I", "-c", readonly) in ("1\n", "")
    assert fence.person.heliostui("exec", "cell", "/proc/self/exe", "-I", "-c", readonly).stdout in ("1\n", "")


def test_the_init_program_cannot_be_overwritten(fence: Fence) -> None:
    """The same, for the file of the host that `--init` runs as PID 1."""
    readonly = "import os; print(os.statvfs('/proc/1/exe').f_flag & os.ST_RDONLY)"
    assert fence.program("python3", "-c", readonly, options=("--init",)) == "1\n"


def test_no_capability_comes_back(fence: Fence) -> None:
    """capset(2), prctl(2): what is not permitted can't be; CVE-2022-24769, CVE-2016-8867: and nothing is handed on."""
    bit = 1 << SYS_ADMIN
    fence.holds(f"call('capset', struct.pack('=Ii', 0x20080522, 0), struct.pack('=6I', {bit}, {bit}, 0, 0, 0, 0))")
    status = "{k: v.strip() for k, _, v in (l.partition(':') for l in open('/proc/self/status'))}"
    assert fence.inside.value(f"[{status}[k] for k in ('CapInh', 'CapAmb')]") == ["0" * 16] * 2


def test_a_capability_of_a_file_gives_nothing(fence: Fence) -> None:
    """capabilities(7): CAP_SETFCAP is a default; with the bounding set and no_new_privs it is worth nothing."""
    granted = f"struct.pack('=IIIII', 0x02000001, {1 << SYS_ADMIN}, 0, 0, 0)"
    fence.hides(f"""
        import subprocess
        shutil.copy('/bin/cat', '/tmp/cat')
        os.setxattr('/tmp/cat', 'security.capability', {granted})
        shown = subprocess.run(['/tmp/cat', '/proc/self/status'], capture_output=True, text=True).stdout
        effective = [line.split()[1] for line in shown.splitlines() if line.startswith('CapEff')]
        answer = any(int(e, 16) >> {SYS_ADMIN} & 1 for e in effective)
    """)


def test_a_set_user_id_program_gives_nothing(fence: Fence) -> None:
    """PR_SET_NO_NEW_PRIVS(2const): a program of root that anybody may run, as in sudo's CVE-2021-3156."""
    assert fence.inside.value("call('prctl', 39, 0, 0, 0, 0)") == 1
    fence.hides("""
        import subprocess
        shutil.copy('/usr/bin/id', '/tmp/id')
        os.chmod('/tmp/id', 0o4755)
        as_nobody = dict(user=1, group=1, extra_groups=[])
        answer = subprocess.run(['/tmp/id', '-u'], capture_output=True, text=True, **as_nobody).stdout == '0\\n'
    """)


@pytest.mark.parametrize(("name", "major", "minor"), [("mem", 1, 1), ("kmsg", 1, 11), ("fuse", 10, 229)])
def test_a_node_made_inside_is_not_opened(fence: Fence, name: str, major: int, minor: int) -> None:
    """mknod(2): CAP_MKNOD is a default; the device cgroup is what refuses."""
    fence.holds(_made_and_opened(name, "S_IFCHR", os.makedev(major, minor)))


def test_a_node_of_the_disk_is_not_opened(fence: Fence) -> None:
    """mknod(2) of the disk that the host's root lies on: debugfs(8) does the rest."""
    disk = os.stat("/").st_dev
    if os.major(disk) == 0:
        pytest.skip("the root of this machine lies on no disk")
    fence.holds(_made_and_opened("disk", "S_IFBLK", disk))


def _made_and_opened(name: str, kind: str, number: int) -> str:
    return f"""
        os.path.exists('/tmp/{name}') or os.mknod('/tmp/{name}', 0o600 | stat.{kind}, {number})
        os.close(os.open('/tmp/{name}', os.O_RDONLY))
    """


def test_dev_has_no_device_of_the_machine(fence: Fence) -> None:
    """OCI runtime-spec, "Default Devices"; and the terminals of others are not in /dev/pts."""
    devices = "sorted(n for n in os.listdir('/dev') if stat.S_ISBLK(os.stat('/dev/' + n).st_mode))"
    assert fence.inside.value(devices) == []
    assert fence.inside.value("os.listdir('/dev/pts')") == ["ptmx"]
    for absent in ("mem", "kmsg", "fuse", "kvm", "net", "mapper", "loop-control", "vsock", "dri", "input"):
        assert not fence.inside.value(f"os.path.exists('/dev/{absent}')"), absent


def test_a_terminal_takes_no_keys_from_a_container(fence: Fence) -> None:
    """CVE-2017-5226 (TIOCSTI): what is pushed into a terminal must not reach the shell that started the container."""
    push = "python3 -c \"import fcntl; [fcntl.ioctl(0, 0x5412, bytes([c])) for c in b'touch pushed\\n']\""
    pushed = fence.person.directory / "pushed"
    with fence.person.shell() as screen:
        screen.type(f'{fence.person.python} -m heliostui run --rm -it host {push}; echo in""side\n')
        screen.until("inside")
        screen.type('echo no""thing\n')
        screen.until("nothing")
        assert not pushed.exists()
        screen.type(f'{push} || touch pushed; echo out""side; ls\n')  # not every kernel has it
        screen.until("outside")
        screen.type('echo some""thing\n')
        screen.until("something")
    assert pushed.exists()


def test_abstract_sockets_of_the_host_cannot_be_reached(fence: Fence) -> None:
    """CVE-2020-15257: containerd's shim listened on one."""
    name = f"heliostui-escape-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as host:
        listener.bind(f"\0{name}")
        listener.listen()
        host.connect(f"\0{name}")
        assert fence.inside.attempt(f"socket.socket(1).connect('\\0{name}')").error == "ECONNREFUSED"


def test_shared_memory_of_the_host_is_not_seen(fence: Fence) -> None:
    """ipc_namespaces(7), shm_overview(7)."""
    with open(f"/dev/shm/heliostui-escape-{os.getpid()}", "w") as file:
        try:
            assert not fence.inside.value(f"os.path.exists({file.name!r})")
        finally:
            os.unlink(file.name)
    assert fence.inside.value("open('/proc/sysvipc/shm').readlines()[1:]") == []


def test_an_exec_under_way_cannot_be_caught(fence: Fence) -> None:
    """CVE-2016-9962: root inside opened the descriptors of a runtime that had just entered."""
    fence.inside.send("""
        caught, known = set(), set(os.listdir('/proc'))
        while not os.path.exists('/tmp/over'):
            for pid in set(os.listdir('/proc')) - known:
                for link in ('exe', 'cwd', *(f'fd/{n}' for n in range(3, 12))):
                    try:
                        caught.add((link, os.readlink(f'/proc/{pid}/{link}')))
                    except OSError:
                        pass
        answer = sorted(caught)
    """)
    for _ in range(8):
        assert fence.person.heliostui("exec", "cell", "/usr/bin/true").returncode == 0
    assert fence.person.heliostui("exec", "cell", "/usr/bin/touch", "/tmp/over").returncode == 0
    caught = fence.inside.receive().value
    own = ("/usr/", "/lib", "/etc/", "/tmp/over")  # the program's, once it is there
    assert [(link, path) for link, path in caught if [link, path] != ["cwd", "/"] and not path.startswith(own)] == []
