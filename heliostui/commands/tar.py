"""`heliostui tar`: unpack or list an archive, whoever made it. Nothing is ever written outside of the directory.

What an entry may be follows Python's `data` filter (PEP 706); absolute names are refused as well. Where it goes is
found by descriptors, name after name, so that no link leads out: none that was there, none of an earlier entry.
"""

from __future__ import annotations

import argparse
import lzma
import os
import shutil
import stat
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import PurePosixPath

from heliostui.commandline.failures import Failure, UsageError, complain
from heliostui.commandline.table import printable

_LINKS = 40  # that one name may go through, as in path_resolution(7)
_BROKEN = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError)
_KINDS = {
    tarfile.CHRTYPE: "a character device",
    tarfile.BLKTYPE: "a block device",
    tarfile.FIFOTYPE: "a FIFO",
}


class Refused(Exception):
    """Why an entry is not unpacked; the sentence goes on from its name."""


class Entry(tarfile.TarInfo):
    """tarfile takes a damaged header for the end of the archive; this says what it is."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Entry:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf):
                raise tarfile.ReadError(f"a header is wrong ({error})") from None
            raise  # nothing, or zeros: the end


# --- the command line ---


def configure(parser: argparse.ArgumentParser) -> None:
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("-x", "--extract", "--get", action="store_true", help="unpack")
    mode.add_argument("-t", "--list", action="store_true", help="list")
    parser.add_argument("-f", "--file", metavar="ARCHIVE", default="-", help="the archive (default: standard input)")
    parser.add_argument("-C", "--directory", metavar="DIR", default=".", help="unpack there (default: here)")
    parser.add_argument("-v", "--verbose", action="store_true", help="name each entry; with -t tell more of it")
    parser.add_argument("-k", "--keep-old-files", action="store_true", help="replace nothing that is there")
    parser.add_argument(
        "--strip-components", metavar="N", type=int, default=0, help="leave the first N parts of each name out"
    )
    parser.add_argument(
        "--rootfs", action="store_true", help="it is a root file system: keep its links to absolute paths"
    )
    recognised = parser.add_argument_group("not needed, as compression is recognised and permissions are kept")
    recognised.add_argument("-z", "--gzip", "--gunzip", action="store_true")
    recognised.add_argument("-j", "--bzip2", action="store_true")
    recognised.add_argument("-J", "--xz", action="store_true")
    recognised.add_argument("-p", "--preserve-permissions", action="store_true")
    parser.add_argument("members", nargs="*", metavar="MEMBER", help="only these entries, and what is below them")


def spelled_out(words: list[str]) -> list[str]:
    """`xfC a.tar there name` as `-x -f a.tar -C there -- name`: tar's old way, and members between options."""
    options: list[str] = []
    members: list[str] = []
    rest = list(words)
    if rest and rest[0] and not rest[0].startswith("-"):
        for letter in rest.pop(0):
            options.append(f"-{letter}")
            if letter in "fC" and rest:
                options.append(rest.pop(0))
    while rest:
        word = rest.pop(0)
        if word == "--":
            members += rest
            break
        if not word.startswith("-") or word == "-":
            members.append(word)
            continue
        options.append(word)
        if _takes_next(word) and rest:
            options.append(rest.pop(0))
    return [*options, "--", *members]


def _takes_next(option: str) -> bool:
    if option.startswith("--"):
        return option in ("--file", "--directory", "--strip-components")
    return option[-1] in "fC" and not any(letter in "fC" for letter in option[1:-1])


def run(arguments: argparse.Namespace) -> int:
    if arguments.strip_components < 0:
        raise UsageError(f"--strip-components: {arguments.strip_components} is less than 0")
    wanted = dict.fromkeys((member.strip("/") for member in arguments.members), False)
    name = "standard input" if arguments.file == "-" else f"'{arguments.file}'"
    with _archive(arguments.file, name) as archive:
        entries = (entry for entry in archive if _is_wanted(entry.name, wanted))
        status = _list(entries, arguments) if arguments.list else _unpack(archive, entries, arguments)
    for member, found in wanted.items():
        if not found:
            complain(f"there is no entry '{member}' in {name}")
            status = 1
    return status


@contextmanager
def _archive(file: str, name: str) -> Iterator[tarfile.TarFile]:
    """Raises Failure for what is no archive, or a damaged one."""
    if file == "-" and sys.stdin.isatty():
        raise UsageError("an archive is missing: -f names it (see 'heliostui tar --help')")
    with ExitStack() as opened:
        source = sys.stdin.buffer if file == "-" else opened.enter_context(open(file, "rb"))
        mode = "r:*" if stat.S_ISREG(os.fstat(source.fileno()).st_mode) and source.seekable() else "r|*"
        try:
            archive = opened.enter_context(tarfile.open(fileobj=source, mode=mode, tarinfo=Entry))  # type: ignore[call-overload]
        except _BROKEN:
            raise Failure(f"{name} is no tar archive, neither a plain one nor one of gzip, bzip2 or xz") from None
        try:
            yield archive
        except _BROKEN as error:
            raise Failure(f"{name} is damaged: {error}") from None


