"""The built-in images: what they hold, what they must never hold, and that they appear whole or not at all."""

from __future__ import annotations

import asyncio
import ctypes
import os
import pickle
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.errors import EngineError
from engine.images import Image, Images, rootfs_image
from engine.images.busybox import Busybox, is_static
from engine.images.generation import generation
from engine.images.host import Host
from engine.images.store import _no_root
from engine.protocol.messages import ErrorCode

CLONE_NEWUSER = 0x10000000
PR_SET_DUMPABLE = 4
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="mounting an overlay in a new mount namespace needs root")


def make_host(root: Path) -> Path:
    """A small host without a merged /usr, with things in /etc and /usr that must not be shown."""
    files = {
        "bin/sh": "#!",
        "usr/bin/tool": "tool",
        "usr/local/etc/secret.conf": "password",
        "etc/shells": "/bin/sh\n",
        "etc/shadow": "root:secret",
        "etc/passwd": "alice:x:1000:1000::/home/alice:/bin/sh",
        "etc/gitconfig": "token",
        "etc/ssl/certs/public.crt": "-----BEGIN CERTIFICATE-----",
        "etc/ssl/certs/mixed.pem": "-----BEGIN RSA PRIVATE KEY-----",
        "etc/ssl/private/host.key": "-----BEGIN PRIVATE KEY-----",
        "etc/ssh/ssh_host_rsa_key": "-----BEGIN OPENSSH PRIVATE KEY-----",
        "etc/vim/vimrc": "set nu",
        "etc/vim/private": "hidden",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name in ("usr/local/etc/secret.conf", "etc/shadow", "etc/ssl/private/host.key", "etc/vim/private"):
        (root / name).chmod(0o600)
    (root / "lib64").symlink_to("usr/lib64")
    return root


def files_of(layer: str) -> set[str]:
    return {str(path.relative_to(layer)) for path in Path(layer).rglob("*") if path.is_file() and not path.is_symlink()}


async def test_the_default_image_is_the_host(tmp_path: Path) -> None:
    image = await Images(tmp_path).prepare(None)
    assert image.name == "host"
    assert [(graft.source, graft.destination) for graft in image.grafts][-1] == ("/usr", "/usr")
    assert image.command[0].startswith("/bin/")


async def test_only_listed_public_files_of_etc_are_copied(tmp_path: Path) -> None:
    host = Host(str(make_host(tmp_path / "host")))
    image = await Images(tmp_path / "images", (host,)).prepare("host")
    files = files_of(image.layers[0])
    assert {"etc/shells", "etc/ssl/certs/public.crt", "etc/vim/vimrc"} <= files
    for absent in (
        "etc/shadow",
        "etc/gitconfig",
        "etc/ssl/certs/mixed.pem",
        "etc/ssl/private/host.key",
        "etc/vim/private",
    ):
        assert absent not in files
    assert "alice" not in (Path(image.layers[0]) / "etc/passwd").read_text()


async def test_what_the_host_hides_below_usr_is_masked(tmp_path: Path) -> None:
    host = make_host(tmp_path / "host")
    (host / "usr/share/rules").mkdir(parents=True, mode=0o700)
    image = await Images(tmp_path / "images", (Host(str(host)),)).prepare("host")
    assert image.masked == ("/usr/local/etc/secret.conf", "/usr/share/rules")


async def test_a_host_without_merged_usr_gets_grafts_for_its_top_level(tmp_path: Path) -> None:
    host = make_host(tmp_path / "host")
    image = await Images(tmp_path / "images", (Host(str(host)),)).prepare("host")
    assert [(graft.source, graft.destination) for graft in image.grafts] == [
        (f"{host}/bin", "/bin"),
        (f"{host}/usr", "/usr"),
    ]
    layer = Path(image.layers[0])
    assert os.readlink(layer / "lib64") == "usr/lib64"
    assert layer.joinpath("bin").is_dir()


async def test_a_changed_host_gets_a_new_generation_and_old_ones_stay(tmp_path: Path) -> None:
    host = make_host(tmp_path / "host")
    images = Images(tmp_path / "images", (Host(str(host)),))
    first = await images.prepare("host")
    assert await images.prepare("host") is first
    (host / "etc/shells").write_text("/bin/sh\n/bin/zsh\n")
    second = await images.prepare("host")
    assert first.layers != second.layers
    assert (Path(first.layers[0]) / "etc/shells").read_text() == "/bin/sh\n"
    assert (Path(second.layers[0]) / "etc/shells").read_text() == "/bin/sh\n/bin/zsh\n"


async def test_another_engine_finds_the_generation_made_before(tmp_path: Path) -> None:
    host = Host(str(make_host(tmp_path / "host")))
    first = await Images(tmp_path / "images", (host,)).prepare("host")
    marker = Path(first.layers[0]) / "marker"
    marker.touch()
    assert await Images(tmp_path / "images", (host,)).prepare("host") == first
    assert marker.exists()


async def test_two_at_once_build_once(tmp_path: Path) -> None:
    class Counted(Host):
        builds = 0

        def build(self, place: Path) -> None:
            self.builds += 1
            super().build(place)

    host = Counted(str(make_host(tmp_path / "host")))
    images = Images(tmp_path / "images", (host,))
    one, two = await asyncio.gather(images.prepare("host"), images.prepare(None))
    assert one == two
    assert host.builds == 1


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def build(place: Path) -> None:
        (place / "half").touch()
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        generation(tmp_path, "0123", build)
    assert list(tmp_path.iterdir()) == []


def test_what_an_interrupted_build_left_is_not_taken_for_an_image(tmp_path: Path) -> None:
    (tmp_path / ".building").mkdir()
    (tmp_path / ".building/half").touch()
    place = generation(tmp_path, "0123", lambda place: (place / "whole").touch())
    assert [path.name for path in tmp_path.iterdir()] == ["0123"]
    assert [path.name for path in place.iterdir()] == ["whole"]


async def test_a_damaged_generation_is_made_anew(tmp_path: Path) -> None:
    host = Host(str(make_host(tmp_path / "host")))
    image = await Images(tmp_path / "images", (host,)).prepare("host")
    (Path(image.layers[0]).parent / "image.json").write_text("")
    assert await Images(tmp_path / "images", (host,)).prepare("host") == image


async def test_an_image_that_cannot_be_stored_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file where a directory should be")
    with pytest.raises(EngineError, match=r"could not be made in .*/images: Not a directory\. It needs") as caught:
        await Images(tmp_path / "images").prepare("busybox" if Busybox().program() else "host")
    assert caught.value.code is ErrorCode.STORAGE


async def test_an_unknown_image_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="'alpine': the images are host, busybox, echo") as caught:
        await Images(tmp_path).prepare("alpine")
    assert caught.value.code is ErrorCode.NO_SUCH_IMAGE


