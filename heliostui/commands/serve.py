"""`heliostui serve`: the console in a browser. The only verb that loads textual-serve and asyncio."""

from __future__ import annotations

import argparse
import ipaddress
import socket
import sys

from heliostui.commandline.failures import Failure, UsageError

PORT = 8000


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Whoever opens the address it tells acts as you. Only this machine reaches it; "
        "`ssh -L 8000:127.0.0.1:8000 HOST` brings it to yours."
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=PORT, help=f"the port, 0 for any ({PORT})")
    parser.add_argument("--viewer", action="store_true", help="who comes may watch, and change nothing")
    parser.add_argument("--read-only", action="store_true", help="the consoles change nothing")
    parser.add_argument("--expose", action="store_true", help="listen on an address that other machines reach")


def run(arguments: argparse.Namespace) -> int:
    if not 0 <= arguments.port < 65536:
        raise UsageError(f"--port: {arguments.port} is no port: those go from 0 to 65535")
    listener = _listen(arguments.host, arguments.port, exposed=arguments.expose)
    try:
        from heliostui.serving.server import ConsoleServer
    except ImportError as error:
        raise Failure(f"the console in a browser needs textual-serve, which is not installed ({error.name})") from None
    server = ConsoleServer(_command(arguments), listener)
    if server.missing:
        raise Failure(f"textual-serve is not whole: {server.missing[0]} is missing; install it again")
    may = "may look, and change nothing" if arguments.viewer or arguments.read_only else "acts as you"
    print(f"Open {server.address}\nWhoever does {may}. Ctrl-C ends it.", flush=True)
    if arguments.expose:
        print("Other machines reach it, and nothing that is sent is encrypted.", flush=True)
    server.run()
    return 0


def _listen(host: str, port: int, *, exposed: bool) -> socket.socket:
    """A listening socket. Raises Failure."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise Failure(f"the address '{host}' can't be listened on: {error.strerror}") from None
    if not exposed and not ipaddress.ip_address(address[0]).is_loopback:
        raise Failure(
            f"{host} is reached from other machines, and whoever opens the console there acts as you, unencrypted: "
            "say --expose if that is meant, or reach 127.0.0.1 by `ssh -L`"
        )
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise Failure(
            f"{host} port {port} can't be listened on: {error.strerror}; choose another with --port"
        ) from None
    return listener


def _command(arguments: argparse.Namespace) -> list[str]:
    """What opens a console; where it looks for engines it knows from the environment."""
    options = [*(["--viewer"] if arguments.viewer else []), *(["--read-only"] if arguments.read_only else [])]
    return [sys.executable, "-P", "-m", "heliostui", *options]
