"""The default spec: Docker's defaults, what the user asks for on top, and one sentence for what can't be."""

from __future__ import annotations

import os
from typing import Any

import msgspec
import pytest

from engine.errors import EngineError
from engine.images.image import Image
from engine.protocol.messages import ContainerOptions, ErrorCode
from engine.spec.default import from_options
from engine.spec.id_maps import is_mapped, mapped_user
from engine.spec.structs import Spec, User
from engine.spec.user import Account

ID = "0123456789ab"
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


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
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


@pytest.mark.skipif(not is_mapped(65534, "uid"), reason="this user namespace has few ids")
def test_ids_of_this_namespace_are_kept() -> None:
    user = User(uid=65534, gid=65534, additional_gids=[10])
    assert mapped_user(user) == user


def test_an_id_that_the_namespace_has_not_is_refused_and_such_groups_dropped() -> None:
    nowhere = 2**32 - 1  # (uid_t) -1 is nobody's, in no namespace
    with pytest.raises(EngineError, match="/etc/subuid"):
        mapped_user(User(uid=nowhere))
    assert mapped_user(User(additional_gids=[nowhere])).additional_gids == []
