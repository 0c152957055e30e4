"""`--config FILE`."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.limits import MAX, DeviceLimit, Limits
from engine.protocol.messages import RestartPolicy
from heliostui.commandline.config_file import read


def file(tmp_path: Path, name: str, content: str) -> Path:
    path = tmp_path / name
    path.write_text(content)
    return path


TOML = """\
# a web server
image = "busybox"
command = ["httpd", "-f"]
tty = true
restart = "on-failure:3"

[labels]
tier = "front"
"""

JSON = """{"image": "busybox", "command": ["httpd", "-f"], "tty": true,
 "restart": {"name": "on-failure", "maximum": 3}, "labels": {"tier": "front"}}"""


@pytest.mark.parametrize(("name", "content"), [("web.toml", TOML), ("web.json", JSON), ("web", TOML)])
def test_toml_and_json_say_the_same(tmp_path: Path, name: str, content: str) -> None:
    assert read(file(tmp_path, name, content)) == {
        "image": "busybox",
        "command": ["httpd", "-f"],
        "tty": True,
        "restart": RestartPolicy(name="on-failure", maximum=3),
        "labels": {"tier": "front"},
    }


def test_sizes_and_counts_are_written_as_people_do(tmp_path: Path) -> None:
    content = """\
shm_size = "64m"
[limits]
memory = "1.5g"
memory_swap = "max"
cpus = "0.5"
pids = 100
hugetlb = {"2MB" = "1g"}
[[limits.devices]]
device = "/dev/sda"
read_bps = "1m"
"""
    assert read(file(tmp_path, "a.toml", content)) == {
        "shm_size": 64 << 20,
        "limits": Limits(
            memory=3 << 29,
            memory_swap=MAX,
            cpus=0.5,
            pids=100,
            hugetlb={"2MB": 1 << 30},
            devices=[DeviceLimit(device="/dev/sda", read_bps=1 << 20)],
        ),
    }


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.toml", 'image = "x"\nnmae = "y"\n', r"a\.toml, line 2: nmae: there is no such option: did you mean 'name'"),
        ("a.toml", 'image = "x"\n\nname = 3\n', r"line 3: name: expected text, got a whole number"),
        ("a.toml", "command = [1]\n", r"line 1: command: expected text, got a whole number"),
        ("a.toml", '[labels]\na = "b"\n[restart]\nname = "sometimes"\n', r"line 4: restart\.name: "),
        ("a.toml", '[limits]\nmemory = "much"\n', r"line 2: limits\.memory: 'much' is no size"),
        (
            "a.toml",
            '[limits]\nmemroy = "1g"\n',
            r"line 2: limits\.memroy: there is no such option: did you mean 'memory'",
        ),
        ("a.toml", 'name = "x"\n[restart]\nname = 3\n', r"line 3: restart\.name: "),
        ("a.toml", "[limits]\npids = [1]\n", r"line 2: limits\.pids: expected a whole number, got a list"),
        ("a.toml", "[limits]\ncpus = nan\n", r"line 2: limits\.cpus: nan is no number of CPUs"),
        ("a.json", '{"limits": {"cpus": Infinity}}', r"line 1: limits\.cpus: inf is no number of CPUs"),
        ("a.toml", 'shm_size = "some"\n', r"line 1: shm_size: 'some' is no size"),
        ("a.toml", 'restart = "sometimes"\n', r"line 1: restart: 'sometimes' is no restart policy"),
        ("a.toml", "image = \n", r"a\.toml, line 1: not TOML: "),
        ("a.toml", "image = 'x", r"a\.toml, (line 1|at its end): not TOML: "),
        ("a.json", '{"image": "x",\n "tty": "yes"}', r"a\.json, line 2: tty: expected true or false, got text"),
        ("a.json", '{"image":\n\n x}', r"a\.json, line 3: not JSON: "),
        ("a.json", "[1]", r"a\.json: expected names and values, found a list"),
        ("a.json", "[" * 100_000, r"a\.json: nested too deeply"),
    ],
)
def test_a_fault_is_named_with_file_line_and_key(tmp_path: Path, name: str, content: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(file(tmp_path, name, content))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="the file is not UTF-8"):
        read(path)


@given(content=st.text(max_size=80), suffix=st.sampled_from([".toml", ".json"]))
def test_any_file_gives_options_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: str, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    assert complaint(path).startswith(str(path))


def complaint(path: Path) -> str:
    """The refusal, or the path alone where the file is accepted."""
    try:
        read(path)
    except ValueError as error:
        return str(error)
    return str(path)
