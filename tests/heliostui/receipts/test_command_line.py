"""Every request that acts has a command line, which the real verb reads back as the same request."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Self, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.client.blocking import Connection
from engine.protocol import messages as m
from engine.protocol.acting import can_act
from engine.protocol.heap import HeapOptions
from engine.protocol.limits import DeviceLimit, Limits
from engine.protocol.network import HealthCheck, NetworkOption, PortOption
from engine.protocol.receipts import Receipt
from heliostui.commandline import session, terminal
from heliostui.commandline.parser import verb_parser
from heliostui.receipts.command_line import _LINES, command_line, to_run
from heliostui.receipts.script import script
from heliostui.receipts.words import NoEquivalent, shell

ACTING = [kind for kind in get_args(m.AnyRequest) if kind is m.Attach or can_act(kind)]


class Sent(BaseException):
    """What a verb wanted to send."""

    def __init__(self, message: m.Request | m.StreamRequest) -> None:
        self.message = message


class Catcher:
    """In place of a connection: whatever is sent is raised."""

    engine = m.EngineInfo(
        pid=os.getpid(),
        keeper_pid=os.getpid(),
        socket="",
        version="",
        protocol=1,
        role=m.Role.OPERATOR,
        rootless=False,
        running=0,
        containers=0,
    )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def request(self, message: m.Request, reply: object = None) -> None:
        raise Sent(message)

    def stream(self, message: m.StreamRequest) -> None:
        raise Sent(message)


@pytest.fixture(autouse=True, scope="module")
def nothing_is_sent() -> Iterator[None]:
    """Verbs run as they are, up to the point where they would send something; there is no terminal to ask."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "connect", lambda *_, **__: Catcher())
        patch.setattr(terminal, "size", lambda: None)
        for module in ("exec", "run", "terminal"):
            patch.setattr(import_module(f"heliostui.commands.{module}"), "check_terminal", lambda **_: None)
        patch.setattr(session, "check_terminal", lambda **_: None)
        yield


def parsed(words: list[str]) -> Any:
    """The request that the real verb makes of a command line."""
    program, verb, *rest = words
    assert program == "heliostui"
    module = import_module(f"heliostui.commands.{verb}")
    parser = verb_parser(verb, "", "x")
    module.configure(parser)
    if hasattr(module, "spelled_out"):
        rest = module.spelled_out(rest)
    with pytest.raises(Sent) as sent:
        module.run(parser.parse_args(rest))
    return sent.value.message


def usual(request: Any) -> Any:
    """Without what follows from where the command is typed: sizes of windows, the environment of the host's terminals,
    which process it was that had the pid then. The default image may be named."""
    for name, value in (("columns", None), ("lines", None), ("start", None)):
        if name in request.__struct_fields__ and not isinstance(request, m.Attach):
            request = msgspec.structs.replace(request, **{name: value or type(request).__struct_defaults__[-1]})
    if isinstance(request, m.OpenTerminal) and request.container is None:
        return msgspec.structs.replace(request, env=[])
    if isinstance(request, m.Attach):  # a script has no terminal to show it on
        return m.StartContainer(container=request.container)
    if isinstance(request, m.RunContainer | m.CreateContainer):
        options = msgspec.structs.replace(request.options, columns=80, lines=24)
        if options.command and not (options.image or options.rootfs):
            options = msgspec.structs.replace(options, image="host")
        limits = msgspec.structs.replace(
            options.limits, devices=sorted(options.limits.devices, key=lambda limit: limit.device)
        )
        return msgspec.structs.replace(request, options=msgspec.structs.replace(options, limits=limits))
    return request


