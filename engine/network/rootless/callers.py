"""The home namespace set up for `forwarding`, whose sockets towards containers have the addresses of callers.

What such a socket sends carries a mark, which its connection keeps (conntrack); what a container answers in that
connection is delivered here, by a route of its own, although it is addressed to a caller far away (the kernel's
Documentation/networking/tproxy.rst). Blocks; for the thread of `Home`.
"""

from __future__ import annotations

import errno
import socket
from struct import Struct

from engine.network.kernel.netlink import NLM_F, Netlink, Request, number
from engine.network.kernel.rtnetlink import RTA, RTM
from engine.network.nftables.nft import Nft
from engine.network.rootless.forwarding.transparent import MARK

ANSWER = MARK + 1  # the mark of what containers answer, and the number of the table with their route
TABLE = "callers"

_RULES = f"""
table inet {TABLE} {{
    chain calls {{
        type filter hook output priority -150; policy accept;
        meta mark {MARK} ct mark set {ANSWER} comment "remember connections that are made in a caller's name"
    }}
    chain answers {{
        type filter hook prerouting priority -150; policy accept;
        ct direction reply ct mark {ANSWER} meta mark set {ANSWER} comment "what is answered there is for us"
    }}
}}
"""

RTM_NEWRULE = 32
FRA_PRIORITY, FRA_FWMARK, FRA_TABLE = 6, 10, 15  # include/uapi/linux/fib_rules.h
FR_ACT_TO_TBL = 1
PRIORITY = 100
RTN_LOCAL, RT_SCOPE_HOST = 2, 254
HEADER = Struct("=BBBBBBBBI")  # struct fib_rule_hdr and struct rtmsg: the eighth is the action, or the route's type
LOOPBACK = 1  # index of lo in every namespace


def prepare() -> None:
    """Let answers come back; may be done again. Raises EngineError where the kernel can't."""
    with Netlink() as netlink:
        families = [socket.AF_INET, socket.AF_INET6]
        requests = [request for family in families for request in (_rule(family), _route(family))]
        for refused in netlink.tried(requests):
            if refused is not None and refused.errno not in (errno.EEXIST, errno.EAFNOSUPPORT):
                raise refused
    nft = Nft()
    try:
        nft.run(f"table inet {TABLE}\ndelete table inet {TABLE}\n{_RULES}")
    finally:
        nft.close()


def _rule(family: int) -> Request:
    """What has the mark goes by the route of its own."""
    body = HEADER.pack(family, 0, 0, 0, 0, 0, 0, FR_ACT_TO_TBL, 0)
    body += number(FRA_FWMARK, ANSWER) + number(FRA_TABLE, ANSWER) + number(FRA_PRIORITY, PRIORITY)
    return Request(RTM_NEWRULE, body, "add a routing rule for answers to callers", NLM_F.CREATE | NLM_F.EXCL)


def _route(family: int) -> Request:
    """Every address is our own."""
    body = HEADER.pack(family, 0, 0, 0, 0, 4, RT_SCOPE_HOST, RTN_LOCAL, 0)
    body += number(RTA.OIF, LOOPBACK) + number(RTA.TABLE, ANSWER)
    return Request(RTM.NEWROUTE, body, "add a route for answers to callers", NLM_F.CREATE | NLM_F.EXCL)
