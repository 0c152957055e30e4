"""Removing the links of containers that have ended, many at a time and beside everything else. Imports links.

The kernel takes 20 ms to remove a link, or hundreds of them at once, and who changes other links meanwhile waits for
parts of that. So the home thread only unplugs, which frees the addresses, and a second thread removes what was
unplugged while it was busy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future, wait

from engine.errors import EngineError
from engine.network.kernel import links


class Removal:
    """Of the links of one home."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: _Batch | None = None  # what is removed next
        self._last: Future[None] | None = None

    def unplug(self, names: Iterable[str]) -> Future[None]:
        """In the home thread: nothing goes through these veths from now on; the future is done once they are removed,
        or has the EngineError."""
        with self._lock:
            batch = self._waiting or _Batch()
            try:
                links.unplug(names, batch.group)
            finally:
                if self._waiting is None:
                    self._begin(batch)
        return batch.removed

    def _begin(self, batch: _Batch) -> None:
        """By a thread that is born in the namespace of this one."""
        before, self._last = self._last, batch.removed
        try:
            threading.Thread(target=self._remove, args=(batch, before), name="removal of links").start()
            self._waiting = batch
        except RuntimeError:  # there may be no more threads
            batch.remove()

    def _remove(self, batch: _Batch, before: Future[None] | None) -> None:
        if before is not None:
            wait([before])
        with self._lock:
            self._waiting = None
        batch.remove()


class _Batch:
    def __init__(self) -> None:
        self.group = links.new_group()
        self.removed: Future[None] = Future()
        self.removed.set_running_or_notify_cancel()  # one who waits for it can't cancel it for the others

    def remove(self) -> None:
        try:
            links.remove_group(self.group)
        except EngineError as error:
            self.removed.set_exception(error)
        else:
            self.removed.set_result(None)
