"""Promises of the readers: whatever the kernel may write is counted right, and what it doesn't write isn't invented."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.metrics import cpu, formats, io, memory, network, pressure
from engine.metrics.formats import Counters
from engine.metrics.processes import switches

COUNT = st.integers(0, 2**63 - 1)
NAME = st.from_regex(r"[a-z][a-z_]{0,12}", fullmatch=True)
DEVICE = st.tuples(st.integers(0, 999), st.integers(0, 999)).map(lambda pair: f"{pair[0]}:{pair[1]}")


@given(st.dictionaries(NAME, COUNT), st.lists(NAME, max_size=5))
def test_a_flat_file_gives_exactly_the_wanted_counters_that_it_has(lines: dict[str, int], wanted: list[str]) -> None:
    text = "".join(f"{name} {value}\n" for name, value in lines.items()).encode()
    assert formats.flat(*wanted)(text) == {name: lines[name] for name in wanted if name in lines}


def test_a_counter_is_not_taken_for_one_whose_name_ends_alike() -> None:
    assert formats.flat("file")(b"inactive_file 1\nfile 2\nfile_mapped 3\n") == {"file": 2}


@given(COUNT)
def test_a_number_is_read_and_max_is_infinite(number: int) -> None:
    assert formats.single("x")(f"{number}\n".encode()) == {"x": number}
    assert formats.single("x")(b"max\n") == {"x": math.inf}


@pytest.mark.parametrize("text", [b"", b"\n", b"many\n", b"1 2\n"])
def test_what_is_no_number_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        formats.single("x")(text)


@given(st.dictionaries(DEVICE, st.tuples(COUNT, COUNT, COUNT, COUNT), max_size=5), st.booleans())
def test_io_stat_is_summed_over_devices_on_one_line_or_many(
    devices: dict[str, tuple[int, int, int, int]], one_line: bool
) -> None:
    lines = [
        f"{device} rbytes={rb} wbytes={wb} rios={ro} wios={wo} dbytes=7 dios=7"
        for device, (rb, wb, ro, wo) in devices.items()
    ]
    (file,) = io.V2.files
    sums = [sum(column) for column in zip(*devices.values(), strict=True)] or [0, 0, 0, 0]
    text = (" " if one_line else "\n").join(lines).encode()
    assert file.parse(text) == dict(zip(("rbytes", "wbytes", "rios", "wios"), sums, strict=True))


@given(st.dictionaries(DEVICE, st.tuples(COUNT, COUNT), max_size=5))
def test_blkio_operations_are_summed_over_devices_without_the_totals(devices: dict[str, tuple[int, int]]) -> None:
    lines = [
        f"{device} Read {read}\n{device} Write {write}\n{device} Sync 5\n{device} Total {read + write}\n"
        for device, (read, write) in devices.items()
    ]
    parse = io.operations("r", "w")
    assert parse(("".join(lines) + "Total 99\n").encode()) == {
        "r": sum(read for read, _ in devices.values()),
        "w": sum(write for _, write in devices.values()),
    }


@given(st.dictionaries(st.sampled_from(["eth0", "eth0:1", "wlan0", "lo"]), st.lists(COUNT, min_size=16, max_size=16)))
def test_interfaces_are_summed_without_loopback(interfaces: dict[str, list[int]]) -> None:
    heading = "Inter-|   Receive  |  Transmit\n face |bytes packets errs drop|bytes packets errs drop\n"
    rows = "".join(f"{name:>6}: {' '.join(map(str, columns))}\n" for name, columns in interfaces.items())
    real = [columns for name, columns in interfaces.items() if name != "lo"]
    assert network.net_dev((heading + rows).encode()) == {
        "receive bytes": sum(columns[0] for columns in real),
        "receive packets": sum(columns[1] for columns in real),
        "transmit bytes": sum(columns[8] for columns in real),
        "transmit packets": sum(columns[9] for columns in real),
        "drops": sum(columns[3] + columns[11] for columns in real),
    }


def test_an_interface_with_too_few_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        network.net_dev(b"eth0: 1 2 3\n")


@given(st.floats(0, 100).map(lambda value: round(value, 2)), st.floats(0, 100).map(lambda value: round(value, 2)))
def test_pressure_is_the_ten_second_average(some: float, full: float) -> None:
    text = "".join(
        f"{kind} avg10={value:.2f} avg60=1.00 avg300=2.00 total=3\n" for kind, value in (("some", some), ("full", full))
    )
    assert pressure.psi("io")(text.encode()) == {"io some avg10": some, "io full avg10": full}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"50000 100000\n", {"quota": 50000, "period": 100000}),
        (b"max 100000\n", {"quota": math.inf, "period": 100000}),
    ],
)
def test_cpu_max_is_quota_and_period(text: bytes, found: Counters) -> None:
    assert cpu.cpu_max(text) == found


def test_before_linux_5_18_kernel_memory_is_the_sum_of_its_parts() -> None:
    text = b"anon 1\nfile 2\nkernel_stack 10\npagetables 20\npercpu 30\nsock 40\nslab 50\ninactive_file 1\n"
    assert memory.stat_v2(text)["kernel"] == 150
    assert memory.stat_v2(text + b"kernel 170\n")["kernel"] == 170
    assert "kernel" not in memory.stat_v2(b"anon 1\nfile 2\n")


def test_the_largest_page_counter_is_no_memory_limit() -> None:
    assert memory.limit_v1(b"9223372036854771712\n") == {"memory.limit_in_bytes": math.inf}
    assert memory.limit_v1(b"9223372036854710272\n") == {"memory.limit_in_bytes": math.inf}  # 64 KiB pages
    assert memory.limit_v1(b"67108864\n") == {"memory.limit_in_bytes": 64 << 20}


@given(COUNT, COUNT)
def test_switches_are_those_given_up_and_those_taken_away(voluntary: int, taken: int) -> None:
    status = f"Name:\tsh\nThreads:\t1\nvoluntary_ctxt_switches:\t{voluntary}\nnonvoluntary_ctxt_switches:\t{taken}\n"
    assert switches(status.encode()) == voluntary + taken
