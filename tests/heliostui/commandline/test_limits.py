"""Limits are read from the command line as Docker's are, and nonsense is refused in a sentence."""

from __future__ import annotations

import argparse

import pytest

from engine.protocol.limits import MAX, DeviceLimit, Limits
from heliostui.commandline.failures import UsageError
from heliostui.commandline.limits import add_limit_options, given_limits
from heliostui.commandline.parser import verb_parser


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = verb_parser("update", "[OPTIONS]", "change limits")
    add_limit_options(parser)
    return parser


@pytest.mark.parametrize(
    ("words", "limits"),
    [
        ("", Limits()),
        ("-m 512m --memory-swap 1g", Limits(memory=512 << 20, memory_swap=1 << 30)),
        ("--memory max --memory-reservation 1.5g --memory-high 1g",
         Limits(memory=MAX, memory_reservation=3 << 29, memory_high=1 << 30)),
        ("--cpus .5 --cpu-weight 200", Limits(cpus=0.5, cpu_weight=200)),
        ("-c 1024", Limits(cpu_weight=100)),
        ("--cpuset-cpus 0-2,4 --cpuset-mems 0", Limits(cpuset_cpus="0-2,4", cpuset_mems="0")),
        ("--pids-limit -1 --io-weight 10", Limits(pids=MAX, io_weight=10)),
        ("--device-read-bps /dev/sda:1m --device-write-iops /dev/sda:max --device-read-bps 8:16:2m",
         Limits(devices=[DeviceLimit(device="/dev/sda", read_bps=1 << 20, write_iops=MAX),
                         DeviceLimit(device="8:16", read_bps=2 << 20)])),
        ("--hugetlb 2MB=1g --hugetlb 1GB=max", Limits(hugetlb={"2MB": 1 << 30, "1GB": MAX})),
        ("--unified memory.high=1G --unified a.b=5=x", Limits(unified={"memory.high": "1G", "a.b": "5=x"})),
    ],
)  # fmt: skip
def test_every_option_has_its_field(parser: argparse.ArgumentParser, words: str, limits: Limits) -> None:
    assert given_limits(parser.parse_args(words.split())) == limits


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--memory 12x", "no size"),
        ("--memory -5", "no size"),
        ("--memory ٣g", "no size"),
        ("--cpus 0", "no number of CPUs"),
        ("--cpus ١", "no number of CPUs"),
        ("--cpus many", "no number of CPUs"),
        ("--cpu-weight 0", "no weight"),
        ("--cpu-weight 10001", "no weight"),
        ("-c 1", "no number of shares"),
        ("--pids-limit 0", "no number"),
        ("--io-weight x", "no weight"),
        ("--device-read-bps /dev/sda", "lacks a part"),
        ("--device-read-bps /dev/sda:fast", "no size"),
        ("--hugetlb 2MB", "lacks a part"),
        ("--unified memory.high=", "lacks a part"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(parser: argparse.ArgumentParser, words: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parser.parse_args(words.split())
