"""Promises about who presents and who follows."""

from __future__ import annotations

import pytest

from engine.presence import Presence
from engine.protocol import messages as m
from engine.protocol.presence import View

from .conftest import Somebody

LOGS, STATS = View(tab="logs"), View(tab="stats")


@pytest.fixture
def presence() -> Presence:
    return Presence()


async def test_who_presents_is_followed(presence: Presence) -> None:
    ada, bob = Somebody(presence, "ada"), Somebody(presence, "bob", m.Role.VIEWER)
    await bob.does(m.FollowPresenter())
    await ada.does(m.Present(), m.PublishView(view=LOGS))
    shown = await bob.hears_of()
    assert shown is not None
    assert (shown.presenter_name, shown.paused) == ("ada", False)
    assert await bob.sees() == LOGS
    told = await ada.hears_of()
    assert told is not None
    assert told.following == 1
    assert [(person.name, person.role, person.following) for person in ada.told.people] == [
        ("ada", "operator", False),
        ("bob", "viewer", True),
    ]
    assert bob.told.people == []  # who only follows need not know who else does


async def test_of_two_who_present_at_once_one_does_and_the_other_is_told_who(presence: Presence) -> None:
    ada, bob = Somebody(presence, "ada"), Somebody(presence, "bob")
    await ada.does(m.Present())
    await bob.does(m.Present())
    assert await bob.refused() == "ada presents now, and can hand over to you; two at once can't."
    await bob.does(m.PublishView(view=LOGS))
    show = presence.told().presentation
    assert show is not None
    assert show.presenter == ada.id
    assert presence.view_for(ada.part) is None


async def test_a_viewer_can_not_begin_to_present(presence: Presence) -> None:
    eve = Somebody(presence, "eve", m.Role.VIEWER)
    await eve.does(m.Present())
    assert "viewer" in await eve.refused()
    await eve.does(m.HandOver(to=eve.id))
    assert "Only who presents" in await eve.refused()
    await eve.does(m.TakeBack())
    assert "Only who began" in await eve.refused()
    assert presence.told().presentation is None


async def test_control_goes_to_a_viewer_and_comes_back(presence: Presence) -> None:
    ada, eve = Somebody(presence, "ada"), Somebody(presence, "eve", m.Role.VIEWER)
    await ada.does(m.Present(), m.FollowPresenter(), m.HandOver(to=eve.id))
    shown = await eve.hears_of()
    assert shown is not None
    assert (shown.presenter, shown.owner) == (eve.id, ada.id)
    await eve.does(m.PublishView(view=STATS))
    assert await ada.sees() == STATS
    await ada.does(m.TakeBack(), m.PublishView(view=LOGS))
    await eve.does(m.PublishView(view=STATS))  # was under way: it is late, not wrong
    await eve.does(m.FollowPresenter())
    assert await eve.sees() == LOGS


async def test_who_was_handed_it_gives_it_back_and_who_began_it_ends_it(presence: Presence) -> None:
    ada, eve = Somebody(presence, "ada"), Somebody(presence, "eve", m.Role.VIEWER)
    await ada.does(m.Present(), m.HandOver(to=eve.id))
    await eve.does(m.StopPresenting())
    shown = presence.told().presentation
    assert shown is not None
    assert shown.presenter == ada.id
    await eve.does(m.StopPresenting())  # not his any more
    assert presence.told().presentation is not None
    await ada.does(m.StopPresenting())
    assert presence.told().presentation is None


async def test_nobody_can_hand_over_to_one_who_has_left(presence: Presence) -> None:
    ada, bob = Somebody(presence, "ada"), Somebody(presence, "bob")
    await ada.does(m.Present())
    await bob.leaves()
    await ada.does(m.HandOver(to=bob.id))
    assert await ada.refused() == "The one to hand over to has left."
    show = presence.told().presentation
    assert show is not None
    assert show.presenter == ada.id