EXAMPLES: list[m.Request | m.StreamRequest] = [
    m.StopEngine(),
    m.StopEngine(all=True),
    m.CreateContainer(options=m.ContainerOptions(image="busybox", name="a")),
    m.RunContainer(options=m.ContainerOptions(image="busybox", command=["sh", "-c", "echo --rm $HOME"])),
    m.RunContainer(options=m.ContainerOptions()),
    m.RunContainer(options=m.ContainerOptions(command=["true"])),
    m.StartContainer(container="web"),
    m.Attach(container="web", start=True),
    m.Attach(container="web", start=True, input=False),
    m.StopContainer(container="web"),
    m.StopContainer(container="web", timeout=0.5),
    m.StopContainer(container="web", timeout=3),
    m.KillContainer(container="web"),
    m.KillContainer(container="web", signal="HUP"),
    m.PauseContainer(container="web"),
    m.UnpauseContainer(container="web"),
    m.RemoveContainer(container="web"),
    m.RemoveContainer(container="web", force=True, volumes=True),
    m.RenameContainer(container="web", name="old"),
    m.UpdateContainer(container="web", limits=Limits(memory=64 << 20, cpus=0.5, pids=-1)),
    m.UpdateContainer(container="web", limits=Limits(memory=-1, memory_swap=-1, cpus=-1.0)),
    m.SignalProcess(container="web", pid=12, signal="HUP", inside=True, start=99),
    m.SignalProcess(container="web", pid=12),
    m.NiceProcess(container="web", pid=12, nice=-5),
    m.NiceProcess(container="web", pid=12, nice=19, inside=True),
    m.CreateVolume(),
    m.CreateVolume(name="data", labels={"a": "b", "c": ""}),
    m.RemoveVolume(name="data"),
    m.PruneVolumes(),
    m.PruneVolumes(all=True),
    m.CreateNetwork(name="back"),
    m.CreateNetwork(
        name="back",
        subnets=["10.1.0.0/24", "fd00:1::/64"],
        gateways=["10.1.0.9"],
        ipv6=False,
        internal=True,
        mtu=1400,
        labels={"a": "b"},
    ),
    m.RemoveNetwork(network="back"),
    m.PruneNetworks(),
    m.ConnectNetwork(network=NetworkOption(name="back"), container="web"),
    m.ConnectNetwork(
        network=NetworkOption(name="back", ip="10.1.0.7", ip6="fd00:1::7", mac="02:42:0a:58:00:07", aliases=["db"]),
        container="web",
    ),
    m.DisconnectNetwork(network="back", container="web"),
    m.PublishPort(container="web", port=PortOption(container=80, host=8080)),
    m.PublishPort(container="web", port=PortOption(container=53, address="::1", protocol="udp")),
    m.UnpublishPort(container="web", port=80),
    m.UnpublishPort(container="web", port=53, protocol="udp"),
    m.OpenTerminal(workdir="/tmp"),
    m.OpenTerminal(workdir="/", command=["top", "-b"], env=["A=b"]),
    m.OpenTerminal(container="web", command=["sh"], env=["A=b c"], workdir="/srv"),
    m.CloseTerminal(terminal="t1"),
    m.ActOnJob(pgid=12, action="stop", terminal="t1"),
    m.ActOnJob(pgid=12, action="signal", container="web", signal="HUP"),
    m.Exec(container="web", command=["ls", "-l", "--", "a b"]),
    m.Exec(
        container="web",
        command=["sh"],
        tty=True,
        interactive=True,
        workdir="/srv",
        env=["A=b"],
        user="nobody",
        namespaces=["pid", "mount"],
        privileged=True,
    ),
    m.Exec(container="web", command=["sleep", "9"], detach=True),
]


@pytest.mark.parametrize("request_", EXAMPLES, ids=lambda each: type(each).__name__)
def test_the_verb_makes_the_same_request_of_the_command_line(request_: Any) -> None:
    assert usual(parsed(command_line(request_))) == usual(request_)


def test_every_request_that_acts_has_a_command_line_and_an_example() -> None:
    """Who adds one writes its line into `_LINES`, or names it in `engine.protocol.acting`, and why."""
    assert set(_LINES) == set(ACTING)
    assert {type(example) for example in EXAMPLES} == set(ACTING)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (m.StopContainer(container="web", timeout=-1), "wait for ever"),
        (m.UpdateContainer(container="web", limits=Limits()), "names no limit"),
        (m.RunContainer(options=m.ContainerOptions(seccomp="{}")), "seccomp profile"),
        (m.RunContainer(options=m.ContainerOptions(namespaces={"mount": "host"})), "type mount"),
        (m.ListContainers(), "does not know"),
    ],
)
def test_what_no_command_line_does_has_a_reason(request_: Any, reason: str) -> None:
    with pytest.raises(NoEquivalent) as error:
        command_line(request_)
    assert reason in error.value.reason


