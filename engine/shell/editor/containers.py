"""Names of containers and images, asked of the engine if there is one. Imports the client when it is needed.

The engine is never started for this, and never waited for longer than a moment: who types must not notice.
"""

from __future__ import annotations

import threading
import time

PATIENCE = 0.4  # seconds
FRESH = 2.0  # seconds for which an answer is used again

# What the words after a verb name: "" for nothing that could be asked for.
VERBS = {
    "run": "image", "create": "image", "exec": "running", "attach": "running", "ps": "", "logs": "container",
    "images": "", "start": "container", "stop": "running", "kill": "running", "pause": "running",
    "unpause": "container", "wait": "container", "rename": "container", "rm": "container", "inspect": "container",
    "top": "running", "signal": "running", "nice": "running", "diff": "container",
    "update": "container", "stats": "running", "explain": "running", "volume": "",
    "spec": "image",
    "network": "", "port": "running", "publish": "container", "unpublish": "container", "capture": "running",
    "dns": "running", "demo": "", "config": "", "events": "", "receipts": "", "heap": "running",
    "tar": "", "play": "", "terminal": "", "presence": "", "engine": "", "doctor": "", "serve": "", "version": "",
}  # fmt: skip


class Names:
    """What the engine knows, as (name, what it is) pairs by "image", "container" and "running"."""

    def __init__(self) -> None:
        self._answer: dict[str, list[tuple[str, str]]] = {}
        self._asked = -FRESH
        self._thread: threading.Thread | None = None

    def of(self, kind: str) -> list[tuple[str, str]]:
        """Names of that kind; what was known before when the engine takes its time."""
        if time.monotonic() - self._asked >= FRESH and not (self._thread and self._thread.is_alive()):
            self._thread = threading.Thread(target=self._ask, daemon=True, name="completion")
            self._thread.start()
        if self._thread:
            self._thread.join(PATIENCE)
        return self._answer.get(kind, [])

    def _ask(self) -> None:
        from engine.client.blocking import Connection
        from engine.client.errors import ClientError
        from engine.places import places
        from engine.protocol.messages import Containers, Images, ListContainers, ListImages

        try:
            with Connection.connect(places(), start=False) as engine:
                containers = engine.request(ListContainers(all=True), Containers).containers
                images = engine.request(ListImages(), Images).images
        except (ClientError, OSError):
            self._answer = {}
        else:
            told = [(each.name, f"{each.image}, {each.status}") for each in containers]
            running = [pair for pair, each in zip(told, containers, strict=True) if each.status == "running"]
            pictures = [(each.name, each.description) for each in images if each.available]
            self._answer = {"container": told, "running": running, "image": pictures}
        self._asked = time.monotonic()
