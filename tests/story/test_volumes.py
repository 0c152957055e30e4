"""Volumes and mounts for root, and for an ordinary user, who may have all of it but maps of other people's ids."""

from __future__ import annotations

from pathlib import Path

from tests.story.conftest import Person


def run(person: Person, *words: str) -> str:
    result = person.heliostui("run", "--rm", *words)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_volumes_binds_and_memory_work_alike(anybody: Person) -> None:
    source = Path(anybody.environment["HOME"]) / "mine"
    sh = ("busybox", "sh", "-c")
    assert run(anybody, "-v", f"{source}:/mine", *sh, "echo written > /mine/file") == ""
    found = (source / "file").stat()
    assert (source / "file").read_text() == "written\n"
    assert found.st_uid == source.parent.stat().st_uid
    script = "cat /m/file; touch /m/x 2>/dev/null || echo refused; ls /etc/hostname; df /t | grep -c tmpfs"
    mounts = ("-v", f"{source}:/m:ro", "--tmpfs", "/t:size=1m", "--mount", "type=tmpfs,dst=/etc,tmpcopyup")
    assert run(anybody, *mounts, *sh, script) == "written\nrefused\n/etc/hostname\n1\n"
    run(anybody, "-v", "kept:/etc", *sh, "echo more > /etc/more")
    script = "cat /e/more; stat -c %u /e/hostname"
    assert run(anybody, "-v", "kept:/e", *sh, script) == "more\n0\n"
    assert run(anybody, "--userns", "private", "-v", "kept:/e", *sh, script) == "more\n0\n"
    assert anybody.heliostui("volume", "prune", "--all").stdout == "kept\n"


def test_ids_of_others_are_not_an_ordinary_users_to_map(ordinary: Person) -> None:
    words = ("--mount", f"type=bind,src={ordinary.environment['HOME']},dst=/m,idmap=uids=0-0-1", "busybox", "true")
    refused = ordinary.heliostui("run", "--rm", *words)
    assert refused.returncode == 125
    assert "/m" in refused.stderr
    assert "ordinary user" in refused.stderr
    assert refused.stderr.count("\n") == 1