# --- options of new containers ---

words = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs", "Cc"]), min_size=1)
names = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
paths = st.from_regex(r"/[a-z0-9/ ,:]{1,12}[a-z]", fullmatch=True).map(os.path.abspath)
sizes = st.integers(-1, 1 << 40)
limits = st.builds(
    Limits,
    memory=st.none() | sizes,
    memory_swap=st.none() | sizes,
    cpus=st.none() | st.just(-1.0) | st.integers(1, 6400).map(lambda n: n / 100),
    cpu_weight=st.none() | st.integers(1, 10_000),
    cpuset_cpus=st.none() | st.just("0-1"),
    pids=st.none() | st.just(-1) | st.integers(1, 10_000),
    devices=st.lists(
        st.builds(DeviceLimit, device=st.just("/dev/sda") | st.just("8:0"), read_bps=sizes, write_iops=st.just(5)),
        max_size=2,
        unique_by=lambda limit: limit.device,
    ),
    hugetlb=st.dictionaries(st.just("2MB"), sizes),
    unified=st.dictionaries(st.just("memory.high"), names),
)
mounts = st.one_of(
    st.builds(
        m.MountOption,
        type=st.just("bind"),
        source=paths,
        destination=paths,
        options=st.lists(st.sampled_from(["ro", "rshared", "noexec", "create"]), unique=True),
    ),
    st.builds(
        m.MountOption,
        type=st.just("volume"),
        source=names | st.just(""),
        destination=paths,
        options=st.lists(st.sampled_from(["ro", "nocopy"]), unique=True),
    ),
    st.builds(
        m.MountOption,
        type=st.just("tmpfs"),
        destination=paths,
        options=st.lists(st.sampled_from(["size=64m", "mode=1777", "noexec"]), unique=True),
    ),
)
networks = st.lists(
    st.builds(
        NetworkOption,
        name=names | st.just("host"),
        ip=st.none() | st.just("10.1.0.7"),
        mac=st.none() | st.just("02:42:0a:58:00:07"),
        aliases=st.lists(names, max_size=2),
    ),
    max_size=2,
    unique_by=lambda network: network.name,
)
checks = st.builds(
    HealthCheck,
    command=st.one_of(
        st.lists(words, min_size=1, max_size=3),
        words.filter(str.strip).map(lambda line: ["/bin/sh", "-c", line]),
    ),
    interval=st.sampled_from([0.5, 1.0, 30.0, 90.0]),
    timeout=st.sampled_from([0.25, 30.0]),
    retries=st.integers(1, 9),
    start_period=st.sampled_from([0.0, 2.5]),
)
restarts = st.sampled_from(
    [m.RestartPolicy(), m.RestartPolicy(name="always"), m.RestartPolicy(name="on-failure", maximum=3)]
)
variables = st.lists(st.tuples(names, words).map("=".join), max_size=3, unique_by=lambda word: word.partition("=")[0])
namespaces = st.dictionaries(
    st.sampled_from(["pid", "ipc", "uts", "user", "cgroup", "time"]),
    st.sampled_from(["private", "host", "container:a", "ns:/proc/1/ns/pid"]),
)
options = st.builds(
    m.ContainerOptions,
    image=st.none() | names,
    command=st.lists(words, max_size=3),
    name=st.none() | names,
    tty=st.booleans(),
    interactive=st.booleans(),
    workdir=st.none() | paths,
    env=variables,
    hostname=st.none() | names,
    user=st.none() | words,
    read_only=st.booleans(),
    init=st.booleans(),
    restart=restarts,
    labels=st.dictionaries(names, words | st.just("")),
    annotations=st.dictionaries(names, words | st.just("")),
    namespaces=namespaces,
    networks=networks,
    ports=st.lists(st.builds(PortOption, container=st.integers(1, 65535), host=st.none() | st.just(80)), max_size=2),
    publish_all=st.booleans(),
    expose=st.lists(st.just("80/tcp"), max_size=1),
    dns=st.lists(st.just("10.0.0.1") | st.just("fd00::7"), max_size=2),
    dns_search=st.lists(words, max_size=2),
    hosts=st.lists(st.sampled_from(["db:10.0.0.7", "me:host-gateway", "six:fd00::7"]), max_size=2),
    health=st.none() | checks,
    uid_map=st.lists(st.just("0:1000:1"), max_size=1),
    time_offsets=st.dictionaries(st.just("monotonic"), st.sampled_from([-1.5, 0.0, 86400.0])),
    mounts=st.lists(mounts, max_size=4),
    devices=st.lists(st.just("/dev/fuse:rw"), max_size=1),
    device_rules=st.lists(st.just("c 13:* rwm"), max_size=1),
    shm_size=st.none() | st.integers(0, 1 << 40),
    cap_add=st.lists(st.just("NET_ADMIN"), max_size=1),
    cap_drop=st.lists(st.just("ALL"), max_size=1),
    privileged=st.booleans(),
    seccomp=st.none() | st.sampled_from(["unconfined", "log"]),
    apparmor=st.none() | names,
    selinux=st.lists(st.just("disable"), max_size=1),
    no_new_privileges=st.none() | st.booleans(),
    unmasked=st.booleans(),
    ulimits=st.lists(st.just("nofile=1024:2048"), max_size=1),
    sysctls=st.dictionaries(names, words | st.just("")),
    oom_score_adj=st.none() | st.integers(-1000, 1000),
    umask=st.none() | st.just("027"),
    groups=st.lists(words, max_size=2),
    domainname=st.none() | names,
    scheduler=st.none() | st.builds(m.Scheduler, policy=st.just("fifo"), priority=st.integers(0, 99)),
    io_priority=st.none() | st.just("best-effort:4"),
    personality=st.none() | st.just("linux32"),
    heap=st.none() | st.builds(HeapOptions, policy=st.sampled_from(["best", "first"]), check=st.booleans()),
    limits=limits,
    cgroup_parent=st.none() | paths,
)