async def test_a_lost_presenter_pauses_it_and_goes_on_when_he_is_back(presence: Presence) -> None:
    ada, bob = Somebody(presence, "ada", key="secret"), Somebody(presence, "bob")
    await bob.does(m.FollowPresenter())
    await ada.does(m.Present(), m.PublishView(view=LOGS))
    assert await bob.sees() == LOGS
    await ada.leaves()
    shown = await bob.hears_of()
    assert shown is not None
    assert shown.paused
    other = Somebody(presence, "ada", key="another")  # the name alone is not enough
    assert other.told.presentation == shown
    back = Somebody(presence, "ada", key="secret")
    shown = await bob.hears_of()
    assert shown is not None
    assert (shown.presenter, shown.paused) == (back.id, False)
    await back.does(m.PublishView(view=STATS))
    assert await bob.sees() == STATS


async def test_another_operator_may_begin_when_who_presented_is_lost(presence: Presence) -> None:
    ada, bob = Somebody(presence, "ada"), Somebody(presence, "bob")
    await ada.does(m.Present())
    await ada.leaves()
    await bob.does(m.Present())
    show = presence.told().presentation
    assert show is not None
    assert (show.presenter, show.owner, show.paused) == (bob.id, bob.id, False)


async def test_when_the_one_it_was_handed_to_is_lost_only_who_began_it_may_take_it(presence: Presence) -> None:
    ada, bob, eve = Somebody(presence, "ada"), Somebody(presence, "bob"), Somebody(presence, "eve", m.Role.VIEWER)
    await ada.does(m.Present(), m.HandOver(to=eve.id))
    await eve.leaves()
    await bob.does(m.Present())
    assert await bob.refused()
    await ada.does(m.Present())
    show = presence.told().presentation
    assert show is not None
    assert (show.presenter, show.paused) == (ada.id, False)


async def test_who_is_slow_gets_the_latest_and_nothing_waits_for_him(presence: Presence) -> None:
    ada, slow = Somebody(presence, "ada"), Somebody(presence, "slow")
    await slow.does(m.FollowPresenter())
    await ada.does(m.Present())
    for line in range(1000):
        presence.publish(ada.part, View(back=line))
    assert await slow.sees() == View(back=999)
    presence.publish(ada.part, LOGS)
    assert await slow.sees() == LOGS


async def test_who_looks_around_gets_no_views_and_on_his_return_the_present_one(presence: Presence) -> None:
    ada, bob = Somebody(presence, "ada"), Somebody(presence, "bob")
    await bob.does(m.FollowPresenter())
    await ada.does(m.Present(), m.PublishView(view=LOGS))
    assert await bob.sees() == LOGS
    await bob.does(m.FollowPresenter(following=False))
    assert presence.view_for(bob.part) is None
    await bob.does(m.FollowPresenter())
    assert await bob.sees() == LOGS


async def test_names_are_told_apart_and_can_be_printed(presence: Presence) -> None:
    names = [Somebody(presence, name).part.name for name in ("eve", "eve", "eve 2", "\x1b[31m", "\n")]
    assert names == ["eve", "eve 2", "eve 2 2", "[31m", "somebody"]


async def test_a_second_connection_with_the_same_key_takes_the_place_of_the_first(presence: Presence) -> None:
    first = Somebody(presence, "ada", key="secret")
    await first.does(m.Present())
    second = Somebody(presence, "ada", key="secret")
    while not isinstance(reply := await first.hears(), m.StreamEnd):
        pass
    assert isinstance(reply, m.StreamEnd)
    told = presence.told()
    assert [person.id for person in told.people] == [second.id]
    assert told.presentation is not None
    assert (told.presentation.presenter, told.presentation.paused) == (second.id, False)


async def test_an_empty_room_has_no_presentation(presence: Presence) -> None:
    ada = Somebody(presence, "ada", key="secret")
    await ada.does(m.Present())
    await ada.leaves()
    assert presence.told() == m.PresenceTold()
