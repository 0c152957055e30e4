"""`heliostui spec` and `run --bundle`: OCI bundles, ours and others'."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import CommandLine

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox is not installed"),
]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="other runtimes are compared as root only")
COMMANDS = ("sh", "id", "hostname", "cat", "ls", "uname", "nice", "tty", "grep", "touch", "stat")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle without a config.json: a root with busybox in it."""
    root = tmp_path / "bundle" / "rootfs"
    for directory in ("bin", "dev", "proc", "sys", "tmp", "etc"):
        (root / directory).mkdir(parents=True)
    shutil.copy(str(shutil.which("busybox")), root / "bin" / "busybox")
    for command in COMMANDS:
        (root / "bin" / command).symlink_to("busybox")
    (root / "etc" / "passwd").write_text("alice:x:7:8::/home:/bin/sh\n")
    return root.parent


def change(bundle: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Edit the bundle's config.json."""
    path = bundle / "config.json"
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))


def test_a_spec_is_printed_with_what_was_asked_for(cli: CommandLine) -> None:
    made = cli.json("spec", "--memory", "64m", "--cap-drop", "ALL", "-h", "box", "busybox", "sh", "-c", "true")
    assert made["ociVersion"].startswith("1.")
    assert made["root"] == {"path": "rootfs"}
    assert made["process"]["args"] == ["sh", "-c", "true"]
    assert made["process"]["cwd"] == "/"
    assert made["hostname"] == "box"
    assert made["linux"]["resources"]["memory"]["limit"] == 64 << 20
    assert "cgroupsPath" not in made["linux"]
    assert cli.containers() == {}


def test_the_root_is_where_one_says(cli: CommandLine, bundle: Path) -> None:
    assert cli.json("spec", "--rootfs", f"{bundle}/rootfs")["root"]["path"] == f"{bundle}/rootfs"


@as_root
@pytest.mark.parametrize("runtime", [["runc"], ["crun", "--cgroup-manager=disabled"]])
def test_other_runtimes_run_what_we_write_as_we_do(cli: CommandLine, bundle: Path, runtime: list[str]) -> None:
    if shutil.which(runtime[0]) is None:
        pytest.skip(f"{runtime[0]} is not installed")
    script = (
        "id; hostname; ulimit -n; umask; cat /proc/self/oom_score_adj; grep -e Cap -e NoNew /proc/self/status; ls /dev"
    )
    options = "--ulimit nofile=64:64 --umask 027 --oom-score-adj 5 -u 7:8 --group-add 9 --tmpfs /tmp --cap-drop KILL"
    cli.ok("spec", "--bundle", str(bundle), *options.split(), "busybox", "sh", "-c", script)
    id = f"heliostui-{os.getpid()}-{runtime[0]}"
    command = [*runtime, "--root", str(bundle / "state"), "run", "--bundle", str(bundle), id]
    other = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    if "hybrid mode not supported" in other.stderr:
        pytest.skip(f"{runtime[0]} does not run where v1 and v2 cgroups are mixed")
    assert other.returncode == 0, other.stderr
    assert cli.ok("run", "--rm", "--bundle", str(bundle)) == other.stdout.strip()


def test_a_spec_takes_the_place_of_no_other(cli: CommandLine, bundle: Path) -> None:
    (bundle / "config.json").write_text("mine")
    assert "is there already" in cli.refused("spec", "--bundle", str(bundle), status=125)
    assert (bundle / "config.json").read_text() == "mine"
    assert "is not a directory" in cli.refused("spec", "--bundle", f"{bundle}/none", status=125)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-v", "data:/srv"], "A bundle knows no volumes"),
        (["--network", "container:web"], "A bundle knows no other containers"),
        (["--ulimit", "files=3"], "There is no ulimit 'files'"),
        (["--cap-add", "fly"], "'fly' is no capability"),
    ],
)
def test_what_no_spec_can_say_is_refused_and_nothing_written(
    cli: CommandLine, bundle: Path, words: list[str], sentence: str
) -> None:
    assert sentence in cli.refused("spec", "--bundle", str(bundle), *words, status=125)
    assert not (bundle / "config.json").exists()


