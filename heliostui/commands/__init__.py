"""The verbs of the command line: one module each, with `configure(parser)` and `run(arguments) -> int`, and
`spelled_out(words)` where the words have to be put in order before they are parsed.

This table is all that is imported before a verb is known; the verb's module, and nothing of the others, comes after.
"""

from __future__ import annotations

from typing import NamedTuple

from heliostui.commandline.globals import HELP


class Verb(NamedTuple):
    """`usage` follows the verb's name; `failure` is the exit status when the engine refuses or can't be reached."""

    summary: str
    usage: str
    failure: int = 1


LAUNCH_FAILURE = 125  # what `docker run` answers when the fault is not the program's

GROUPS: dict[str, dict[str, Verb]] = {
    "Common verbs": {
        "run": Verb("create a container and start it", "[OPTIONS] [IMAGE [COMMAND [ARG…]]]", LAUNCH_FAILURE),
        "exec": Verb("run another program in a container", "[OPTIONS] CONTAINER COMMAND [ARG…]", LAUNCH_FAILURE),
        "attach": Verb("take part in a running container's terminal or pipes", "[OPTIONS] CONTAINER"),
        "ps": Verb("list containers", "[OPTIONS]"),
        "logs": Verb("show what a container wrote", "[OPTIONS] CONTAINER"),
        "images": Verb("list the built-in images", "[OPTIONS]"),
    },
    "A container's life": {
        "create": Verb("create a container without starting it", "[OPTIONS] [IMAGE [COMMAND [ARG…]]]", LAUNCH_FAILURE),
        "spec": Verb("tell the OCI spec that options mean", "[OPTIONS] [IMAGE [COMMAND [ARG…]]]", LAUNCH_FAILURE),
        "start": Verb("start created, stopped or exited containers", "[OPTIONS] CONTAINER…", LAUNCH_FAILURE),
        "stop": Verb("ask containers to end: TERM, then KILL", "[OPTIONS] CONTAINER…"),
        "kill": Verb("send a signal to containers", "[OPTIONS] CONTAINER…"),
        "pause": Verb("freeze all processes of containers", "CONTAINER…"),
        "unpause": Verb("let frozen containers go on", "CONTAINER…"),
        "wait": Verb("wait until containers end, and print their exit statuses", "CONTAINER…"),
        "update": Verb("change limits of containers, running or not", "[OPTIONS] CONTAINER…"),
        "rename": Verb("give a container another name", "CONTAINER NAME"),
        "rm": Verb("remove containers with their files and logs", "[OPTIONS] CONTAINER…"),
    },
    "Looking inside": {
        "inspect": Verb("tell all about containers, or how one was launched", "[OPTIONS] CONTAINER…"),
        "stats": Verb("tell what containers or the machine use, once a second", "[OPTIONS] [CONTAINER…]"),
        "top": Verb("list a container's processes", "[OPTIONS] CONTAINER [PID]"),
        "signal": Verb("send a signal to one process of a container", "[--inside] CONTAINER PID [SIGNAL]"),
        "nice": Verb("change how modest one process of a container is", "[--inside] CONTAINER PID N"),
        "diff": Verb("tell what a container has changed of its image", "[OPTIONS] CONTAINER"),
        "explain": Verb("tell where a number comes from", "[OPTIONS] CONTAINER|--host [METRIC]"),
        "events": Verb("tell what happens, as it happens", "[OPTIONS]"),
        "receipts": Verb("tell what was done, by whom, and the kernel steps it took", "[OPTIONS] [NUMBER]"),
        "heap": Verb("show a program's heap, record one, play one", "ls|show|map|events|free-list|record|play"),
    },
    "Volumes": {
        "volume": Verb("make, list, inspect and remove named volumes", "create|ls|inspect|rm|prune"),
    },
    "Networks": {
        "network": Verb("make, list, inspect, join, leave and remove networks", "create|ls|inspect|rm|prune|…"),
        "port": Verb("tell where the ports of a container are published", "[OPTIONS] CONTAINER [PORT[/udp]]"),
        "publish": Verb(
            "publish further ports of a container, running or not", "CONTAINER [ADDRESS:][PORT:]PORT[/udp]…"
        ),
        "unpublish": Verb("take back ports that are published", "CONTAINER PORT[/udp]…"),
        "dns": Verb("tell what containers asked our resolver", "[OPTIONS] [CONTAINER]"),
        "capture": Verb("write a container's traffic to a pcap file", "[OPTIONS] CONTAINER"),
    },
    "Terminals": {
        "terminal": Verb(
            "open, list, join and close terminals that live in the engine", "open|ls|attach|close|jobs|job"
        ),
    },
    "Together": {
        "presence": Verb("tell who has a console open, who presents and who follows", "[OPTIONS] [show|end]"),
    },
    "Recordings": {
        "play": Verb("show a recording of a terminal, or of the console", "[OPTIONS] FILE"),
    },
    "Archives": {
        "tar": Verb("unpack or list an archive, safely", "-x|-t [OPTIONS] [MEMBER…]"),
    },
    "Examples": {
        "demo": Verb("run an example, or list them", "[echo [OPTIONS]]"),
    },
    "The console elsewhere": {
        "serve": Verb("open the console in a browser of this machine", "[OPTIONS]"),
    },
    "The engine": {
        "engine": Verb("start, stop or ask after the engine", "start|stop|status"),
        "config": Verb("tell of the console's settings, and check them", "path|check|keys|themes|example"),
        "doctor": Verb("tell what this machine can and can't do", "[OPTIONS]"),
        "version": Verb("tell the versions of command line and engine", "[OPTIONS]"),
    },
}

VERBS: dict[str, Verb] = {name: verb for group in GROUPS.values() for name, verb in group.items()}


def overview() -> str:
    """The help of `heliostui --help`: the verbs in their groups."""
    lines = [
        "Usage: heliostui [-H HOST] [VERB [OPTIONS] …]",
        "",
        "A workstation for Linux containers. Without a verb the full-screen console opens.",
    ]
    for title, verbs in GROUPS.items():
        lines += ["", f"{title}:", *(f"  {name:<9} {verb.summary}" for name, verb in verbs.items())]
    lines += ["", *HELP.splitlines(), "", "`heliostui VERB --help` tells the options of a verb."]
    return "\n".join(lines)