def _is_wanted(name: str, wanted: dict[str, bool]) -> bool:
    if not wanted:
        return True
    path = PurePosixPath(name.strip("/"))
    found = [member for member in wanted if path.is_relative_to(member)]
    wanted.update(dict.fromkeys(found, True))
    return bool(found)


# --- listing ---


def _list(entries: Iterator[tarfile.TarInfo], arguments: argparse.Namespace) -> int:
    for entry in entries:
        name = entry.name + "/" * entry.isdir()
        print(printable(_about(entry) + name if arguments.verbose else name))
    return 0


def _about(entry: tarfile.TarInfo) -> str:
    """As `tar -tv` tells it: permissions, owner, size and time."""
    kind = {tarfile.DIRTYPE: "d", tarfile.SYMTYPE: "l", tarfile.LNKTYPE: "h"}.get(entry.type, "-")
    kind = {tarfile.CHRTYPE: "c", tarfile.BLKTYPE: "b", tarfile.FIFOTYPE: "p"}.get(entry.type, kind)
    owner = f"{entry.uname or entry.uid}/{entry.gname or entry.gid}"
    try:
        changed = f"{datetime.fromtimestamp(entry.mtime):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        changed = str(entry.mtime)
    target = f"{entry.linkname} <- " if entry.issym() or entry.islnk() else ""
    return f"{kind}{stat.filemode(entry.mode)[1:]} {owner} {entry.size:>10} {changed} {target}"


# --- unpacking ---


def _unpack(archive: tarfile.TarFile, entries: Iterator[tarfile.TarInfo], arguments: argparse.Namespace) -> int:
    """Each entry that may be; those that are refused are told of by name, and make the status 1."""
    status = 0
    with Root(arguments.directory, absolute=arguments.rootfs) as root:
        unpacker = Unpacker(archive, root, arguments)
        for entry in entries:
            parts = unpacker.parts(entry.name)
            if not parts:
                continue
            try:
                unpacker.unpack(entry, parts)
            except Refused as reason:
                complain(f"'{entry.name}' is refused: it {reason}")
                status = 1
            except OSError as error:
                if error.errno is None:  # what a decompressor says of damaged data
                    raise tarfile.ReadError(str(error)) from None
                complain(f"'{entry.name}' can not be unpacked: {error.strerror}")
                status = 1
            else:
                if arguments.verbose:
                    print(printable(entry.name))
        unpacker.finish()
    return status


class Root:
    """The directory to unpack into. Names are resolved inside of it, as by openat2(2) with RESOLVE_BENEATH; with
    `absolute` links to absolute paths are followed as well, from here (RESOLVE_IN_ROOT)."""

    def __init__(self, directory: str, *, absolute: bool) -> None:
        """Raises OSError."""
        self._absolute = absolute
        self._fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Root:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    @contextmanager
    def parent(self, parts: list[str], *, make: bool = True) -> Iterator[tuple[int, int]]:
        """A descriptor of the directory in which `parts[-1]` is, made where it is missing, and how deep it is below
        this one. Raises Refused where that is not below."""
        with ExitStack() as opened:
            here = [self._fd]
            left = list(reversed(parts[:-1]))
            links = 0
            while left:
                part = left.pop()
                if part == "..":
                    if len(here) == 1:
                        raise Refused("would get out of the directory by '..'")
                    here.pop()
                    continue
                target = _link_target(part, here[-1])
                if target is None:
                    here.append(_directory(part, here[-1], make=make))
                    opened.callback(os.close, here[-1])
                    continue
                links += 1
                if links > _LINKS or (target.startswith("/") and not self._absolute):
                    raise Refused(f"would go through '{part}', a link to '{target}'")
                if target.startswith("/"):
                    del here[1:]
                left += reversed(_parts(target))
            yield here[-1], len(here) - 1


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _link_target(name: str, directory: int) -> str | None:
    """What the link says; None for what is no link."""
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError:
        return None


def _directory(name: str, parent: int, *, make: bool) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=parent)
    except FileNotFoundError:
        if not make:
            raise
    os.mkdir(name, dir_fd=parent)
    return os.open(name, flags, dir_fd=parent)