def test_a_bundle_is_run_on_its_own_root(cli: CommandLine, bundle: Path) -> None:
    script = "echo written > /tmp/file; id; hostname"
    cli.ok("spec", "--bundle", str(bundle), "-h", "box", "busybox", "sh", "-c", script)
    assert cli.ok("run", "--rm", "--bundle", str(bundle)).splitlines()[1:] == ["box"]
    assert (bundle / "rootfs" / "tmp" / "file").read_text() == "written\n"


def test_a_bundle_is_started_again_with_what_it_wrote(cli: CommandLine, bundle: Path) -> None:
    cli.ok("spec", "--bundle", str(bundle), "busybox", "sh", "-c", "echo x >> /tmp/file; cat /tmp/file")
    name = cli.ok("create", "--bundle", str(bundle))
    try:
        assert cli.ok("start", "-a", name) == "x"
        assert cli.ok("start", "-a", name) == "x\nx"
        assert [container["image"] for container in cli.containers().values()] == [str(bundle)]
    finally:
        cli.ok("rm", name)
    assert (bundle / "rootfs" / "bin" / "sh").exists()


def test_a_user_is_looked_up_in_the_bundles_own_files(cli: CommandLine, bundle: Path) -> None:
    cli.ok("spec", "--bundle", str(bundle), "busybox", "cat")
    name = cli.ok("run", "-d", "-i", "--bundle", str(bundle))
    try:
        assert cli.ok("exec", "-u", "alice", name, "id", "-u") == "7"
    finally:
        cli.ok("rm", "-f", name)


def test_a_relative_source_lies_in_the_bundle_and_a_relative_destination_below_the_root(
    cli: CommandLine, bundle: Path
) -> None:
    cli.ok("spec", "--bundle", str(bundle), "busybox", "cat", "/tmp/in/file")
    (bundle / "data").mkdir()
    (bundle / "data" / "file").write_text("here")
    mount = {"destination": "tmp/in", "type": "bind", "source": "data", "options": ["rbind", "ro"]}
    change(bundle, lambda document: document["mounts"].append(mount))
    assert cli.ok("run", "--rm", "--bundle", str(bundle)) == "here"


def test_a_bundle_that_asks_for_a_terminal_gets_one(cli: CommandLine, bundle: Path) -> None:
    cli.ok("spec", "-t", "--bundle", str(bundle), "busybox", "tty")
    with cli.terminal("run", "--rm", "--bundle", str(bundle)) as terminal:
        terminal.until(b"/dev/pts/0")
        assert terminal.end() == 0


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda d: d["linux"]["namespaces"].append({"type": "mont"}), '.type: "mont" is no namespace'),
        (lambda d: d["process"].update(cwd="tmp"), '$.process.cwd: "tmp" is no absolute path'),
        (lambda d: d["process"].pop("args"), "$.process: 'args' is missing"),
        (lambda d: d["root"].update(path="nothing"), "nothing' does not exist"),
        (lambda d: d["linux"].update(intelRdt={"closID": "a"}), "$.linux.intelRdt is not carried out here"),
        (lambda d: d["linux"]["sysctl"].update({"vm.swappiness": "1"}), "belongs to the whole machine"),
    ],
)
def test_a_bundle_that_cannot_be_is_one_sentence_and_leaves_nothing(
    cli: CommandLine, bundle: Path, edit: Callable[[dict[str, Any]], object], sentence: str
) -> None:
    cli.ok("spec", "--bundle", str(bundle), "--sysctl", "kernel.sem=1 2 3 4", "busybox", "true")
    change(bundle, edit)
    assert sentence in cli.refused("run", "--rm", "--bundle", str(bundle), status=125)
    assert cli.containers() == {}


def test_a_bundle_that_is_none_is_one_sentence(cli: CommandLine, bundle: Path) -> None:
    assert "No such file" in cli.refused("run", "--bundle", str(bundle), status=125)
    (bundle / "config.json").mkdir()
    assert "can't be read" in cli.refused("run", "--bundle", str(bundle), status=125)
    (bundle / "config.json").rmdir()
    os.mkfifo(bundle / "config.json")
    assert "no regular file" in cli.refused("run", "--bundle", str(bundle), status=125)


def test_other_options_are_for_the_bundle_to_say(cli: CommandLine, bundle: Path) -> None:
    cli.ok("spec", "--bundle", str(bundle), "busybox", "true")
    assert "can't go with a bundle" in cli.refused("run", "--privileged", "--bundle", str(bundle), status=125)
