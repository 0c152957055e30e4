"""`heliostui tar`: what it unpacks, and what it refuses (C4)."""

from __future__ import annotations

import errno
import io
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliostui.__main__ import main

Bake = Callable[..., Path]


def entry(name: str, content: bytes | None = None, **fields: object) -> tuple[tarfile.TarInfo, bytes | None]:
    info = tarfile.TarInfo(name)
    info.size = len(content or b"")
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def link(name: str, target: str, *, hard: bool = False) -> tuple[tarfile.TarInfo, None]:
    return entry(name, type=tarfile.LNKTYPE if hard else tarfile.SYMTYPE, linkname=target)[0], None


def directory(name: str, mode: int = 0o755) -> tuple[tarfile.TarInfo, None]:
    return entry(name, type=tarfile.DIRTYPE, mode=mode)[0], None


def packed(*entries: tuple[tarfile.TarInfo, bytes | None], mode: str = "w") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content or b""))
    return target.getvalue()


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, in which there is nothing, beside a file that nobody may touch."""
    (tmp_path / "outside").write_text("untouched")
    here = tmp_path / "inside"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def unpack(
    capsys: pytest.CaptureFixture[str], *entries: tuple[tarfile.TarInfo, bytes | None], options: str = ""
) -> tuple[int, str]:
    """The status and what was complained of; nothing is outside that was not there."""
    archive = Path.cwd().parent / "archive.tar"
    archive.write_bytes(packed(*entries))
    status = main(["tar", "-xf", str(archive), *options.split()])
    assert sorted(os.listdir("..")) == ["archive.tar", "inside", "outside"]
    assert Path("../outside").read_text() == "untouched"
    return status, capsys.readouterr().err


def tree(root: Path) -> dict[str, str]:
    """Path to content, `-> target` or `/`."""
    found = {}
    for path in sorted(root.rglob("*")):
        is_link = path.is_symlink()
        text = f"-> {os.readlink(path)}" if is_link else "/" if path.is_dir() else path.read_text()
        found[str(path.relative_to(root))] = text
    return found


def test_files_directories_and_links_are_unpacked(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, complaints = unpack(
        capsys,
        directory("bin/", 0o750),
        entry("bin/tool", b"#!", mode=0o4777, mtime=1_000_000_000),
        link("bin/alias", "tool"),
        link("tool", "bin/tool", hard=True),
        link("deep/er/up", "../../bin"),
        entry("deep/er/up/through", b"a link that stays inside"),
    )
    assert (status, complaints) == (0, "")
    assert tree(inside) == {
        "bin": "/", "bin/alias": "-> tool", "bin/through": "a link that stays inside", "bin/tool": "#!",
        "deep": "/", "deep/er": "/", "deep/er/up": "-> ../../bin", "tool": "#!",
    }  # fmt: skip
    status_of_tool = (inside / "bin/tool").stat()
    assert stat.S_IMODE(status_of_tool.st_mode) == 0o755
    assert status_of_tool.st_mtime == 1_000_000_000
    assert status_of_tool.st_nlink == 2
    assert stat.S_IMODE((inside / "bin").stat().st_mode) == 0o750


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (entry("../x", b"!"), "would get out of the directory"),
        (entry("a/../../x", b"!"), "would get out of the directory"),
        (entry("/etc/x", b"!"), "has an absolute name"),
        (entry("..", type=tarfile.DIRTYPE), "ends with '..'"),
        (link("x", "../outside"), "can lead out of the directory"),
        (link("a/x", "../../outside"), "can lead out of the directory"),
        (link("x", "a/../../outside"), "can lead out of the directory"),
        (link("x", "/etc/passwd"), "is a link to the absolute path '/etc/passwd'"),
        (link("x", "../outside", hard=True), "would get out of the directory"),
        (link("x", "/etc/passwd", hard=True), "is a link to the absolute path '/etc/passwd'"),
        (link("x", ".", hard=True), "which is no file"),
        (entry("x", type=tarfile.CHRTYPE, devmajor=1, devminor=3), "is a character device"),
        (entry("x", type=tarfile.BLKTYPE, devmajor=8), "is a block device"),
        (entry("x", type=tarfile.FIFOTYPE), "is a FIFO"),
    ],
    ids=lambda value: value[0].name + " " + value[0].linkname if isinstance(value, tuple) else "",
)
def test_an_entry_that_escapes_is_named_and_the_others_are_unpacked(
    inside: Path, capsys: pytest.CaptureFixture[str], bad: tuple[tarfile.TarInfo, bytes | None], reason: str
) -> None:
    status, complaints = unpack(capsys, directory("a"), bad, entry("good", b"kept"))
    assert status == 1
    assert complaints.startswith(f"heliostui: '{bad[0].name}' is refused: it ")
    assert reason in complaints
    assert complaints.count("\n") == 1
    assert tree(inside) == {"a": "/", "good": "kept"}


def test_nothing_is_written_through_links_that_were_there(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (inside / "out").symlink_to("..")
    (inside / "file").symlink_to("../outside")
    (inside / "absolute").symlink_to(inside.parent)
    status, complaints = unpack(
        capsys, entry("out/x", b"!"), entry("file", b"in its place"), entry("absolute/x", b"!"), directory("out/y")
    )
    assert status == 1
    assert complaints.count("is refused") == 3
    assert tree(inside)["file"] == "in its place"


def test_links_that_only_together_lead_out_are_refused(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CVE-2025-4330 and its kind: each of them looks well by itself."""
    status, complaints = unpack(capsys, link("x", "d/.."), link("d", "."), entry("x/outside", b"!"))
    assert status == 1
    assert "'x' is refused" in complaints
    assert tree(inside) == {"d": "-> .", "x": "/", "x/outside": "!"}


