"""The default spec: Docker's defaults, what the user asks for on top, and one sentence for what can't be."""

from __future__ import annotations

import os
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.images.image import Image
from engine.protocol.limits import Limits
from engine.protocol.messages import ContainerOptions, ErrorCode, MountOption, Scheduler
from engine.spec.default import from_options
from engine.spec.id_maps import WHOLE, contains, mapped_user, own
from engine.spec.namespaces import TYPES
from engine.spec.structs import Mount, Spec, User
from engine.spec.user import Account
from engine.spec.validate import read

ID = "0123456789ab"
WORDS = st.sampled_from(
    ["", "a", "nofile=1", "/dev/null", "c 1:3 r", "ALL", "chown", "0:1:2", "be:1", "077", "\0", "7"]
)
OPTIONS = {
    "cap_add": st.lists(WORDS, max_size=1),
    "ulimits": st.lists(WORDS, max_size=1),
    "devices": st.lists(WORDS, max_size=1),
    "device_rules": st.lists(WORDS, max_size=1),
    "uid_map": st.lists(WORDS, max_size=2),
    "selinux": st.lists(WORDS, max_size=1),
    "apparmor": WORDS,
    "io_priority": WORDS,
    "umask": WORDS,
    "hostname": WORDS,
    "domainname": WORDS,
    "cgroup_parent": WORDS,
    "privileged": st.booleans(),
    "tty": st.booleans(),
    "namespaces": st.dictionaries(
        st.sampled_from(TYPES), st.sampled_from(["private", "host", "container:a", "ns:/a", "b"]), max_size=2
    ),
    "sysctls": st.dictionaries(st.sampled_from(["kernel.sem", "net.a", "vm.a"]), WORDS, max_size=1),
    "annotations": st.dictionaries(WORDS, WORDS, max_size=1),
    "shm_size": st.integers(-1, 9),
    "oom_score_adj": st.integers(-1001, 1001),
}
IMAGE = Image("test", "", layers=("/layer",), masked=("/usr/share/private",), command=("/bin/sh",))
ROOT = Account(User(), "/root")


def spec(image: Image = IMAGE, account: Account = ROOT, **options: Any) -> Spec:
    return from_options(ContainerOptions(**options), image, ID, "/run/root", account)


def environment(of: Spec) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in of.process.env)


def test_a_container_of_no_options_runs_the_images_command() -> None:
    made = spec()
    assert made.process.args == ["/bin/sh"]
    assert (made.process.cwd, made.process.terminal, made.root.path, made.root.readonly) == (
        "/",
        False,
        "/run/root",
        False,
    )
    assert made.process.no_new_privileges
    assert made.hostname == ID
    assert made.process.rlimits == []


def test_the_spec_is_a_json_document_of_the_oci_runtime_specification() -> None:
    made = spec(tty=True)
    document = msgspec.json.encode(made)
    assert msgspec.json.decode(document, type=Spec) == made
    read = msgspec.json.decode(document)
    assert read["process"]["noNewPrivileges"] is True
    assert read["linux"]["maskedPaths"]
    assert read["process"]["consoleSize"] == {"height": 24, "width": 80}


def test_six_namespaces_are_its_own() -> None:
    assert {namespace.type for namespace in spec().linux.namespaces} == {
        "pid",
        "network",
        "ipc",
        "uts",
        "mount",
        "cgroup",
    }


def test_every_default_device_has_the_numbers_of_this_kernel() -> None:
    for device in spec().linux.devices:
        assert os.stat(device.path).st_rdev == os.makedev(device.major, device.minor)
    assert len(spec().linux.devices) == 6


def test_the_kernel_and_what_the_image_hides_are_masked() -> None:
    masked = spec().linux.masked_paths
    assert {"/proc/kcore", "/proc/keys", "/sys/firmware", "/usr/share/private"} <= set(masked)


def test_proc_sys_and_cgroup_cannot_be_written() -> None:
    made = spec()
    assert "/proc/sys" in made.linux.readonly_paths
    assert all("ro" in mount.options for mount in made.mounts if mount.destination.startswith("/sys"))


