"""Other firewalls beside ours: where one drops what it does not know, rules are put into it that let containers pass.

To accept a packet in one table does not help it in another: each base chain at a hook may still drop it. So Docker's
and ufw's policy "drop", or the last rule of firewalld's, would cut our containers off. What passes is decided in our
own table; the others get a rule at their front for all of our bridges, with a comment that tells whose it is. Imports
nft and netlink. Everything here blocks, and works on the network namespace of the calling thread.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from engine.network.kernel.netlink import HEADER, SOL
from engine.network.nftables import nft

BRIDGES = "hb-*"  # the interfaces of all our networks

# What has to pass: a comment, and the match as nft(8) and as iptables(8) write it. Containers ask the host for names.
_PASS = {
    "forward": (
        ("from containers", f'iifname "{BRIDGES}"', "-i hb-+"),
        ("to containers", f'oifname "{BRIDGES}"', "-o hb-+"),
    ),
    "input": (
        ("names by udp", f'iifname "{BRIDGES}" udp dport 53', "-i hb-+ -p udp --dport 53"),
        ("names by tcp", f'iifname "{BRIDGES}" tcp dport 53', "-i hb-+ -p tcp --dport 53"),
    ),
}
_FAMILIES = ("ip", "ip6", "inet")
_HARMLESS = {"counter", "log", "comment"}  # parts of a rule that match every packet
_LEGACY = (("iptables-legacy", "ip_tables_names"), ("ip6tables-legacy", "ip6_tables_names"))

# include/uapi/linux/netfilter/nf_tables.h and nfnetlink.h
NETLINK_NETFILTER = 12
NETLINK_ADD_MEMBERSHIP = 1
NFNLGRP_NFTABLES = 7
NFNL_SUBSYS_NFTABLES = 10
NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFT_MSG_DELRULE = 0, 2, 3, 5, 8
_TELLING = {
    NFNL_SUBSYS_NFTABLES << 8 | kind
    for kind in (NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFT_MSG_DELRULE)
}


class Chain(NamedTuple):
    """A base chain of somebody else's."""

    family: str
    table: str
    name: str
    hook: str
    drops: bool  # by its policy

    def __str__(self) -> str:
        return f"{self.family} {self.table} {self.name}"


class Passes(NamedTuple):
    """What became of our rules: a sentence for each firewall that has them or will not take them; how many are new."""

    sentences: list[str]
    added: int


def let_pass(library: nft.Nft, ours: str) -> Passes:
    """Put our rules, tagged with our table's name, where something would drop what containers send or get, unless they
    are there. Raises EngineError."""
    said, added = [], 0
    for chain in _others(library, ours):
        try:
            new = _let_pass(library, chain, ours)
        except nft.Refused as refused:
            said.append(f"Table {chain.table} ({chain.family}) may cut containers off, and takes no rule of ours "
                        f"({refused.why}): let traffic of the interfaces {BRIDGES} pass in that firewall.")  # fmt: skip
            continue
        if new is not None:
            said.append(f"Table {chain.table} ({chain.family}) drops what it does not know: containers pass its chain "
                        f"{chain.name} by a rule of ours.")  # fmt: skip
            added += new
    for command in _legacy():
        outcome = _let_pass_in_legacy(command, ours)
        said += outcome.sentences
        added += outcome.added
    return Passes(said, added)


def _let_pass(library: nft.Nft, chain: Chain, ours: str) -> int | None:
    """How many rules it was given; None: it needs none. Raises `nft.Refused`."""
    listed = library.objects(f"list chain {chain}")
    there = {item["rule"].get("comment") for item in listed if "rule" in item}
    if not chain.drops and not _ends_in_a_drop(library, chain, listed):
        return None
    missing = [rule for rule in _PASS[chain.hook] if f"{ours}: {rule[0]}" not in there]
    if missing:
        rules = [f'insert rule {chain} {match} counter accept comment "{ours}: {what}"' for what, match, _ in missing]
        library.run("\n".join(rules))
    return len(missing)


def take_back(library: nft.Nft, ours: str) -> None:
    """Remove our rules from all of them. Raises EngineError."""
    for chain in _others(library, ours):
        for item in library.objects(f"list chain {chain}"):
            rule = item.get("rule", {})
            if str(rule.get("comment", "")).startswith(f"{ours}: "):
                library.run(f"delete rule {chain} handle {rule['handle']}")
    for command in _legacy():
        for hook, passing in _PASS.items():
            rules = _run(command, "-S", hook.upper())
            for what, _, match in passing:
                if f'"{ours}: {what}"' in rules:
                    _run(command, "-D", hook.upper(), *match.split(), *_accept(ours, what))