def test_a_name_longer_than_paths_can_be_leads_nowhere(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CVE-2025-4517: realpath(3) gives up on it, and a filter that asks it is blind."""
    component = "d" * 247
    entries: list[tuple[tarfile.TarInfo, bytes | None]] = []
    path = ""
    for step in "abcdefghijklmnop":
        entries += [directory(path + component), link(path + step, component)]
        path += component + "/"
    long_link = "/".join("abcdefghijklmnop") + "/" + "l" * 254
    entries += [link(long_link, "../" * 16), link("escape", long_link + "/../outside"), entry("escape", b"!")]
    assert unpack(capsys, *entries)[0] == 1
    assert (inside / "escape").read_text() == "!"


def test_a_root_file_system_keeps_its_absolute_links(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = [
        directory("tmp", 0o1777),
        directory("usr/bin"),
        link("bin", "/usr/bin"),
        entry("bin/busybox", b"multi"),
        link("usr/bin/sh", "/bin/busybox"),
        link("etc/mtab", "/proc/mounts"),
    ]
    assert unpack(capsys, *entries, options="--rootfs") == (0, "")
    assert tree(inside)["usr/bin/busybox"] == "multi"
    assert tree(inside)["usr/bin/sh"] == "-> /bin/busybox"
    assert stat.S_IMODE((inside / "tmp").stat().st_mode) == 0o1777


names = st.lists(st.sampled_from(["..", ".", "", "a", "b", "outside"]), min_size=1, max_size=4).map("/".join)
entries = st.one_of(
    st.builds(link, names, names, hard=st.booleans()),
    st.builds(link, names, st.sampled_from(["a/b", "b/a", "../a", "../b/a", "a/../b"])),
    st.builds(directory, names),
    st.builds(entry, names, st.just(b"!")),
)


def is_a_circle(path: Path) -> bool:
    """Whether a link leads to itself: nowhere then, but realpath answers with anything."""
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(entries, max_size=6), st.booleans())
def test_whatever_the_archive_says_nothing_comes_out_of_the_directory(
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    many: list[tuple[tarfile.TarInfo, bytes | None]],
    rootfs: bool,
) -> None:
    above = tmp_path_factory.mktemp("above")
    (above / "outside").write_text("untouched")
    (above / "in/side").mkdir(parents=True)
    monkeypatch.chdir(above / "in/side")
    unpack_to = above / "in/side"
    (above / "archive").write_bytes(packed(*many))
    main(["tar", "-xf", str(above / "archive"), *["--rootfs"] * rootfs])
    capsys.readouterr()
    assert sorted(os.listdir(above)) == ["archive", "in", "outside"]
    assert os.listdir(above / "in") == ["side"]
    assert (above / "outside").read_text() == "untouched"
    assert (above / "outside").stat().st_nlink == 1
    for path in unpack_to.rglob("*"):
        if path.is_symlink() and not (rootfs or is_a_circle(path)):
            assert os.path.realpath(path).startswith(str(unpack_to)), path


@pytest.mark.parametrize(
    "words", [["xf", "A"], ["-xf", "A"], ["-x", "-f", "A"], ["xvfz", "A"], ["--extract", "--file", "A"]]
)
@pytest.mark.parametrize("compression", ["", ":gz", ":bz2", ":xz"])
def test_compression_and_tars_ways_of_writing_options_are_understood(
    inside: Path, capsys: pytest.CaptureFixture[str], words: list[str], compression: str
) -> None:
    archive = inside.parent / "archive"
    archive.write_bytes(packed(entry("file", b"text"), mode="w" + compression))
    assert main(["tar", *(str(archive) if word == "A" else word for word in words)]) == 0
    assert (inside / "file").read_text() == "text"
    assert capsys.readouterr() == ("file\n" if "xvfz" in words else "", "")


def test_members_can_be_chosen_and_directories_stripped(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (inside / "there").mkdir()
    entries = [entry("a/b/one", b"1"), entry("a/c/two", b"2"), link("a/b/again", "a/b/one", hard=True)]
    assert unpack(capsys, *entries, options="a/b -C there --strip-components 1")[0] == 0
    assert tree(inside / "there") == {"b": "/", "b/one": "1", "b/again": "1"}
    status, complaints = unpack(capsys, *entries, options="a/b nowhere")
    assert status == 1
    assert "there is no entry 'nowhere'" in complaints


def test_old_files_are_kept_where_that_is_asked(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (inside / "file").write_text("old")
    status, complaints = unpack(capsys, entry("file", b"new"), options="-k")
    assert (status, (inside / "file").read_text()) == (1, "old")
    assert "'file' can not be unpacked: File exists" in complaints
    assert unpack(capsys, entry("file", b"new")) == (0, "")
    assert (inside / "file").read_text() == "new"


def test_listing_writes_nothing_and_steers_no_terminal(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = inside.parent / "archive"
    archive.write_bytes(packed(directory("bin"), entry("../x\x1b[2J", b"!!"), link("l", "/etc")))
    assert main(["tar", "tf", str(archive)]) == 0
    assert capsys.readouterr().out == "bin/\n../x\\x1b[2J\nl\n"
    assert main(["tar", "-tvf", str(archive)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("drwxr-xr-x ")
    assert " 2 1970-01-01" in lines[1] or " 2 1969-12-31" in lines[1]
    assert lines[2].startswith("lrw-r--r-- ")
    assert os.listdir(inside) == []


def test_a_damaged_archive_is_one_sentence_and_leaves_no_half_of_a_file(
    inside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = inside.parent / "archive"
    whole = packed(entry("one", b"1" * 5000), entry("two", b"2" * 5000))
    for damaged in (
        whole[:9000],
        whole[:5600] + b"\xff" * 512 + whole[6112:],
        packed(entry("one", b"1"), mode="w:gz")[:40],
    ):
        archive.write_bytes(damaged)
        assert main(["tar", "-xf", str(archive)]) == 1
        complaint = capsys.readouterr().err
        assert complaint.startswith("heliostui: '")
        assert complaint.count("\n") == 1
        assert not (inside / "two").exists()
    for nonsense in (b"", b"hello" * 1000):
        archive.write_bytes(nonsense)
        assert main(["tar", "-xf", str(archive)]) == 1
        assert "is no tar archive" in capsys.readouterr().err
    assert main(["tar", "-xf", "nowhere"]) == 1
    assert capsys.readouterr().err == "heliostui: nowhere: No such file or directory\n"
