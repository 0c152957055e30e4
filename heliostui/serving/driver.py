"""The console's driver when a browser is its terminal: our keyboard, and an end when the server is gone.

textual-serve talks to the console through its standard input and output, in packets (`textual.drivers.web_driver`).
Imports Textual.
"""

from __future__ import annotations

import codecs
from contextlib import suppress
from typing import Any

from textual import events
from textual.app import App
from textual.drivers._byte_stream import ByteStream
from textual.drivers.web_driver import WebDriver, _ExitInput
from textual.message import Message
from textual.messages import ExitApp

from widgets.driver import KeyParser
from widgets.key_turns import KeyTurns


class BrowserDriver(WebDriver):
    """Reads the keys with `KeyParser`, and hands them on in turn."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.turns = KeyTurns(app, app.post_message)

    def disable_input(self) -> None:
        self.turns.stop()
        super().disable_input()

    def send_message(self, message: Message) -> None:
        """From the thread for input."""
        if isinstance(message, events.InputEvent | events.Paste):
            self._loop.call_soon_threadsafe(self.turns.put, message)
        else:
            super().send_message(message)

    def run_input_thread(self) -> None:
        """Textual's thread for input. It goes on without a server where its input has ended; here the console ends."""
        parser, packets = KeyParser(self._debug), ByteStream()
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        with suppress(_ExitInput, OSError):
            for data in self._input_reader:
                for kind, payload in packets.feed(data) if data else ():
                    if kind != "D":
                        self._on_meta(kind, payload)
                        continue
                    for message in parser.feed(decode(payload)):
                        self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)
        self._input_reader.close()
        self._app.call_from_thread(self._app.post_message, ExitApp())