def test_mounts_come_parents_first() -> None:
    seen: list[str] = []
    for mount in spec().mounts:
        parent = os.path.dirname(mount.destination)
        assert parent == "/" or any(parent == other or parent.startswith(other + "/") for other in seen)
        seen.append(mount.destination)


def test_root_has_dockers_fourteen_capabilities_and_no_others() -> None:
    held = spec().process.capabilities
    assert held is not None
    assert len(held.bounding) == 14
    assert held.bounding == held.effective == held.permitted
    assert "CAP_SYS_ADMIN" not in held.bounding
    assert held.ambient == held.inheritable == []


def test_another_user_has_none_in_force() -> None:
    held = spec(account=Account(User(uid=1000, gid=1000), "/home/alice")).process.capabilities
    assert held is not None
    assert (len(held.bounding), held.effective, held.permitted) == (14, [], [])


def test_the_environment_has_what_programs_expect() -> None:
    inside = environment(spec(tty=True, hostname="web"))
    assert inside["HOME"] == "/root"
    assert inside["HOSTNAME"] == "web"
    assert inside["TERM"] == "xterm-256color"
    assert inside["LANG"] == "C.UTF-8"
    assert "/usr/bin" in inside["PATH"].split(":")


def test_the_hosts_name_is_told_where_it_is_shared() -> None:
    shared = spec(namespaces={"uts": "host"})
    assert shared.hostname is None
    assert environment(shared)["HOSTNAME"] == os.uname().nodename


def test_without_a_terminal_there_is_no_term() -> None:
    assert "TERM" not in environment(spec())


def test_the_users_environment_wins_and_names_appear_once() -> None:
    entries = spec(env=["PATH=/mine", "A=1", "A=2=3", "EMPTY=", "HOME=/else"]).process.env
    names = [entry.partition("=")[0] for entry in entries]
    assert len(names) == len(set(names))
    assert {"PATH=/mine", "A=2=3", "EMPTY=", "HOME=/else"} <= set(entries)


def test_options_find_their_place() -> None:
    options = ContainerOptions(
        command=["ls", "-l"], workdir="/srv", hostname="web.example", read_only=True, tty=True, columns=132, lines=50
    )
    made = from_options(options, IMAGE, ID, "/run/root", ROOT)
    assert made.process.args == ["ls", "-l"]
    assert (made.process.cwd, made.hostname, made.root.readonly) == ("/srv", "web.example", True)
    assert made.process.console_size is not None
    assert (made.process.console_size.width, made.process.console_size.height) == (132, 50)
    assert made.linux.seccomp is not None


def test_all_that_was_asked_for_is_in_the_spec() -> None:
    made = spec(
        domainname="nis",
        umask="027",
        ulimits=["nofile=5:6"],
        oom_score_adj=7,
        scheduler=Scheduler(policy="batch", nice=3),
        io_priority="be:2",
        personality="linux32",
        sysctls={"net.core.somaxconn": "9"},
        annotations={"org.example": "x"},
        time_offsets={"boottime": 2.0},
        limits=Limits(memory=64 << 20),
        devices=["/dev/full:/dev/more"],
        device_rules=["c 7:* r"],
        cgroup_parent="machines/",
        shm_size=4096,
        namespaces={"pid": "host"},
        no_new_privileges=False,
    )
    program, linux = made.process, made.linux
    assert (made.domainname, made.annotations) == ("nis", {"org.example": "x"})
    assert (program.user.umask, program.oom_score_adj, program.no_new_privileges) == (0o27, 7, False)
    assert [(limit.type, limit.soft, limit.hard) for limit in program.rlimits] == [("RLIMIT_NOFILE", 5, 6)]
    assert program.scheduler is not None
    assert (program.scheduler.policy, program.scheduler.nice) == ("SCHED_BATCH", 3)
    assert program.io_priority is not None
    assert linux.personality is not None
    assert linux.sysctl == {"net.core.somaxconn": "9"}
    assert linux.time_offsets["boottime"].secs == 2
    assert linux.resources is not None
    assert linux.resources.memory is not None
    assert linux.resources.devices[-1].major == 7
    assert linux.devices[-1].path == "/dev/more"
    assert linux.cgroups_path == f"/machines/{ID}"
    assert {namespace.type for namespace in linux.namespaces} == {"network", "ipc", "uts", "mount", "cgroup", "time"}
    assert "size=4096" in mount_at(made, "/dev/shm").options


