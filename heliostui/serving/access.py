"""Who may come to the console in the browser: who knows the key in its address, and no page but ours.

Any account of this machine reaches a port on loopback, and any page in the browser may open a WebSocket to it. So the
address has a key in it, which becomes a cookie; and requests from other pages, or by other names of this machine
(DNS rebinding), are refused. Imports aiohttp.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from aiohttp import web

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
KEY = "key"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "img-src 'self' data: blob:; connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def loopback(host: str) -> bool:
    """Whether nobody but this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Access:
    """`host` is the address that is listened on."""

    def __init__(self, host: str, port: int) -> None:
        self.key = secrets.token_urlsafe(16)
        self._host, self._cookie = host, f"heliostui-{port}"

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A middleware of aiohttp's."""
        if not self._our_name(request) or not self._our_page(request):
            raise web.HTTPForbidden(text="This is heliostui's own; open the address that `heliostui serve` has told.\n")
        if request.path == "/" and (given := request.query.get(KEY)) is not None and self._right(given):
            answer: web.StreamResponse = web.HTTPFound("/")  # so that the key stays in no history
            answer.set_cookie(self._cookie, self.key, httponly=True, samesite="Strict", path="/")
            return answer
        if not self._right(request.cookies.get(self._cookie, "")):
            raise web.HTTPForbidden(
                text="Open the whole address that `heliostui serve` has told: it has a key in it.\n"
            )
        answer = await handler(request)
        if not answer.prepared:
            answer.headers["Content-Security-Policy"] = POLICY.format(socket=f"ws://{request.host}")
            answer.headers["X-Content-Type-Options"] = "nosniff"
            answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    def _right(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.key.encode())

    def _our_name(self, request: web.Request) -> bool:
        """A tunnel may have another port, but its name is this machine's."""
        return not loopback(self._host) or loopback(_split(f"//{request.host}").hostname or "")

    def _our_page(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        return origin is None or _split(origin).netloc == request.host


def _split(url: str) -> SplitResult:
    """Its parts; none of what is no URL, such as `http://[`."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")
