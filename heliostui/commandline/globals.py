"""The options before the verb: they hold for every verb and for the console. Imports nothing of ours."""

from __future__ import annotations

import os
from dataclasses import dataclass

HOST, VIEWER, CONFIG = "HELIOSTUI_HOST", "HELIOSTUI_VIEWER", "HELIOSTUI_CONFIG"
WITH_VALUE = {"-H": "host", "--host": "host", "--config": "config"}
FLAGS = {"--viewer": "viewer", "--read-only": "read_only", "--no-local": "no_local"}
HELP = """\
Before the verb, or without one:
  -H, --host HOST   the engine of another machine (ssh://[USER@]HOST[:PORT]) or of this one (local); more than
                    one are for the console, which shows this machine's beside them; also HELIOSTUI_HOST
      --no-local    several hosts without this machine
      --viewer      only look: the engine itself holds you to it, and the console writes no files; also
                    HELIOSTUI_VIEWER=1
      --read-only   the same for your own console, as a safety catch
      --config FILE settings of the console from there"""


class WrongOption(Exception):
    """One sentence about an option that can't be used so."""


@dataclass
class Globals:
    """What was said before the verb."""

    hosts: tuple[str, ...] = ()
    config: str | None = None
    viewer: bool = False
    read_only: bool = False
    no_local: bool = False


def parse(words: list[str]) -> tuple[Globals, list[str]]:
    """The options at the beginning, and the words from the verb on. Raises WrongOption.

    What is no option of ours is left where it is: `--help`, `--version`, or a mistake that the caller names.
    """
    found, hosts, rest = Globals(), [], list(words)
    while rest:
        name, equals, value = rest[0].partition("=")
        if name.startswith("-H") and not name.startswith("--") and len(rest[0]) > 2:  # -HHOST, -H=HOST
            name, equals, value = "-H", "=", rest[0][2:].removeprefix("=")
        if name in FLAGS and not equals:
            setattr(found, FLAGS[name], True)
        elif name in WITH_VALUE:
            if not equals:
                if len(rest) < 2:
                    raise WrongOption(f"'{name}' needs a value (see 'heliostui --help')")
                value = rest.pop(1)
            if WITH_VALUE[name] == "host":
                hosts.append(value)
            else:
                found.config = value
        else:
            break
        rest.pop(0)
    found.hosts = tuple(dict.fromkeys(hosts))
    return found, rest


def hold(found: Globals) -> None:
    """For a verb: from now on the one host that was named is where the engine is asked. Raises WrongOption."""
    remember(found)
    if found.read_only:
        os.environ[VIEWER] = "1"
    if len(found.hosts) > 1:
        raise WrongOption("a verb asks one engine: name one host with -H, or open the console for several")
    if found.hosts:
        os.environ[HOST] = found.hosts[0]


def remember(found: Globals) -> None:
    """What holds for everything below."""
    if found.viewer:
        os.environ[VIEWER] = "1"
    if found.config is not None:
        os.environ[CONFIG] = found.config


def hosts_of_console(found: Globals) -> tuple[str, ...]:
    """The hosts that the console shows: this machine's, unless one other was named, or it was told to do without."""
    hosts = found.hosts or ((os.environ[HOST],) if os.environ.get(HOST) else ("local",))
    if len(hosts) > 1 and "local" not in hosts and not found.no_local:
        return ("local", *hosts)
    return hosts