def mount_at(of: Spec, destination: str) -> Mount:
    return next(mount for mount in of.mounts if mount.destination == destination)


def test_a_privileged_container_is_fenced_by_namespaces_only() -> None:
    made = spec(privileged=True)
    assert made.process.capabilities is not None
    assert "CAP_SYS_ADMIN" in made.process.capabilities.bounding
    assert not made.process.no_new_privileges
    assert made.linux.seccomp is None
    assert (made.linux.masked_paths, made.linux.readonly_paths) == (["/usr/share/private"], [])
    assert "ro" not in mount_at(made, "/sys").options
    assert made.linux.resources is not None
    assert [rule.allow for rule in made.linux.resources.devices] == [True]
    assert spec(privileged=True, no_new_privileges=True).process.no_new_privileges


def test_unmasked_shows_the_kernel_and_nothing_else_changes() -> None:
    made = spec(unmasked=True)
    assert made.linux.masked_paths == ["/usr/share/private"]
    assert made.linux.seccomp == spec().linux.seccomp
    assert "ro" in mount_at(made, "/sys").options


def test_the_filter_knows_what_the_container_may_do() -> None:
    def mount_is_allowed(made: Spec) -> bool:
        assert made.linux.seccomp is not None
        return any("mount" in rule.names for rule in made.linux.seccomp.syscalls)

    assert not mount_is_allowed(spec())
    assert mount_is_allowed(spec(cap_add=["SYS_ADMIN"]))
    assert spec(seccomp="unconfined").linux.seccomp is None


def test_shared_ipc_has_the_hosts_shared_memory() -> None:
    shared = spec(namespaces={"ipc": "host"})
    assert mount_at(shared, "/dev/shm").source == "/dev/shm"
    joined = spec(namespaces={"ipc": "ns:/proc/1/ns/ipc"})
    assert mount_at(joined, "/dev/shm").type == "tmpfs"


@pytest.mark.skipif(own("uid") != WHOLE, reason="in a user namespace others can't be had so")
def test_a_user_namespace_has_maps_and_file_systems_that_it_may_mount() -> None:
    made = spec(namespaces={"user": "private", "network": "host"}, gid_map=["0:100000:5"])
    assert made.linux.uid_mappings == made.linux.gid_mappings
    assert (mount_at(made, "/sys").type, mount_at(made, "/sys").source) == ("bind", "/sys")
    assert not [option for option in mount_at(made, "/dev/pts").options if option.startswith("gid=")]


def test_groups_that_were_asked_for_are_kept() -> None:
    made = spec(account=Account(User(additional_gids=[4]), "/", asked_groups=(7, 4)))
    assert made.process.user.additional_gids == [4, 7]


