"""What our resolver says itself, and what it leaves to others. Pure; imports the zone and the wire."""

from __future__ import annotations

from dnslib import QTYPE  # type: ignore[import-untyped]

from engine.network.names import questions
from engine.network.names.questions import NOERROR, NXDOMAIN, REFUSED, Question
from engine.network.names.zone import Asker, Version, Zone, address_asked

_VERSIONS: dict[int, tuple[Version | None, bool]] = {  # which addresses are told to which question
    QTYPE.A: (4, True),
    QTYPE.AAAA: (6, True),
    QTYPE.ANY: (None, True),
}


def answer(zone: Zone, asker: Asker | None, question: Question, *, tcp: bool = False) -> bytes | None:
    """Our answer; None: ask the servers of `asker`. A stranger is refused, and so is whoever has no way out and asks
    for more than our names: a name without a dot does not exist then, as nobody else could know it."""
    if asker is None:
        return questions.reply(question, REFUSED)
    found = _addresses(zone, asker, question, tcp) or _name(zone, asker, question)
    if found is not None or asker.outside:
        return found
    return questions.reply(question, NXDOMAIN if question.plain else REFUSED)


def _addresses(zone: Zone, asker: Asker, question: Question, tcp: bool) -> bytes | None:
    """Of a name of ours; a name that is ours has nothing but addresses."""
    version, asked = _VERSIONS.get(question.type, (None, False))
    addresses = zone.addresses(asker, question.name, version)
    if addresses is None:
        return None
    return questions.reply(question, NOERROR, addresses if asked else (), tcp=tcp)


def _name(zone: Zone, asker: Asker, question: Question) -> bytes | None:
    """Of an address of ours. Nobody else is asked for those that nobody has."""
    if question.type not in (QTYPE.PTR, QTYPE.ANY) or (address := address_asked(question.name)) is None:
        return None
    name = zone.name(asker, address)
    if name is None:
        return None
    return questions.reply(question, NOERROR if name else NXDOMAIN, name=name)