async def test_without_a_static_busybox_the_image_says_what_to_install(tmp_path: Path) -> None:
    images = Images(tmp_path, (Host(), Busybox(("/nonexistent",))))
    [_, busybox] = images.list()
    assert (busybox.available, "install busybox-static" in busybox.reason) == (False, True)
    with pytest.raises(EngineError, match="install busybox-static") as caught:
        await images.prepare("busybox")
    assert caught.value.code is ErrorCode.UNSUPPORTED


async def test_a_host_with_its_programs_elsewhere_is_not_available(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    assert "elsewhere" in Images(tmp_path, (Host(str(tmp_path)),)).list()[0].reason


def test_a_dynamic_program_a_script_and_a_private_program_are_no_static_busybox(tmp_path: Path) -> None:
    script = tmp_path / "busybox"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    assert not is_static(str(script))
    assert not is_static(os.path.realpath("/bin/sh"))
    script.write_bytes(b"\x7fELF")
    assert not is_static(str(script))
    if program := Busybox().program():
        private = shutil.copy(program, tmp_path / "private")
        os.chmod(private, 0o700)
        assert not is_static(str(private))


def test_an_image_survives_json() -> None:
    image = Image("n", "d", ("/layer",), masked=("/usr/x",), command=("sh",))
    assert msgspec.json.decode(msgspec.json.encode(image), type=Image) == image


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("relative", "is not an absolute path"),
        ("/nonexistent", "does not exist"),
        ("/etc/passwd", "is not a directory"),
    ],
)
async def test_a_bad_root_filesystem_is_refused(path: str, why: str) -> None:
    with pytest.raises(EngineError, match=why) as caught:
        await rootfs_image(path)
    assert caught.value.code is ErrorCode.INVALID


async def test_a_root_filesystem_is_the_only_layer(tmp_path: Path) -> None:
    image = await rootfs_image(str(tmp_path))
    assert (image.layers, image.grafts, image.command) == ((str(tmp_path),), (), ())


MOUNT = """
set -e
mount -t tmpfs tmpfs "$WORK"; mkdir "$WORK/upper" "$WORK/work" "$WORK/merged"
mount -t overlay -o "lowerdir=$LAYER,upperdir=$WORK/upper,workdir=$WORK/work" overlay "$WORK/merged"
n=0
for graft in $GRAFTS; do
    n=$((n+1)); mkdir "$WORK/upper$n" "$WORK/work$n"
    mount -t overlay -o "lowerdir=${graft%:*},upperdir=$WORK/upper$n,workdir=$WORK/work$n" \\
        overlay "$WORK/merged${graft#*:}"
done
for path in $MASKED; do
    if [ -d "$WORK/merged$path" ]; then mount -t tmpfs -o ro tmpfs "$WORK/merged$path"
    else mount --bind /dev/null "$WORK/merged$path"; fi
done
exec chroot "$WORK/merged" "$@"
"""


