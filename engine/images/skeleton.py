"""The root filesystem every built-in image begins with: directories and a generated /etc. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path

# Mount points and the directories of the Filesystem Hierarchy Standard 3.0 that programs write to.
DIRECTORIES = {
    **dict.fromkeys(("dev", "proc", "sys", "etc", "usr", "run", "home", "srv", "opt", "mnt", "media", "var"), 0o755),
    **dict.fromkeys(("var/cache", "var/lib", "var/log", "var/spool"), 0o755),
    **dict.fromkeys(("tmp", "var/tmp", "run/lock"), 0o1777),
    "root": 0o700,
}
LINKS = {"var/run": "/run", "var/lock": "/run/lock", "etc/mtab": "/proc/self/mounts"}

# Name, uid, gid, home, shell; the ids that Debian gives them (base-passwd). `{sh}` is the image's shell.
USERS = """\
root:x:0:0:root:/root:{sh}
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
sync:x:4:65534:sync:/bin:/bin/sync
games:x:5:60:games:/usr/games:/usr/sbin/nologin
man:x:6:12:man:/var/cache/man:/usr/sbin/nologin
lp:x:7:7:lp:/var/spool/lpd:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
backup:x:34:34:backup:/var/backups:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUPS = (
    "root:0 daemon:1 bin:2 sys:3 adm:4 tty:5 disk:6 lp:7 mail:8 man:12 kmem:15 dialout:20 sudo:27 audio:29 www-data:33 "
    "backup:34 utmp:43 video:44 staff:50 games:60 users:100 nogroup:65534"
)

HOSTS = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
"""
NSSWITCH = """\
passwd: files
group: files
shadow: files
hosts: files dns
networks: files
protocols: files
services: files
"""
# Root may become anybody, nobody else may: enough for su(1) and runuser(1), without a shadow file.
PAM = """\
auth sufficient pam_rootok.so
auth required pam_deny.so
account required pam_permit.so
session required pam_permit.so
"""
BASHRC = r"""# For interactive shells of a heliostui container.
[ -z "$PS1" ] && return
HISTCONTROL=ignoreboth
shopt -s checkwinsize
PS1='\[\e[1;36m\]\u@\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]\$ '
alias ls='ls --color=auto' ll='ls -l' grep='grep --color=auto'
"""
PROFILE = """\
[ -n "$BASH_VERSION" ] && [ -f ~/.bashrc ] && . ~/.bashrc
"""


def files(shell: str) -> dict[str, str]:
    """The generated files, path → text; `shell` is root's."""
    pam = {f"etc/pam.d/{service}": PAM for service in ("su", "su-l", "runuser", "runuser-l", "other")}
    return {
        "etc/passwd": USERS.format(sh=shell),
        "etc/group": "".join("{}:x:{}:\n".format(*group.split(":")) for group in GROUPS.split()),
        "etc/hostname": "localhost\n",
        "etc/hosts": HOSTS,
        "etc/nsswitch.conf": NSSWITCH,
        "etc/resolv.conf": "# No name servers: the engine mounts a file that names some over this one.\n",
        "root/.bashrc": BASHRC,
        "root/.profile": PROFILE,
        **pam,
    }


def lay(root: Path, shell: str) -> None:
    """Fill the empty directory `root` with the skeleton, whatever the umask is. Raises OSError."""
    root.chmod(0o755)
    for name, mode in DIRECTORIES.items():
        make_directory(root / name, mode)
    make_directory(root / "etc/pam.d")
    for name, target in LINKS.items():
        (root / name).symlink_to(target)
    for name, text in files(shell).items():
        write(root / name, text.encode())


def make_directory(path: Path, mode: int = 0o755) -> None:
    path.mkdir()
    path.chmod(mode)


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.write_bytes(content)
    os.chmod(path, mode)