@given(options)
@settings(max_examples=150)
def test_a_new_containers_options_come_back_as_they_were(asked: m.ContainerOptions) -> None:
    for request in (m.RunContainer(options=asked), m.CreateContainer(options=asked)):
        assert usual(parsed(command_line(request))) == usual(request)


@given(options.map(lambda asked: msgspec.structs.replace(asked, image=None, rootfs="/srv/root")))
@settings(max_examples=30)
def test_those_of_a_directory_too(asked: m.ContainerOptions) -> None:
    request = m.RunContainer(options=asked)
    assert usual(parsed(command_line(request))) == usual(request)


@given(limits.filter(lambda each: each != Limits()))
@settings(max_examples=50)
def test_so_do_limits(asked: Limits) -> None:
    request = m.UpdateContainer(container="web", limits=asked)
    found = parsed(command_line(request))
    assert sorted(found.limits.devices, key=str) == sorted(asked.devices, key=str)
    assert msgspec.structs.replace(found.limits, devices=[]) == msgspec.structs.replace(asked, devices=[])


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_shell_reads_the_words_that_were_meant_and_a_terminal_is_not_steered(words: list[str]) -> None:
    line = shell(words)
    assert all(character.isprintable() or character in "\n\t" for character in line)
    told = subprocess.run(["sh", "-c", f"printf '%s\\0' {line}"], stdout=subprocess.PIPE, check=True).stdout
    assert told == b"".join(word.encode() + b"\0" for word in words)


def test_nothing_of_a_request_leaves_its_comment() -> None:
    request = m.RunContainer(options=m.ContainerOptions(image="host", namespaces={"x\nrm -rf /\n": "new"}))
    receipt = Receipt(
        number=1,
        time=datetime.now(UTC),
        uid=0,
        pid=0,
        by="a\nreboot",
        request=msgspec.to_builtins(request),
        outcome="failed",
        error="No.\nreboot",
    )
    for line in [*script([receipt], datetime.now(UTC)).splitlines(), *to_run(receipt).splitlines()]:
        assert line.startswith("#") or line in ("", "set -eu")
