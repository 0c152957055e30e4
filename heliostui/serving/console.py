"""One console for one browser: a process of its own, which ends with the page. Imports textual-serve."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

GRACE = 3.0  # seconds that a console has to end
MOST_COLUMNS, MOST_LINES = 1000, 500  # whatever a page says: a screen of any size takes any memory


class BrowserConsole(AppService):
    """Runs a command as it is, without a shell, and sees that it ends."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        write_bytes: Callable[[bytes], Awaitable[None]],
        write_str: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[object]],
        downloads: DownloadManager,
    ) -> None:
        async def closed() -> None:
            await close()

        super().__init__(
            command[0], write_bytes=write_bytes, write_str=write_str, close=closed, download_manager=downloads
        )
        self._words = command

    async def set_terminal_size(self, width: int, height: int) -> None:
        await super().set_terminal_size(*possible(width, height))

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        width, height = possible(width, height)
        self._process = process = await asyncio.create_subprocess_exec(
            *self._words,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(width=width, height=height),
            start_new_session=True,  # a ^C for the server is not for it
        )
        assert process.stdin is not None
        self._stdin = process.stdin
        return process

    async def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        try:
            async with asyncio.timeout(GRACE):
                await super().stop()
        except TimeoutError:
            pass
        finally:
            await self._gone()

    async def _gone(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        try:
            async with asyncio.timeout(GRACE):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def possible(width: int, height: int) -> tuple[int, int]:
    """A size that there can be, as close to what was asked for as it may. Raises TypeError and ValueError."""
    return min(max(int(width), 1), MOST_COLUMNS), min(max(int(height), 1), MOST_LINES)
