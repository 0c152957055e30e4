"""One request for each of several containers: each is told of by itself, and one failure does not stop the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from engine.client.blocking import Connection
from engine.client.errors import ClientError, ConnectionLost, RequestFailed
from engine.places import Places, places
from engine.protocol.messages import Reply, Request
from heliostui.commandline.document import document
from heliostui.commandline.failures import complain, exit_status

Outcome = Reply | ClientError


def for_each(
    containers: Sequence[str],
    request: Callable[[str], Request],
    *,
    tell: Callable[[str, Reply], str | None] = lambda container, _reply: container,
    failure: int = 1,
    together: bool = False,
    again: bool = False,
) -> int:
    """Print what `tell` makes of each reply; returns 0, or the status of the first failure. `together` asks for all
    at once, each on a connection of its own, where the answers take their time. `again` asks the next engine what a
    lost one did not answer, where that does no harm. Raises EngineUnreachable."""
    status = 0
    place = places()
    with Connection.connect(place) as engine:
        waiting = _ask_all(place, containers, request, again) if together and len(containers) > 1 else None
        for container in containers:
            outcome = waiting[container]() if waiting else _ask(place, engine, request(container), again)
            if isinstance(outcome, Reply):
                if (told := tell(container, outcome)) is not None:
                    print(told, flush=True)
            else:
                complain(str(outcome))
                code = exit_status(outcome.code, failure) if isinstance(outcome, RequestFailed) else failure
                status = status or code
    return status


def inspect_each(names: Sequence[str], ask: Callable[[Connection, str], Sequence[Any]]) -> int:
    """Print one document of all that are there, and complain of the others; returns 0, or 1 for these. Raises
    EngineUnreachable."""
    found: list[Any] = []
    missing: list[RequestFailed] = []
    with Connection.connect(places()) as engine:
        for name in names:
            try:
                found += ask(engine, name)
            except RequestFailed as error:
                missing.append(error)
    print(document(found))
    for refusal in missing:
        complain(refusal.message)
    return 1 if missing else 0


def _ask(place: Places, engine: Connection, request: Request, again: bool) -> Outcome:
    with ExitStack() as opened:
        while True:
            try:
                return engine.request(request)
            except ClientError as error:
                if not (again and isinstance(error, ConnectionLost)):
                    return error
            try:
                engine = opened.enter_context(Connection.connect(place))
            except ClientError as error:
                return error


def _ask_all(
    place: Places, containers: Sequence[str], request: Callable[[str], Request], again: bool
) -> dict[str, Callable[[], Outcome]]:
    """For each container a function that waits for its outcome."""
    outcomes: dict[str, Outcome] = {}

    def ask(container: str) -> None:
        try:
            with Connection.connect(place, start=False) as engine:
                outcomes[container] = _ask(place, engine, request(container), again)
        except ClientError as error:
            outcomes[container] = error

    def waiting(container: str) -> Callable[[], Outcome]:
        thread = threading.Thread(target=ask, args=(container,), daemon=True)
        thread.start()

        def outcome() -> Outcome:
            thread.join()
            return outcomes[container]

        return outcome

    return {container: waiting(container) for container in containers}
