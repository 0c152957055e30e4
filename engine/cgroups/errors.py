"""Why a limit can't be had."""

from __future__ import annotations


class LimitError(Exception):
    """One sentence for a person. `unsupported`: this machine can't; else the value can't be."""

    def __init__(self, sentence: str, *, unsupported: bool = False) -> None:
        super().__init__(sentence)
        self.unsupported = unsupported
