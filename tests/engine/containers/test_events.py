"""The event bus."""

import asyncio

from engine.containers.events import MOST_WAITING, Bus
from engine.protocol.messages import Event, StreamEnd


async def test_a_subscriber_hears_what_happens_after_it_subscribed() -> None:
    bus = Bus()
    bus.publish("create", "abc", "web")
    with bus.subscribe() as events:
        bus.publish("die", "abc", "web", exit_code=3, signal=None)
        event = await anext(events)
    assert isinstance(event, Event)
    assert (event.action, event.container, event.name) == ("die", "abc", "web")
    assert event.attributes == {"exit_code": "3"}


async def test_a_waiting_subscriber_is_woken() -> None:
    bus = Bus()
    with bus.subscribe() as events:
        waiting = asyncio.create_task(anext(events))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        bus.publish("start", "abc", "web")
        assert isinstance(await asyncio.wait_for(waiting, 5), Event)


async def test_a_subscriber_that_does_not_read_is_let_go_and_told_so() -> None:
    bus = Bus()
    slow, quick = bus.subscribe(), bus.subscribe()
    for number in range(MOST_WAITING + 10):
        bus.publish("start", str(number), "web")
        assert isinstance(await anext(quick), Event)
    heard = [event async for event in slow]
    assert len(heard) == MOST_WAITING + 1
    assert isinstance(heard[-1], StreamEnd)


async def test_closing_the_bus_ends_every_subscription_after_what_waits() -> None:
    bus = Bus()
    events = bus.subscribe()
    bus.publish("start", "abc", "web")
    bus.close()
    assert [type(event) async for event in events] == [Event, StreamEnd]
    bus.publish("start", "abc", "web")
    assert [event async for event in events] == []
