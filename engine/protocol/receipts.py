"""Values of receipts: what was asked of the engine, by whom, and what that made the kernel do. Imports msgspec only."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from engine.protocol.value import Value


class Receipt(Value, frozen=True):
    """One request that changed something, or tried to.

    `request` is the message as it was sent, with its `"type"`; of somebody else's the variables of its environment are
    names without values. Of a very long one it is only `"type"` and `"too_long"`, how many bytes it had. `by`:
    "console", "heliostui stop" …, or the name of another program; empty where nobody knows.
    """

    number: int  # 1 is the first one of this engine
    time: datetime
    uid: int
    pid: int  # of the client; 0 where nobody knows
    by: str
    request: dict[str, Any]
    container: str | None = None  # id of the container that it was about, or that it made
    name: str = ""  # what that was called then; or the name of what else it was about
    made: str = ""  # the terminal that was opened
    duration: int | None = None  # from the request to the answer, in ns; None: under way
    outcome: Literal["under way", "done", "failed"] = "under way"
    error: str = ""  # why it failed
    steps: int = 0
    lost: int = 0  # steps that were too many to be kept
    launched: bool = False  # there is a launch receipt, too: `GetLaunch`
    engine: datetime | None = None  # when its engine began: the next one numbers from 1 again


class ReceiptStep(Value, frozen=True):
    """Something that the request made the kernel do. Times are ns since the request came; steps may come after its
    answer. `outcome`: `allowed` failed, and that was fine; `failed` is what the request failed by."""

    call: str
    arguments: str  # as text, in strace's manner
    start: int
    end: int
    result: str  # of a call that failed: the error's name, or a sentence
    outcome: Literal["done", "allowed", "failed"]
