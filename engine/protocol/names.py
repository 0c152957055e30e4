"""What is said of names on a command line: --add-host, --dns, --dns-search, --dns-option, aliases. Standard library
only.

Each reads one word and gives it as it is kept; it raises ValueError with one sentence. The command line and the engine
refuse alike.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.ASCII)
_OPTION = re.compile(r"[a-z][a-z0-9-]*(:[0-9]+)?", re.ASCII)
LONGEST = 253  # characters of a name, RFC 1035 section 2.3.4
HOST_GATEWAY = "host-gateway"


def host_name(text: str) -> str:
    """A name for a host, with or without dots: letters, digits, hyphens and underscores between them."""
    if len(text) > LONGEST or not _NAME.fullmatch(text):
        raise ValueError(
            f"'{text}' is no host name: letters, digits, '-' and '_', with '.' between the parts, as in db.local"
        )
    return text


def added_host(text: str) -> tuple[str, str]:
    """`NAME:ADDRESS`, also with `=`, as in Docker; an IPv6 address may be in brackets; the address `host-gateway` is
    the host's. Gives the name and the address."""
    name, separator, address = text.partition("=") if "=" in text else text.partition(":")
    if not (name and separator and address):
        raise ValueError(f"'{text}' names no host: write NAME:ADDRESS, as in db:192.0.2.7 or host:host-gateway")
    host_name(name)
    if address == HOST_GATEWAY:
        return name, address
    return name, _address(address[1:-1] if address[:1] == "[" and address[-1:] == "]" else address, "address")


def server(text: str) -> str:
    """The address of a name server."""
    return _address(text, "address of a name server")


def search_domain(text: str) -> str:
    """A domain to look names up in; `.` means none."""
    return text if text == "." else host_name(text.removesuffix("."))


def resolver_option(text: str) -> str:
    """One option of resolv.conf(5): `ndots:2`, `use-vc`."""
    if not _OPTION.fullmatch(text):
        raise ValueError(
            f"'{text}' is no option of a resolver: write one as resolv.conf(5) has it, as in ndots:2 or use-vc"
        )
    return text


def _address(text: str, what: str) -> str:
    try:
        address = ip_address("" if "%" in text else text)  # an interface's name can't be checked: it may say anything
    except ValueError:
        raise ValueError(f"'{text}' is no {what}: write one as in 192.0.2.7 or 2001:db8::7") from None
    if address.is_unspecified or address.is_multicast:
        raise ValueError(f"'{text}' is nobody's {what}: write one as in 192.0.2.7 or 2001:db8::7")
    return str(address)
