"""The web server: a page, what it needs, and a console for each WebSocket. Imports aiohttp and textual-serve."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path
from string import Template

from aiohttp import WSCloseCode, web
from textual_serve.server import Server, to_int

from heliostui.serving.access import KEY, Access
from heliostui.serving.console import BrowserConsole

HEARTBEAT = 15.0  # seconds
NONSENSE = (ValueError, TypeError, LookupError, AttributeError, AssertionError, OverflowError)
"""What textual-serve raises when a page sends what its own script would not."""
OURS = Path(__file__).parent
NEEDED = ("js/textual.js", "css/xterm.css")
"""Files of textual-serve's without which there is no page."""


class ConsoleServer(Server):
    """Consoles for browsers on a socket that listens. `command`: what opens one."""

    def __init__(self, command: Sequence[str], listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(command[0], host, port, "heliostui")
        self._words = command
        self._listener = listener
        self._open: set[web.WebSocketResponse] = set()
        self.access = Access(host, port)
        self._page = Template((OURS / "page.html").read_text())

    @property
    def missing(self) -> list[Path]:
        """Files that should have come with textual-serve."""
        return [path for name in NEEDED if not (path := Path(self.statics_path, name)).is_file()]

    @property
    def address(self) -> str:
        """What to open."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/?{KEY}={self.access.key}"

    def run(self) -> None:
        """Until SIGINT or SIGTERM; the consoles end with it."""
        web.run_app(self._application(), sock=self._listener, print=None, access_log=None, shutdown_timeout=1.0)

    async def _application(self) -> web.Application:
        app = web.Application(middlewares=[self.access.check])
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/page.js", self._script),
                web.get("/ws", self.handle_websocket),
                web.get("/download/{key}", self.handle_download),
                web.static("/static", self.statics_path),
            ]
        )
        app.on_shutdown.append(self.on_shutdown)
        return app

    async def on_shutdown(self, app: web.Application) -> None:
        """Close the WebSockets, which ends the consoles behind them."""
        await asyncio.gather(*(each.close(code=WSCloseCode.GOING_AWAY) for each in self._open))

    async def _index(self, request: web.Request) -> web.Response:
        size = min(max(to_int(request.query.get("fontsize", "16"), 16), 6), 60)
        text = self._page.substitute(socket=f"ws://{request.host}/ws", font_size=size)
        return web.Response(text=text, content_type="text/html")

    async def _script(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(OURS / "page.js")

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A console for as long as the page is open."""
        page = web.WebSocketResponse(heartbeat=HEARTBEAT)
        await page.prepare(request)
        console = BrowserConsole(
            self._words,
            write_bytes=page.send_bytes,
            write_str=page.send_str,
            close=page.close,
            downloads=self.download_manager,
        )
        self._open.add(page)
        try:
            width, height = (
                to_int(request.query.get(name, ""), usual) for name, usual in (("width", 80), ("height", 24))
            )
            await console.start(width, height)
            await self._process_messages(page, console)
        except NONSENSE:
            await page.close(code=WSCloseCode.UNSUPPORTED_DATA)
        finally:
            self._open.discard(page)
            await asyncio.shield(console.stop())
        return page
