"""When a container that ended is started again, and after how long. Imports the protocol.

The rules are Docker's (its restartmanager): the delay begins at 100 ms, doubles to a minute and begins anew after ten
seconds of running; the count of `on-failure:n` begins anew when a person starts the container.
"""

from __future__ import annotations

from engine.containers.record import Record
from engine.protocol.messages import RestartPolicy, Status

FIRST_DELAY = 0.1  # seconds
LONGEST_DELAY = 60.0
SETTLED_AFTER = 10.0  # seconds of running


def wanted(policy: RestartPolicy, exit_code: int, restarts: int) -> bool:
    """Whether a container that ended by itself with `exit_code` comes back."""
    if policy.name == "on-failure":
        return exit_code != 0 and (policy.maximum == 0 or restarts < policy.maximum)
    return policy.name in ("always", "unless-stopped")


def wanted_at_boot(record: Record) -> bool:
    """Whether a container that is not running starts with a new keeper: after a reboot, or a stop of the engine.

    `always` comes back even when a person had stopped it, `unless-stopped` then does not; what never ran stays so.
    """
    policy = record.options.restart
    if record.status == Status.CREATED or (record.asked and policy.name != "always"):
        return False
    return wanted(policy, record.exit_code if record.exit_code is not None else 0, record.restarts)


def delay(previous: float, ran: float) -> float:
    """Seconds to wait before the next start, after a run of `ran` seconds that began `previous` seconds late."""
    if ran >= SETTLED_AFTER or previous <= 0:
        return FIRST_DELAY
    return min(previous * 2, LONGEST_DELAY)