def is_forwarding_needed(library: nft.Nft, ours: str) -> bool:
    """Whether others translate what passes this machine, as Docker and Podman do, so that it must go on passing it."""
    for chain in _base_chains(library, ours):
        if chain["type"] == "nat" and chain["hook"] == "postrouting":
            return True
    return any("nat" in _tables(file) for _, file in _LEGACY)


def listen() -> socket.socket:
    """Tells of every change of nftables (NFNLGRP_NFTABLES), and does not block; the caller's to close."""
    made = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, NETLINK_NETFILTER
    )
    try:
        made.bind((0, 0))
        made.setsockopt(SOL.NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTABLES)
    except BaseException:
        made.close()
        raise
    return made


def tells_of_a_change(told: bytes) -> bool:
    """Whether tables or chains changed, or rules are gone. Not whether rules or elements came, as ours do often."""
    at = 0
    while at + HEADER.size <= len(told):
        length, kind, _, _, _ = HEADER.unpack_from(told, at)
        if kind in _TELLING:
            return True
        at += max(HEADER.size, (length + 3) & ~3)
    return False


def _base_chains(library: nft.Nft, ours: str) -> Iterator[dict[str, Any]]:
    for item in library.objects("list chains"):
        chain = item.get("chain", {})
        if "hook" in chain and chain["family"] in _FAMILIES and chain["table"] != ours:
            yield chain


def _others(library: nft.Nft, ours: str) -> list[Chain]:
    return [
        Chain(chain["family"], chain["table"], chain["name"], chain["hook"], chain.get("policy") == "drop")
        for chain in _base_chains(library, ours)
        if chain["type"] == "filter" and chain["hook"] in _PASS
    ]


def _ends_in_a_drop(library: nft.Nft, chain: Chain, listed: list[dict[str, Any]], depth: int = 4) -> bool:
    """Whether a packet that no rule matches is dropped or rejected by one that matches all, here or in a chain that it
    jumps to."""
    for item in listed:
        parts = [part for part in item.get("rule", {}).get("expr", []) if not _is_harmless(part)]
        if len(parts) != 1:
            continue  # it has a match, or decides nothing
        (verdict,) = parts
        if "drop" in verdict or "reject" in verdict or verdict.get("xt", {}).get("name") in ("REJECT", "DROP"):
            return True
        if "accept" in verdict or "return" in verdict:
            return False
        target = verdict.get("jump", verdict.get("goto", {})).get("target")
        if target and depth:
            inner = library.objects(f"list chain {chain.family} {chain.table} {target}")
            if _ends_in_a_drop(library, chain, inner, depth - 1):
                return True
    return False


def _is_harmless(part: dict[str, Any]) -> bool:
    xt = part.get("xt")
    return bool(part.keys() & _HARMLESS) or (xt is not None and xt.get("name") in ("comment", "LOG", "NFLOG"))


# --- iptables of old, which is no part of nftables ---


def _let_pass_in_legacy(command: str, ours: str) -> Passes:
    said, added = [], 0
    for hook, passing in _PASS.items():
        chain = hook.upper()
        rules = _run(command, "-S", chain)
        if f"-P {chain} DROP" not in rules and not any(
            line in (f"-A {chain} -j DROP", f"-A {chain} -j REJECT --reject-with icmp-port-unreachable")
            for line in rules.splitlines()
        ):
            continue
        for what, _, match in passing:
            if f'"{ours}: {what}"' not in rules:
                _run(command, "-I", chain, *match.split(), *_accept(ours, what))
                added += 1
        said.append(f"{command} drops what it does not know: containers pass its chain {chain} by a rule of ours.")
    return Passes(said, added)


def _legacy() -> Iterator[str]:
    """The programs for tables that are in use; without them nothing can be done about those."""
    for command, file in _LEGACY:
        if "filter" in _tables(file):
            yield command


def _tables(file: str) -> list[str]:
    try:
        return Path("/proc/thread-self/net", file).read_text(encoding="ascii").split()
    except OSError:
        return []  # the kernel has none


def _accept(ours: str, what: str) -> list[str]:
    return ["-m", "comment", "--comment", f"{ours}: {what}", "-j", "ACCEPT"]


def _run(command: str, *arguments: str) -> str:
    """What it prints; empty where it fails or is not installed. Waits for others that change the tables (-w)."""
    try:
        done = subprocess.run([command, "-w", "5", *arguments], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
