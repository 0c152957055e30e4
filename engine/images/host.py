"""The image `host`: this machine's own programs, none of its secrets.

/usr is grafted (read-only below a layer of the container's own), /bin, /lib and the like point into it as they do on
the host, /etc is generated but for a short list of files that programs fail without. Nothing else of the host is there.
May import the standard library, msgspec, and this package.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from engine.images import skeleton
from engine.images.generation import digest
from engine.images.image import Graft, Image

RECIPE = "host 1"  # raise it when what is made changes

# Names below /etc, as patterns. All of it is configuration that programs ship or that describes the machine to them.
# Not here on purpose: what may carry a password (wgetrc, pip.conf, npmrc, gitconfig, apt), accounts, keys, services.
COPIED = """
alternatives adduser.conf deluser.conf bash.bashrc bashrc inputrc profile shells login.defs
ld.so.cache ld.so.conf ld.so.conf.d locale.alias locale.conf localtime timezone
debian_version lsb-release os-release *-release
gai.conf host.conf networks protocols services rpc ethertypes iproute2 netconfig
emacs groff htoprc lesskey magic magic.mime mailcap man_db.conf manpath.config mime.types mke2fs.conf nanorc
screenrc terminfo tmux.conf vim vimrc virc xattr.conf zsh
fonts java-* perl python3 python3.* xml sgml
ca-certificates.conf crypto-policies
""".split()
# The same, but reached through a directory of which the rest stays behind.
COPIED_DEEPER = """
ssl/certs ssl/cert.pem ssl/openssl.cnf pki/ca-trust/extracted pki/tls/certs pki/tls/cert.pem pki/tls/openssl.cnf
""".split()
TOP_LEVEL = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# Where an installed or removed program shows, so that a new generation looks for new private files.
PROGRAMS = ("usr", "usr/bin", "usr/sbin", "usr/lib", "usr/share", "usr/local", "usr/local/bin", "usr/local/etc")

_copied = re.compile("|".join(fnmatch.translate(pattern) for pattern in COPIED))


class Host:
    """The recipe. `root` is the host's root directory; tests give it another one."""

    name = "host"
    description = "The programs of this machine, without its secrets"

    def __init__(self, root: str = "/") -> None:
        self.root = root

    @property
    def shell(self) -> str:
        return "/bin/bash" if os.path.exists(self._on_host("bin/bash")) else "/bin/sh"

    @property
    def command(self) -> tuple[str, ...]:
        return (self.shell,)

    def unavailable(self) -> str:
        """Why it can't be made, in one sentence; empty when it can."""
        if os.path.exists(self._on_host("usr/bin")) and os.path.exists(self._on_host("bin/sh")):
            return ""
        return "This machine keeps its programs elsewhere than in /usr, or has no /bin/sh."

    def watched(self) -> list[str]:
        """Paths whose own stat tells, at little cost, that it may be time for a new generation."""
        above = [self._on_host(name) for name in ("etc", *TOP_LEVEL, *PROGRAMS)]
        return [*above, *(self._on_host("etc/" + name) for name in self._copied_names())]

    def digest(self) -> str:
        shallow = [str(self._status(name)) for name in (*TOP_LEVEL, *PROGRAMS)]
        return digest(
            "\n".join((RECIPE, self.root, *shallow, *self._submounts())),
            [self._on_host("etc/" + name) for name in self._copied_names()],
        )

    def build(self, place: Path) -> None:
        """Make the generation in the empty directory `place`. Raises OSError."""
        layer = place / "layer"
        layer.mkdir()
        skeleton.lay(layer, self.shell)
        for name in self._copied_names():
            self._copy_into_etc(layer / "etc", name)
        grafts = list(self._top_level(layer))
        grafts += [Graft(self._on_host(name), "/" + name) for name in ("usr", *self._submounts())]
        masked = [path for graft in grafts for path in private_paths(graft.source, graft.destination)]
        (place / "image.json").write_bytes(msgspec.json.encode({"grafts": grafts, "masked": sorted(set(masked))}))

    def image(self, place: Path) -> Image:
        """The image of the generation at `place`. Raises OSError and msgspec.MsgspecError where it is damaged."""
        made = msgspec.json.decode((place / "image.json").read_bytes(), type=_Made)
        return Image(
            name=self.name,
            description=self.description,
            layers=(str(place / "layer"),),
            grafts=made.grafts,
            masked=made.masked,
            command=self.command,
        )

    def _on_host(self, name: str) -> str:
        return os.path.join(self.root, name)

    def _status(self, name: str) -> tuple[int, int] | str:
        path = self._on_host(name)
        try:
            status = os.lstat(path)
        except OSError:
            return ""
        return os.readlink(path) if stat.S_ISLNK(status.st_mode) else (status.st_mode, status.st_mtime_ns)

    def _copied_names(self) -> list[str]:
        present = sorted(name for name in os.listdir(self._on_host("etc")) if _copied.fullmatch(name))
        return present + [name for name in COPIED_DEEPER if os.path.lexists(self._on_host("etc/" + name))]

    def _copy_into_etc(self, etc: Path, name: str) -> None:
        above = etc
        for part in name.split("/")[:-1]:
            above /= part
            if not above.exists():
                skeleton.make_directory(above)
        copy_public(self._on_host("etc/" + name), above / name.rpartition("/")[2])

    def _top_level(self, layer: Path) -> Iterator[Graft]:
        """Make /bin, /lib, … links as they are on the host, or mount points of a graft where /usr is not merged."""
        for name in TOP_LEVEL:
            path = self._on_host(name)
            if os.path.islink(path):
                (layer / name).symlink_to(os.readlink(path))
            elif os.path.isdir(path):
                skeleton.make_directory(layer / name)
                yield Graft(path, "/" + name)

    def _submounts(self) -> list[str]:
        """Names like usr/local of file systems of their own, which an overlay of /usr does not include."""
        with os.scandir(self._on_host("usr")) as entries:
            names = [f"usr/{entry.name}" for entry in entries if entry.is_dir(follow_symlinks=False)]
        return sorted(name for name in names if os.path.ismount(self._on_host(name)))


class _Made(msgspec.Struct):
    grafts: tuple[Graft, ...]
    masked: tuple[str, ...]


def copy_public(source: str, target: Path) -> None:
    """Copy a file tree, but for what others may not read, private keys, devices and sockets. Links stay links."""
    status = os.lstat(source)
    if stat.S_ISLNK(status.st_mode):
        target.symlink_to(os.readlink(source))
    elif stat.S_ISDIR(status.st_mode) and status.st_mode & 0o005 == 0o005:
        skeleton.make_directory(target)
        for name in os.listdir(source):
            copy_public(os.path.join(source, name), target / name)
    elif stat.S_ISREG(status.st_mode) and status.st_mode & 0o004:
        content = Path(source).read_bytes()
        if b"PRIVATE KEY-----" not in content:
            skeleton.write(target, content, 0o755 if status.st_mode & 0o001 else 0o644)


def private_paths(directory: str, seen_as: str) -> Iterator[str]:
    """What below `directory` not everybody may read, as paths below `seen_as`; a directory stands for all in it.

    A container's root is the host's root to the files of a graft, and would be let in.
    """
    try:
        entries = os.scandir(directory)
    except PermissionError:
        return
    with entries:
        for entry in entries:
            path = f"{seen_as}/{entry.name}"
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                if mode & 0o005 == 0o005:
                    yield from private_paths(entry.path, path)
                else:
                    yield path
            elif stat.S_ISREG(mode) and not mode & 0o004:
                yield path
