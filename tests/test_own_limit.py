"""What a host asks of a ball that is to warn: its own limit, and signals that do not queue up."""

from firmware_protocol import messages as m
from firmware_protocol.ball_spec import ALL_CAPS
from firmware_protocol.codec import decode_from_host
from firmware_protocol.driver import LimitInForce, Refused, Send
from firmware_protocol.framing import Deframer
from firmware_protocol.messages import Caps
from tests.world import World

OWN = m.LimitSettings(True, m.Pattern.STOP, 3000, 200, 100)


def test_a_limit_asked_for_before_there_is_a_ball_goes_with_start() -> None:
    """R33, R34: and with every start after it."""
    world = World()
    world.ask(m.Limits(OWN))
    assert world.of(Refused) == []
    world.connect().until_live()
    world.run(1.0)
    assert world.ball.limit == OWN
    assert [told.settings for told in world.of(LimitInForce)] == [OWN]
    world.reboot(0xABCD)
    world.run(8.0)
    assert world.ball.limit == OWN
    assert [told.settings for told in world.of(LimitInForce)] == [OWN, OWN]


def test_what_the_ball_lowers_is_told() -> None:
    """R34"""
    world = World(highest_limit=1000)
    world.ask(m.Limits(OWN))
    world.connect().until_live()
    world.run(1.0)
    assert [(told.settings.high, told.settings.clear) for told in world.of(LimitInForce)] == [(1000, 66)]


def test_a_limit_that_is_refused_is_told() -> None:
    """R59: DENIED on an unencrypted link."""
    world = World(caps=ALL_CAPS & ~Caps.LIMITS)
    world.connect().until_live()
    world.ask(m.Limits(OWN))
    world.run(1.0)
    assert [(told.request, told.status) for told in world.of(Refused)] == [("LIMITS", m.Status.UNKNOWN)]


def test_of_warnings_that_wait_only_the_newest_is_sent() -> None:
    """ALERT goes before what else waits; find me is a person's question and waits its turn."""
    world = World().connect()
    world.until_live()
    world.run(1.0)
    world.ask(m.Tare())  # outstanding for half a second
    world.ask(m.Alert(4, 0, 100))
    world.ask(m.Alert(2, 2, 3000))
    world.ask(m.Alert(3, 3, 5000))
    world.run(1.0)
    assert world.ball.pattern[1] in (0, 3)
    asked = [part for _, event in world.events if isinstance(event, Send) for part in _requests(event)]
    assert [part for part in asked if isinstance(part, m.Alert)] == [m.Alert(3, 3, 5000), m.Alert(4, 0, 100)]
    assert world.of(Refused) == []


def _requests(send: Send) -> list[m.Request]:
    heard = [decode_from_host(part) for part in Deframer().feed(send.data) if isinstance(part, bytes)]
    return [found[1] for found in heard if found is not None and not isinstance(found[1], m.Refusal)]
