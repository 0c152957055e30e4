"""nftables through libnftables(3): commands as text in, lists as values out. Imports ctypes, msgspec, and the errors.

The library is loaded at the first use and by the thread that uses it: its netlink socket belongs to the network
namespace that this thread is in then. Everything here blocks for as long as the kernel takes.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL, c_bool, c_char_p, c_int, c_uint, c_void_p
from typing import Any

import msgspec

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.receipts.steps import step

LIBRARY = "libnftables.so.1"

# include/nftables/libnftables.h
NFT_CTX_DEFAULT = 0
NFT_CTX_OUTPUT_HANDLE = 1 << 3
NFT_CTX_OUTPUT_JSON = 1 << 4
NFT_CTX_OUTPUT_TERSE = 1 << 11

FD_SETSIZE = 1024  # the library waits with select(2), which ends the process at a descriptor from this number on
ROOM = 8  # low descriptors that are kept for it: it takes one, and other threads may take some just then
_kept: list[int] = []

_LACKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT)


class Refused(EngineError):
    """What nftables says to a command. `why`: its first sentence, without the place in the text."""

    def __init__(self, why: str) -> None:
        code = ErrorCode.UNSUPPORTED if _is_a_lack(why) else ErrorCode.LAUNCH_FAILED
        super().__init__(code, f"nftables refuses a rule: {why.rstrip('.')}.")
        self.why = why

    @property
    def lacks_rights(self) -> bool:
        """Whether somebody else might do it."""
        return os.strerror(errno.EPERM) in self.why


class Nft:
    """One context of the library, for the thread and the network namespace that it is made in.

    Raises EngineError(UNSUPPORTED) where the library is missing.
    """

    def __init__(self) -> None:
        self._library = _load()
        with _room():
            self._context = self._library.nft_ctx_new(NFT_CTX_DEFAULT)
        if not self._context:
            raise EngineError(
                ErrorCode.UNSUPPORTED, f"{LIBRARY} can't open a netlink socket: {os.strerror(ctypes.get_errno())}."
            )
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)

    def close(self) -> None:
        """Give the context back; nothing may be run after it."""
        if self._context:
            self._library.nft_ctx_free(self._context)
            self._context = None

    def run(self, commands: str) -> None:
        """All of these or none (one transaction). Raises `Refused`."""
        with step("nft", commands.encode(), f"{len(commands.splitlines())} commands"):
            self._run(commands, NFT_CTX_DEFAULT)

    def check(self, commands: str) -> None:
        """Whether the kernel would take these; nothing is changed. Raises `Refused`."""
        self._library.nft_ctx_set_dry_run(self._context, True)
        try:
            self._run(commands, NFT_CTX_DEFAULT)
        finally:
            self._library.nft_ctx_set_dry_run(self._context, False)

    def text(self, command: str) -> str:
        """A list as nft(8) writes it, with the handles of its objects. Raises `Refused`."""
        return self._run(command, NFT_CTX_OUTPUT_HANDLE)

    def objects(self, command: str, *, terse: bool = False) -> list[dict[str, Any]]:
        """A list as libnftables-json(5) has it: {"rule": {…}}, {"set": {…}} … `terse`: sets without their elements.
        Raises `Refused`."""
        flags = NFT_CTX_OUTPUT_JSON | (NFT_CTX_OUTPUT_TERSE if terse else 0)
        output = self._run(command, flags)
        if not output:
            return []
        found = msgspec.json.decode(output, type=dict[str, list[dict[str, Any]]])["nftables"]
        return [item for item in found if "metainfo" not in item]

    def _run(self, commands: str, flags: int) -> str:
        library, context = self._library, self._context
        library.nft_ctx_output_set_flags(context, flags)
        status = library.nft_run_cmd_from_buffer(context, commands.encode())
        output = library.nft_ctx_get_output_buffer(context) or b""
        errors = library.nft_ctx_get_error_buffer(context) or b""
        if status != 0:
            raise Refused(_first_sentence(errors.decode("utf-8", "replace")))
        return str(output.decode("utf-8", "replace"))


def keep_room() -> None:
    """Keep some low descriptors for contexts that are made later: said at a time when the process has few open files,
    by whoever will have thousands."""
    while len(_kept) < ROOM:
        descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        if descriptor >= FD_SETSIZE:
            os.close(descriptor)
            return
        _kept.append(descriptor)


@contextmanager
def _room() -> Iterator[None]:
    """In it the next descriptor is a low one. EngineError(UNSUPPORTED) where there is none."""
    keeps = bool(_kept)
    while _kept:
        os.close(_kept.pop())
    try:
        lowest = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        os.close(lowest)
        if lowest >= FD_SETSIZE:
            why = f"{LIBRARY} can't be used by a process with {FD_SETSIZE} open files or more: start the engine anew."
            raise EngineError(ErrorCode.UNSUPPORTED, why)
        yield
    finally:
        if keeps:
            keep_room()


def _load() -> CDLL:
    try:
        library = CDLL(LIBRARY, use_errno=True)
    except OSError:
        why = f"{LIBRARY} is not on this machine: install nftables (`apt install nftables`)."
        raise EngineError(ErrorCode.UNSUPPORTED, why) from None
    signatures: dict[str, tuple[object, list[object]]] = {
        "nft_ctx_new": (c_void_p, [c_uint]),
        "nft_ctx_free": (None, [c_void_p]),
        "nft_ctx_set_dry_run": (None, [c_void_p, c_bool]),
        "nft_ctx_output_set_flags": (None, [c_void_p, c_uint]),
        "nft_ctx_buffer_output": (c_int, [c_void_p]),
        "nft_ctx_buffer_error": (c_int, [c_void_p]),
        "nft_ctx_get_output_buffer": (c_char_p, [c_void_p]),
        "nft_ctx_get_error_buffer": (c_char_p, [c_void_p]),
        "nft_run_cmd_from_buffer": (c_int, [c_void_p, c_char_p]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _first_sentence(errors: str) -> str:
    """Of "/dev/stdin:1:5-9: Error: No such file or directory; did you mean …" what is after "Error:"."""
    for line in errors.splitlines():
        _, mark, sentence = line.partition("Error: ")
        if mark:
            return sentence.strip()
    return errors.strip().partition("\n")[0] or "it does not say why"


def _is_a_lack(why: str) -> bool:
    """Whether rights or a part of the kernel are missing."""
    return any(os.strerror(number) in why for number in _LACKS)