@given(st.fixed_dictionaries({}, optional=OPTIONS))
def test_any_options_give_a_spec_without_fault_or_one_sentence(options: dict[str, Any]) -> None:
    try:
        made = spec(**options)
    except EngineError as error:
        assert error.code in (ErrorCode.INVALID, ErrorCode.UNSUPPORTED)  # noqa: PT017 - most are refused
        return
    assert read(msgspec.json.encode(made)) == made


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"domainname": "a b"}, "domainname 'a b' is invalid"),
        ({"hostname": "a", "namespaces": {"uts": "host"}}, "hostname 'a' can't be set: the container has no UTS"),
        ({"domainname": "a", "namespaces": {"uts": "container:x"}}, "domainname 'a' can't be set"),
        ({"shm_size": 0}, "0 bytes are no size for /dev/shm"),
        ({"annotations": {"": "x"}}, "The annotation 'x' has no name"),
        ({"cgroup_parent": "../x"}, "'../x' is no parent of cgroups"),
        ({"cgroup_parent": "/"}, "is no parent of cgroups"),
        (
            {"sysctls": {"net.core.somaxconn": "1"}, "namespaces": {"network": "host"}},
            "no network namespace of its own",
        ),
        ({"env": ["NAME"]}, "'NAME' is not of the form NAME=value"),
        ({"env": ["=value"]}, "not of the form NAME=value"),
        ({"env": ["A=\0"]}, "holds a NUL byte"),
        ({"env": ["A=\ud800"]}, "can't be written as UTF-8"),
        ({"command": ["ls", "a\0b"]}, "command argument .* holds a NUL byte"),
        ({"command": [""]}, "The command is empty"),
        ({"workdir": "tmp"}, "'tmp' is invalid, it needs to be an absolute path"),
        ({"workdir": ""}, "needs to be an absolute path"),
        ({"workdir": "/a\0b"}, "holds a NUL byte"),
        ({"hostname": ""}, "hostname '' is invalid"),
        ({"hostname": "-web"}, "is invalid"),
        ({"hostname": "web-"}, "is invalid"),
        ({"hostname": "a..b"}, "is invalid"),
        ({"hostname": "web\n"}, "is invalid"),
        ({"hostname": "wéb"}, "is invalid"),
        ({"hostname": "a" * 64}, "is invalid"),
        ({"hostname": ".".join(["a" * 40, "b" * 40])}, "64 in all"),
        ({"image": "host", "rootfs": "/srv"}, "not both"),
        ({"tty": True, "columns": 0}, "0 columns by 24 lines"),
        ({"tty": True, "lines": 70000}, "70000 lines"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence) as caught:
        from_options(ContainerOptions(**options), IMAGE, ID, "/run/root", ROOT)
    assert caught.value.code is ErrorCode.INVALID


def test_an_image_without_a_command_needs_one() -> None:
    bare = Image("/srv/rootfs", "", layers=("/srv/rootfs",))
    with pytest.raises(EngineError, match="/srv/rootfs has none of its own"):
        spec(image=bare)
    assert spec(image=bare, command=["sh"]).process.args == ["sh"]


@pytest.mark.skipif(not contains(own("uid"), 65534), reason="this user namespace has few ids")
def test_ids_of_this_namespace_are_kept() -> None:
    user = User(uid=65534, gid=65534, additional_gids=[10])
    assert mapped_user(user) == user


def test_an_id_that_the_namespace_has_not_is_refused_and_such_groups_dropped() -> None:
    nowhere = 2**32 - 1  # (uid_t) -1 is nobody's, in no namespace
    with pytest.raises(EngineError, match="/etc/subuid"):
        mapped_user(User(uid=nowhere))
    assert mapped_user(User(additional_gids=[nowhere])).additional_gids == []


def test_files_that_the_engine_keeps_lie_over_the_images_but_not_over_what_a_person_mounts() -> None:
    kept = {"/etc/hosts": "/kept/hosts", "/etc/hostname": "/kept/hostname"}
    own = MountOption(type="bind", destination="/etc/hosts", source="/own")

    def sources(**options: Any) -> dict[str, tuple[str, bool]]:
        made = from_options(ContainerOptions(**options), IMAGE, ID, "/run/root", ROOT, files=kept)
        found = {mount.destination: mount for mount in made.mounts}
        return {place: (found[place].source, "ro" in found[place].options) for place in kept}

    assert sources() == {"/etc/hosts": ("/kept/hosts", False), "/etc/hostname": ("/kept/hostname", False)}
    assert sources(read_only=True) == {"/etc/hosts": ("/kept/hosts", True), "/etc/hostname": ("/kept/hostname", True)}
    assert sources(mounts=[own])["/etc/hosts"] == ("/own", False)