class Unpacker:
    """Makes entries below a root."""

    def __init__(self, archive: tarfile.TarFile, root: Root, arguments: argparse.Namespace) -> None:
        self._archive = archive
        self._root = root
        self._rootfs: bool = arguments.rootfs
        self._keep: bool = arguments.keep_old_files
        self._strip: int = arguments.strip_components
        self._directories: list[tuple[list[str], tarfile.TarInfo]] = []

    def parts(self, name: str) -> list[str]:
        """The names that lead there; none for the root itself, and where --strip-components leaves none."""
        return _parts(name)[self._strip :]

    def unpack(self, entry: tarfile.TarInfo, parts: list[str]) -> None:
        """Raises Refused, OSError, and what tarfile raises for a damaged archive; nothing half-made is left then."""
        if entry.name.startswith("/"):
            raise Refused("has an absolute name")
        if "\0" in entry.name + entry.linkname:
            raise Refused("has a NUL in its name")
        if parts[-1] == "..":
            raise Refused("ends with '..'")
        make = self._maker(entry)
        with self._root.parent(parts) as (directory, depth):
            make(entry, parts, directory, depth)

    def finish(self) -> None:
        """Give directories their permissions and times, once nothing more is put into them."""
        for parts, entry in reversed(self._directories):
            with suppress(OSError, Refused), self._root.parent([*parts, "."], make=False) as (directory, _):
                os.fchmod(directory, self._mode(entry) | 0o700)
                os.utime(directory, (entry.mtime, entry.mtime))

    def _maker(self, entry: tarfile.TarInfo) -> Callable[[tarfile.TarInfo, list[str], int, int], None]:
        if entry.isdir():
            return self._directory
        if entry.issym():
            return self._symbolic_link
        if entry.islnk():
            return self._hard_link
        if entry.isreg():
            return self._file
        raise Refused(f"is {_KINDS.get(entry.type, 'neither file, directory nor link')}")

    def _directory(self, entry: tarfile.TarInfo, parts: list[str], directory: int, depth: int) -> None:
        with self._root.parent([*parts, "."]):
            self._directories.append((parts, entry))

    def _file(self, entry: tarfile.TarInfo, parts: list[str], directory: int, depth: int) -> None:
        self._make_room(parts[-1], directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(parts[-1], flags, 0o600, dir_fd=directory)
        try:
            with open(fd, "wb") as target:
                if content := self._archive.extractfile(entry):
                    shutil.copyfileobj(content, target, 1 << 18)
                target.flush()
                os.fchmod(fd, self._mode(entry) | 0o600)
                os.utime(fd, (entry.mtime, entry.mtime))
        except BaseException:
            os.unlink(parts[-1], dir_fd=directory)
            raise

    def _symbolic_link(self, entry: tarfile.TarInfo, parts: list[str], directory: int, depth: int) -> None:
        """It may go up as far as the root, and then down: so, whatever links there are, it stays inside."""
        target = entry.linkname
        steps = _parts(target)
        up = next((at for at, step in enumerate(steps) if step != ".."), len(steps))
        if target.startswith("/"):
            if not self._rootfs:
                raise Refused(f"is a link to the absolute path '{target}' (--rootfs keeps those)")
        elif up > depth or ".." in steps[up:]:
            raise Refused(f"is a link to '{target}', which can lead out of the directory")
        self._make_room(parts[-1], directory)
        os.symlink(target, parts[-1], dir_fd=directory)

    def _hard_link(self, entry: tarfile.TarInfo, parts: list[str], directory: int, depth: int) -> None:
        if entry.linkname.startswith("/"):
            raise Refused(f"is a link to the absolute path '{entry.linkname}'")
        source = self.parts(entry.linkname)
        if not source or source[-1] == "..":
            raise Refused(f"is a link to '{entry.linkname}', which is no file")
        with self._root.parent(source, make=False) as (origin, _):
            status = os.stat(source[-1], dir_fd=origin, follow_symlinks=False)
            with suppress(FileNotFoundError):
                if os.path.samestat(status, os.stat(parts[-1], dir_fd=directory, follow_symlinks=False)):
                    return
            self._make_room(parts[-1], directory)
            os.link(source[-1], parts[-1], src_dir_fd=origin, dst_dir_fd=directory, follow_symlinks=False)

    def _make_room(self, name: str, directory: int) -> None:
        """What is there is replaced, never written to: it may be a link, or have other names."""
        if self._keep:
            return
        try:
            os.unlink(name, dir_fd=directory)
        except FileNotFoundError:
            return
        except IsADirectoryError:
            os.rmdir(name, dir_fd=directory)

    def _mode(self, entry: tarfile.TarInfo) -> int:
        """No set-user-id, and nobody else may write; /tmp of a root file system stays everybody's."""
        mode = entry.mode & (0o1777 if self._rootfs and entry.isdir() else 0o755)
        return mode if entry.isdir() or mode & 0o100 else mode & ~0o111
