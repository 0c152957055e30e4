"""The console's driver when a browser is its terminal: our keyboard, and an end when the server is gone.

textual-serve talks to the console through its standard input and output, in packets (`textual.drivers.web_driver`).
Imports Textual.
"""

from __future__ import annotations

import codecs
from contextlib import suppress

from textual.drivers._byte_stream import ByteStream
from textual.drivers.web_driver import WebDriver, _ExitInput
from textual.messages import ExitApp

from widgets.driver import KeyParser


class BrowserDriver(WebDriver):
    """Reads the keys with `KeyParser`."""

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
