"""Mounts of every kind, made by the kernel: what is where, with which options, and that nothing leads out."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from engine.containers.container import Run
from engine.containers.filling import open_mounts
from engine.containers.keeper import Keeper
from engine.containers.namespaces import open_namespaces
from engine.protocol.messages import ContainerOptions, MountOption
from engine.sandbox import cgroup_mounts, fast
from engine.sandbox.build import launch_plan
from engine.spec.structs import Device, IdMapping, Mount, Spec
from tests.engine.conftest import KeeperProcess
from tests.engine.sandbox.conftest import Bundle, Result, finish

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="plain containers need root; rootless has its own tests")

MAPS = {"uid_map": ["0:200000:65536"], "gid_map": ["0:300000:65536"]}
MS_BIND, MS_REC, MS_PRIVATE, MS_SHARED, MNT_DETACH = 0x1000, 0x4000, 1 << 18, 1 << 20, 2


@pytest.fixture
def keeper_process(tmp_path: Path) -> Iterator[KeeperProcess]:
    """Both executors walk the same list (see test_launch); one is enough here."""
    process = KeeperProcess(tmp_path, {"HELIOSTUI_EXECUTOR": "fast" if fast.load() else "portable"})
    yield process
    process.close()


def bind(source: Path, destination: str, *options: str) -> MountOption:
    return MountOption(type="bind", source=str(source), destination=destination, options=list(options))


async def launch(keeper: Keeper, bundle: Bundle, spec: Spec) -> Result:
    """With all that a launch is handed."""

    def find(ref: str) -> Run:
        raise AssertionError(f"nobody asks for {ref}")

    root = bundle.root()
    with ExitStack() as opened:
        spec, inputs = await open_namespaces(spec, find, opened)
        inputs += open_mounts(spec, bundle.image, Path(root.root.upper).parent, opened)
        return await finish(keeper, "c", launch_plan(spec, root), spec.process, inputs)


async def run(keeper: Keeper, bundle: Bundle, script: str, *mounts: MountOption | Mount, **options: object) -> Result:
    """Of the mounts those of the spec come after those of the options."""
    asked = [mount for mount in mounts if isinstance(mount, MountOption)]
    raw = [mount for mount in mounts if isinstance(mount, Mount)]
    wanted = ContainerOptions(command=["/bin/sh", "-c", script], mounts=asked, **options)  # type: ignore[arg-type]
    spec = bundle.spec(wanted)
    return await launch(keeper, bundle, msgspec.structs.replace(spec, mounts=[*spec.mounts, *raw]))


def options_at(mountinfo: str, place: str) -> tuple[str, str, set[str]]:
    """Type, how it spreads, and the options of what is mounted at a place (proc_pid_mountinfo(5))."""
    found = [line for line in mountinfo.splitlines() if " - " in line and line.split()[4] == place][-1]
    left, right = found.split(" - ")
    fields = left.split()
    return right.split()[0], " ".join(fields[6:]), {*fields[5].split(","), *right.split()[2].split(",")}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    made.mkdir()
    (made / "file").write_text("of the host\n")
    return made


class TestBinds:
    async def test_a_directory_shows_its_content_and_takes_what_is_written(
        self, keeper: Keeper, busybox: Bundle, source: Path
    ) -> None:
        result = await run(keeper, busybox, "cat /a/b/file; echo new > /a/b/new", bind(source, "/a/b"))
        assert result.output == "of the host\n", result.failure
        assert (source / "new").read_text() == "new\n"

    async def test_a_file_lies_over_a_file_which_is_made_where_there_is_none(
        self, keeper: Keeper, busybox: Bundle, source: Path
    ) -> None:
        file = source / "file"
        result = await run(
            keeper, busybox, "cat /etc/passwd /new/place; echo more >> /new/place",
            bind(file, "/etc/passwd"), bind(file, "/new/place"),
        )  # fmt: skip
        assert result.output == "of the host\n" * 2, result.failure
        assert file.read_text() == "of the host\nmore\n"
        upper = busybox.directory / "0" / "root" / "upper"
        assert sorted(p.name for p in upper.rglob("*")) == ["new", "place"]

    async def test_a_device_or_a_socket_is_a_file_too(self, keeper: Keeper, busybox: Bundle, source: Path) -> None:
        os.mkfifo(source / "pipe")
        result = await run(keeper, busybox, "ls -l /p/pipe", bind(source / "pipe", "/p/pipe"))
        assert result.output.startswith("prw"), result.failure

    async def test_read_only_holds_for_all_that_lies_below(self, keeper: Keeper, busybox: Bundle, source: Path) -> None:
        with below(source):
            script = "touch /a/x; touch /a/sub/x; cat /a/sub/inner; cat /proc/self/mountinfo"
            result = await run(keeper, busybox, script, bind(source, "/a", "ro"))
            assert result.errors.count("Read-only file system") == 2, result.failure
            assert "inside" in result.output
            result = await run(keeper, busybox, "touch /a/x; touch /a/sub/x", bind(source, "/a", "ro", "rbind"))
            assert result.errors.count("Read-only file system") == 1
            result = await run(keeper, busybox, "ls /a/sub", bind(source, "/a", "bind"))
            assert result.output == ""

    async def test_attributes_are_set_here_or_with_r_below_and_cleared_again(
        self, keeper: Keeper, busybox: Bundle, source: Path
    ) -> None:
        words = ("noexec", "nosuid", "nodev", "noatime", "nodiratime", "nosymfollow")

        def mount(place: str, *options: str) -> Mount:
            return Mount(destination=place, source=str(source), options=["rbind", *options])

        with below(source):
            mounts = [
                each
                for word in words
                for each in (
                    mount(f"/{word}/here", word),
                    mount(f"/{word}/below", f"r{word}"),
                    mount(f"/{word}/back", word, word.removeprefix("no")),
                )
            ]
            result = await run(keeper, busybox, "cat /proc/self/mountinfo", *mounts)
        for word in words:
            has = {
                place
                for place in ("here", "here/sub", "below", "below/sub", "back", "back/sub")
                if word in options_at(result.output, f"/{word}/{place}")[2]
            }
            assert has == {"here", "below", "below/sub"}, word

    async def test_one_that_is_not_there_fails_by_its_name(self, keeper: Keeper, busybox: Bundle) -> None:
        result = await run(keeper, busybox, "true", bind(Path("/no/such"), "/a"))
        assert result.failure is not None
        assert "/no/such" in result.failure.message
        assert "No such file" in result.failure.message


class TestFileSystems:
    async def test_memory_has_the_size_mode_and_owner_that_were_asked_for(
        self, keeper: Keeper, busybox: Bundle
    ) -> None:
        asked = MountOption(type="tmpfs", destination="/mem", options=["size=64k", "mode=750", "uid=7", "gid=8"])
        script = "stat -c '%a %u %g' /mem; head -c 100000 /dev/zero > /mem/x || stat -c %s /mem/x"
        result = await run(keeper, busybox, script, asked)
        assert result.output == "750 7 8\n65536\n", result.failure

    async def test_memory_may_begin_with_what_it_covers(self, keeper: Keeper, busybox: Bundle) -> None:
        asked = MountOption(type="tmpfs", destination="/etc", options=["tmpcopyup", "mode=755"])
        result = await run(keeper, busybox, "cat /etc/hostname; rm /etc/hostname; cat /proc/self/mountinfo", asked)
        assert result.output.startswith("localhost\n"), result.failure
        assert options_at(result.output, "/etc")[0] == "tmpfs"
        assert not (busybox.directory / "0" / "root" / "upper" / "etc" / "hostname").exists()

    async def test_an_overlay_joins_directories(self, keeper: Keeper, busybox: Bundle, tmp_path: Path) -> None:
        layers = [tmp_path / ("l" * 40) / str(i) for i in range(8)]  # more than one option can hold
        for i, layer in enumerate(layers):
            layer.mkdir(parents=True)
            (layer / f"from-{i}").touch()
        for name in ("upper", "work"):
            (tmp_path / name).mkdir()
        mount = Mount(
            destination="/over",
            type="overlay",
            source="overlay",
            options=[
                "lowerdir=" + ":".join(map(str, layers)),
                f"upperdir={tmp_path}/upper",
                f"workdir={tmp_path}/work",
            ],
        )
        result = await run(keeper, busybox, "ls /over | wc -l; touch /over/new", mount)
        assert result.output == "8\n", result.failure
        assert (tmp_path / "upper" / "new").exists()

    async def test_proc_takes_options_and_may_lie_anywhere(self, keeper: Keeper, busybox: Bundle) -> None:
        mount = Mount(destination="/p", type="proc", source="proc", options=["ro", "hidepid=2", "subset=pid"])
        result = await run(keeper, busybox, "ls /p/1 > /dev/null && ls -d /p/sys; cat /proc/self/mountinfo", mount)
        kind, _, options = options_at(result.output, "/p")
        assert kind == "proc", result.failure
        assert {"ro", "subset=pid"} <= options

    async def test_queues_and_terminals_are_its_own(self, keeper: Keeper, busybox: Bundle) -> None:
        result = await run(keeper, busybox, "ls /dev/pts /dev/mqueue; cat /proc/self/mountinfo")
        assert result.output.startswith("/dev/mqueue:\n\n/dev/pts:\nptmx\n")
        assert options_at(result.output, "/dev/pts")[2] >= {"nosuid", "noexec", "mode=620", "gid=5"}

    @pytest.mark.cgroup2
    async def test_the_cgroup_is_the_root_of_all_that_is_shown_and_read_only(
        self, keeper: Keeper, busybox: Bundle
    ) -> None:
        script = "cat /proc/self/mountinfo; mkdir /sys/fs/cgroup/x || true; cat /sys/fs/cgroup/*/release_agent || true"
        result = await run(keeper, busybox, script)
        kind, _, options = options_at(result.output, "/sys/fs/cgroup")
        assert kind == ("tmpfs" if cgroup_mounts.hierarchies() else "cgroup2"), result.failure
        assert {"ro", "nosuid", "nodev", "noexec"} <= options
        assert "release_agent" in result.errors  # cat finds none
        roots = [line.split()[3] for line in result.output.splitlines() if " - cgroup" in line]
        assert set(roots) == {"/"}

    async def test_with_selinux_new_file_systems_have_the_containers_label(self, busybox: Bundle) -> None:
        """Only the plan: hardly a kernel has it on."""
        spec = busybox.spec(ContainerOptions(command=["true"], mounts=[MountOption(type="tmpfs", destination="/t")]))
        linux = msgspec.structs.replace(spec.linux, mount_label="u:r:t:s0:c1,c2")
        plan = launch_plan(msgspec.structs.replace(spec, linux=linux), busybox.root())
        labelled = [step.why for step in plan.steps if step.call == "fsconfig" and "context" in step.args]
        assert labelled == [
            f"{kind}: context=u:r:t:s0:c1,c2" for kind in ("overlay", "tmpfs", "devpts", "tmpfs", "tmpfs")
        ]


class TestPropagation:
    @pytest.fixture
    def shared(self, tmp_path: Path) -> Iterator[Path]:
        """A shared mount of the host."""
        place = tmp_path / "shared"
        place.mkdir()
        mount(str(place), str(place), MS_BIND)
        mount(None, str(place), MS_SHARED)
        yield place
        libc.umount2(str(place).encode(), MNT_DETACH)

    async def test_a_mount_spreads_as_asked(self, keeper: Keeper, busybox: Bundle, shared: Path) -> None:
        expected = {
            "rprivate": [], "private": [], "rshared": ["shared"], "shared": ["shared"], "rslave": ["master"],
            "slave": ["master"], "unbindable": ["unbindable"], "runbindable": ["unbindable"],
        }  # fmt: skip
        mounts = [bind(shared, f"/{word}", word) for word in expected]
        result = await run(keeper, busybox, "cat /proc/self/mountinfo", *mounts)
        for word, shown in expected.items():
            spreads = options_at(result.output, f"/{word}")[1]
            assert [field.partition(":")[0] for field in spreads.split()] == shown, word

    async def test_a_slave_hears_of_the_hosts_mounts_and_tells_of_none(
        self, keeper: Keeper, busybox: Bundle, shared: Path, tmp_path: Path
    ) -> None:
        (shared / "later").mkdir()
        go = tmp_path / "go"
        os.mkfifo(go)
        script = "cat /go > /dev/null; cat /s/later/inner; mount -t tmpfs none /s/later && echo mounted"
        asked = [bind(shared, "/s", "rslave"), bind(go, "/go")]
        wanted = ContainerOptions(command=["/bin/sh", "-c", script], mounts=asked, privileged=True)
        spec = busybox.spec(wanted)
        launched = await keeper.launch("c", launch_plan(spec, busybox.root()).assemble(), [], tty=False, stdin=False)
        assert launched.held is not None
        inner = tmp_path / "inner"
        inner.mkdir()
        (inner / "inner").write_text("heard\n")
        before = Path("/proc/self/mountinfo").read_text().count(str(shared / "later"))
        mount(str(inner), str(shared / "later"), MS_BIND)
        go.write_text("!")
        await keeper.ended("c")
        after = Path("/proc/self/mountinfo").read_text().count(str(shared / "later"))
        assert launched.held.descriptors.stdout is not None
        assert os.read(launched.held.descriptors.stdout, 100) == b"heard\nmounted\n"
        await keeper.forget("c")
        assert after == before + 1  # ours, and not the container's


class TestIdMaps:
    @pytest.fixture
    def owned(self, tmp_path: Path) -> Path:
        place = tmp_path / "owned"
        place.mkdir()
        place.chmod(0o777)
        (place / "file").touch()
        os.chown(place / "file", 5, 6)
        return place

    async def test_a_mount_may_have_maps_of_its_own(self, keeper: Keeper, busybox: Bundle, owned: Path) -> None:
        script = "stat -c '%u %g' /m/file; touch /m/new; chown 1005:2006 /m/new; stat -c '%u %g' /m/new"
        asked = bind(owned, "/m", "idmap=uids=0-0-1#5-1005-1;gids=0-0-1#6-2006-1")
        result = await run(keeper, busybox, script, asked)
        assert result.output == "1005 2006\n1005 2006\n", (result.failure, result.errors)
        made = (owned / "new").stat()
        assert (made.st_uid, made.st_gid) == (5, 6)

    async def test_maps_may_reach_all_that_lies_below(self, keeper: Keeper, busybox: Bundle, owned: Path) -> None:
        with below(owned):
            maps = {
                "uid_mappings": [IdMapping(container_id=0, host_id=3000, size=10)],
                "gid_mappings": [IdMapping(container_id=0, host_id=3000, size=10)],
            }
            result = await run(
                keeper,
                busybox,
                "stat -c %u /one/sub/inner /all/sub/inner",
                Mount(destination="/one", source=str(owned), options=["rbind", "idmap"], **maps),
                Mount(destination="/all", source=str(owned), options=["rbind", "ridmap"], **maps),
            )
        assert result.output == "0\n3000\n", (result.failure, result.errors)

    async def test_in_a_user_namespace_it_is_mapped_to_the_containers_ids(
        self, keeper: Keeper, busybox: Bundle, owned: Path
    ) -> None:
        os.chown(owned / "file", 0, 0)
        script = "stat -c '%u %g' /m/file /plain/file; echo x > /m/file; touch /m/new; cat /etc/hostname"
        asked = [
            bind(owned, "/m", "idmap"),
            bind(owned, "/plain"),
            MountOption(type="tmpfs", destination="/etc", options=["tmpcopyup"]),
        ]
        result = await run(keeper, busybox, script, *asked, **MAPS)
        assert result.output == "0 0\n65534 65534\nlocalhost\n", (result.failure, result.errors)
        assert ((owned / "new").stat().st_uid, (owned / "new").stat().st_gid) == (0, 0)

    async def test_a_source_that_only_the_host_may_reach_is_bound_in_a_user_namespace(
        self, keeper: Keeper, busybox: Bundle, source: Path
    ) -> None:
        source.parent.chmod(0o700)
        result = await run(keeper, busybox, "cat /m/file", bind(source, "/m", "ro"), **MAPS)
        assert result.output == "of the host\n", result.failure

    async def test_without_any_maps_it_is_refused_by_its_place(
        self, keeper: Keeper, busybox: Bundle, owned: Path
    ) -> None:
        with pytest.raises(Exception, match=r"\$\.mounts\[\d+\].*'/m'.*no maps"):
            await run(keeper, busybox, "true", bind(owned, "/m", "idmap"))


class TestDevices:
    async def device(self, keeper: Keeper, busybox: Bundle, script: str, *devices: Device, **options: object) -> Result:
        wanted = ContainerOptions(command=["/bin/sh", "-c", script], **options)  # type: ignore[arg-type]
        spec = busybox.spec(wanted)
        linux = msgspec.structs.replace(spec.linux, devices=[*spec.linux.devices, *devices])
        return await launch(keeper, busybox, msgspec.structs.replace(spec, linux=linux))

    async def test_nodes_have_type_number_mode_and_owner(self, keeper: Keeper, busybox: Bundle) -> None:
        made = [
            Device(path="/dev/deep/er/zero", type="c", major=1, minor=5, file_mode=0o640, uid=7, gid=8),
            Device(path="/dev/plain", type="u", major=1, minor=3),
            Device(path="/dev/disk", type="b", major=7, minor=200, file_mode=0o600),
            Device(path="/srv/pipe", type="p", file_mode=0o622),
        ]
        names = " ".join(device.path for device in made)
        result = await self.device(keeper, busybox, f"stat -c '%F %t:%T %a %u:%g' {names}", *made)
        assert result.output.splitlines() == [
            "character special file 1:5 640 7:8",
            "character special file 1:3 666 0:0",
            "block special file 7:c8 600 0:0",
            "fifo 0:0 622 0:0",
        ], result.failure

    async def test_in_a_user_namespace_the_hosts_nodes_are_bound_whatever_they_are_called(
        self, keeper: Keeper, busybox: Bundle
    ) -> None:
        made = Device(path="/dev/nothing", type="c", major=1, minor=3)
        result = await self.device(
            keeper, busybox, "echo x > /dev/nothing; stat -c %t:%T /dev/nothing /dev/null", made, **MAPS
        )
        assert result.output == "1:3\n1:3\n", (result.failure, result.errors)

    async def test_a_dev_of_the_hosts_keeps_its_nodes_as_they_are(self, keeper: Keeper, busybox: Bundle) -> None:
        before = os.stat("/dev/null")
        own = Device(path="/dev/null", type="c", major=1, minor=3, uid=77, gid=77)
        wanted = ContainerOptions(command=["/bin/sh", "-c", "ls /dev | wc -l"], tty=True)
        wanted = msgspec.structs.replace(wanted, mounts=[bind(Path("/dev"), "/dev")])
        spec = busybox.spec(wanted)
        linux = msgspec.structs.replace(spec.linux, devices=[own])
        mounts = [m for m in spec.mounts if not m.destination.startswith("/dev/")]
        result = await launch(keeper, busybox, msgspec.structs.replace(spec, linux=linux, mounts=mounts))
        assert result.failure is None
        after = os.stat("/dev/null")
        assert (after.st_uid, after.st_gid, after.st_ino) == (before.st_uid, before.st_gid, before.st_ino)

    async def test_the_console_is_the_terminal_and_without_one_there_is_none(
        self, keeper: Keeper, busybox: Bundle
    ) -> None:
        script = "stat -c %t:%T /dev/console $(tty); echo said > /dev/console"
        result = await self.device(keeper, busybox, script, tty=True)
        numbers = result.output.split()
        assert numbers[0] == numbers[1]
        assert numbers[2] == "said"
        assert (await self.device(keeper, busybox, "ls /dev/console")).status == 1


class TestMasks:
    async def masks(
        self, keeper: Keeper, bundle: Bundle, script: str, masked: list[str], readonly: list[str]
    ) -> Result:
        spec = bundle.spec(ContainerOptions(command=["/bin/sh", "-c", script]))
        linux = msgspec.structs.replace(spec.linux, masked_paths=masked, readonly_paths=readonly)
        return await launch(keeper, bundle, msgspec.structs.replace(spec, linux=linux))

    async def test_files_and_directories_of_the_image_are_hidden_or_write_protected(
        self, keeper: Keeper, busybox: Bundle
    ) -> None:
        script = "wc -c < /etc/passwd; ls -A /bin/.. /root | grep -c x; ls -A /etc/pam.d; touch /var/x /etc/group"
        result = await self.masks(
            keeper, busybox, script, ["/etc/passwd", "/etc/pam.d", "/none/at/all", "/etc/group/x"], ["/var", "/nowhere"]
        )
        assert result.output.splitlines()[0] == "0", result.failure
        assert "/none" not in result.output
        assert "/var/x: Read-only" in result.errors
        assert not (busybox.directory / "0" / "root" / "upper" / "none").exists()

    async def test_a_mask_behind_a_link_of_the_image_hides_nothing_of_the_host(
        self, keeper: Keeper, tmp_path: Path, busybox: Bundle
    ) -> None:
        layer = tmp_path / "evil"
        layer.mkdir()
        (layer / "out").symlink_to("/../../../../../../../../etc")
        evil = Bundle(tmp_path / "b", replace(busybox.image, layers=(str(layer), *busybox.image.layers)))
        (tmp_path / "b").mkdir()
        result = await self.masks(keeper, evil, "wc -c < /etc/passwd", ["/out/passwd"], [])
        assert result.output == "0\n", result.failure
        assert os.stat("/etc/passwd").st_size > 0


libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str | None, target: str, flags: int, kind: str | None = None) -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind)]
    if libc.mount(*encoded, flags, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), target)


class below:
    """A directory of the host with a mount in `sub`, for a while."""

    def __init__(self, place: Path) -> None:
        self.sub = place / "sub"

    def __enter__(self) -> None:
        self.sub.mkdir()
        inner = self.sub.parent.parent / "inner-of-below"
        inner.mkdir()
        (inner / "inner").write_text("inside\n")
        mount(str(inner), str(self.sub), MS_BIND)

    def __exit__(self, *_: object) -> None:
        libc.umount2(str(self.sub).encode(), MNT_DETACH)