def run_in(image: Image, work: Path, *command: str) -> str:
    """Run `command` in the merged view of `image`, in a mount namespace of its own; what it printed."""
    environment = {
        **dict(entry.split("=", 1) for entry in image.env),
        "WORK": str(work),
        "LAYER": image.layers[0],
        "GRAFTS": " ".join(f"{graft.source}:{graft.destination}" for graft in image.grafts),
        "MASKED": " ".join(image.masked),
    }
    script = ["unshare", "--mount", "sh", "-c", MOUNT, "sh", *command]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def host_image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return asyncio.run(Images(tmp_path_factory.mktemp("images")).prepare("host"))


@root_only
def test_the_tools_of_the_host_work_in_its_image(host_image: Image, tmp_path: Path) -> None:
    script = "id -un; echo ~; touch /usr/bin/new /etc/new && echo writable"
    if Path("/usr/bin/python3").exists():
        script += "; python3 -c 'import json, ssl, pwd; print(pwd.getpwuid(0).pw_name)'"
    printed = run_in(host_image, tmp_path, *host_image.command, "-c", script).split()
    assert printed in (["root", "/root", "writable"], ["root", "/root", "writable", "root"])
    assert not Path("/usr/bin/new").exists()


@root_only
def test_nothing_in_the_merged_view_is_private_on_the_host(host_image: Image, tmp_path: Path) -> None:
    """What the host does not let everybody read is not there to be read, not even by the container's root."""
    find = ["find", "/", "-path", "/root", "-prune", "-o", "(", "-type", "f", "!", "-perm", "-o=r", "-o"]
    find += ["-type", "d", "!", "-perm", "-o=rx", ")", "-print"]
    assert run_in(host_image, tmp_path, *find) == ""
    private = ["grep", "-rlsE", "--", "-----BEGIN [A-Z ]*PRIVATE KEY-----", "/etc", "/root"]
    printed = run_in(host_image, tmp_path, "sh", "-c", '"$@" || true', "sh", *private)
    assert printed == ""
    top = run_in(host_image, tmp_path, "ls", "-A", "/home", "/root", "/var/lib", "/srv", "/opt").split()
    assert sorted(top) == sorted(["/home:", "/root:", "/var/lib:", "/srv:", "/opt:", ".bashrc", ".profile"])


@root_only
def test_root_may_become_somebody_else_inside(host_image: Image, tmp_path: Path) -> None:
    printed = run_in(host_image, tmp_path, "su", "-s", "/bin/sh", "nobody", "-c", "id -u")
    assert printed == "65534\n"


@root_only
def test_the_busybox_image_runs_its_applets(tmp_path: Path) -> None:
    if not Busybox().program():
        pytest.skip(Busybox().unavailable())
    image = asyncio.run(Images(tmp_path / "images").prepare("busybox"))
    (tmp_path / "work").mkdir()
    script = "id -un; ls /bin/busybox; env true && echo ok"
    assert run_in(image, tmp_path / "work", *image.command, "-c", script) == "root\n/bin/busybox\nok\n"


def as_nobody(function: Callable[[], object]) -> object:
    """What `function` returns in a child that is nobody outside and root in a user namespace of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.prctl(PR_SET_DUMPABLE, 1) != 0 or libc.unshare(CLONE_NEWUSER) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text("0 65534 1")
            Path("/proc/self/gid_map").write_text("0 65534 1")
            os.write(writer, pickle.dumps(function()))
        except BaseException as error:  # noqa: BLE001  # the parent raises it
            os.write(writer, pickle.dumps(RuntimeError(repr(error))))
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        result = pickle.loads(pipe.read())
    os.waitpid(child, 0)
    if isinstance(result, BaseException):
        raise result
    return result


@root_only
def test_an_ordinary_user_makes_the_same_image_in_a_user_namespace(tmp_path: Path) -> None:
    for directory in (tmp_path, *tmp_path.parents):
        if directory.is_relative_to(tempfile.gettempdir()) and not directory.samefile(tempfile.gettempdir()):
            directory.chmod(0o755)
    place = tmp_path / "images"
    place.mkdir()
    os.chown(place, 65534, 65534)
    images = Images(place)
    image = as_nobody(lambda: images._prepare(images.recipes["host"]))
    assert isinstance(image, Image)
    assert (Path(image.layers[0]) / "etc/passwd").stat().st_uid == 65534
    assert stat.S_IMODE((Path(image.layers[0]) / "tmp").stat().st_mode) == 0o1777


@root_only
def test_a_root_filesystem_that_the_user_can_not_read_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert (
        as_nobody(lambda: [_no_root(str(path)) for path in (tmp_path, tmp_path / "below")])
        == ["is not yours to read"] * 2
    )
