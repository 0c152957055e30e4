"""Which requests change something, and so leave a receipt. Imports the messages.

All do, but for those that only look, which their names tell, and those named here.
"""

from __future__ import annotations

from engine.protocol import messages as m

LOOKING = ("Get", "List", "Inspect", "Stream", "Wait", "Explain", "Peek", "Top", "Make", "Join")
"""How the names of requests begin that only look."""
SILENT: tuple[type, ...] = (
    m.ResizeTerminal,  # follows the window of whoever looks
    # a playground is a model: it is nothing of the machine's, and one plays in it by hundreds of steps
    m.OpenPlayground,
    m.Play,
    m.SeekPlayground,
    m.ClosePlayground,
    m.EndPresentation,  # about consoles, and nothing of the machine's
)
"""Those that change nothing of the machine."""


def acts(request: object) -> bool:
    """Whether the request leaves a receipt. To attach is to look, unless it starts the container."""
    kind = type(request)
    if kind is m.Attach:
        return request.start  # type: ignore[attr-defined, no-any-return]
    return can_act(kind)


def can_act(kind: type) -> bool:
    """Whether there are such requests that leave a receipt."""
    return kind not in SILENT and not kind.__name__.startswith(LOOKING)
