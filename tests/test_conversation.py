"""Host and ball in conversation, over good links and bad ones (PROTOCOL.md sections 3 to 6)."""

import random
from itertools import pairwise

import numpy as np
import pytest

from firmware_protocol import messages as m
from firmware_protocol.codec import decode_from_ball, encode
from firmware_protocol.conversation import Conversation, Errand
from firmware_protocol.driver import (
    BallEvent,
    Calibrated,
    Chunk,
    Close,
    Continuity,
    Damaged,
    DriverEvent,
    Phase,
    Profile,
    Refused,
    Samples,
    Send,
    Started,
    Status,
    ZeroChanged,
)
from firmware_protocol.framing import Deframer, encode_frame
from firmware_protocol.host import Host
from firmware_protocol.messages import Caps
from tests.ball_bench import LIMIT
from tests.world import DELAY_S, World, arrives, play


def check(world: World) -> None:
    """Every scan the host placed is one the ball took, with its time and values, and live ones only go forward."""
    boot, newest = None, -1
    for _, event in world.events:
        if isinstance(event, Started):
            if event.boot_id != boot or event.continuity is Continuity.NEW_CLOCK:
                newest = -1
            boot = event.boot_id
        elif isinstance(event, Samples):
            assert boot is not None
            last = event.index + len(event.values) - 1
            for at in range(len(event.values)):
                t_us, values = world.truth[boot, event.index + at]
                assert event.values[at].tolist() == values
                stamp = event.t_us + at * event.span_us / max(1, len(event.values) - 1)
                assert abs(stamp - t_us) <= 1000
            if not event.late:
                assert event.index > newest
                newest = last


def complete(world: World, first: int = 0) -> None:
    """No scan is missing and none came twice."""
    assert sorted(world.received()) == list(range(first, max(world.received()) + 1))


@pytest.fixture(params=[True, False], ids=["serial", "ble"])
def world(request: pytest.FixtureRequest) -> World:
    return World(framed=request.param)


# Whole conversations


def test_a_whole_conversation(world: World) -> None:
    """R1 to R5, R10, R26, R38, R46: greeted, live, stopped; every scan came, in order, with its time."""
    world.connect()
    world.run(25)
    world.ask(m.Stop())
    world.until(lambda: bool(world.of(Close)))
    assert world.of(Close)[0].cause == "stopped"
    assert world.phases() == [
        Phase.GREETING,
        Phase.CHECKING,
        Phase.STARTING,
        Phase.LIVE,
        Phase.CLOSING,
        Phase.ENDED,
    ]
    check(world)
    complete(world)
    assert len(world.received()) == pytest.approx(2500, abs=10)
    assert world.host.damage.get("anchor", 0) == len(world.host.damage)  # the last batch came after STOP
    assert len(world.of(Status)) >= 3
    assert not world.ball.scanning
    assert len(world.of(Profile)) == 1


@pytest.mark.parametrize(
    ("hz", "ratio", "channels", "mtu"), [(10, 1.17, 1, 23), (200, 0.85, 4, 247), (100, 1.0005, 16, 100), (50, 1, 5, 23)]
)
def test_rates_channels_and_converters(hz: int, ratio: float, channels: int, mtu: int) -> None:
    """R3, R23, R49: an HX711 17 % off, MTU 23, 16 channels, a clock 500 ppm off."""
    world = World(framed=False, channels=channels, mtu=mtu, period_ratio=ratio, host={"rate_hz": hz})
    world.connect()
    world.run(12)
    check(world)
    complete(world)
    assert not world.host.damage
    assert len(world.received()) == pytest.approx(12 * hz / ratio, rel=0.03)


def noisy_session() -> World:
    """A session on serial with damage, holes, a lost link, a reboot and text glued to frames."""
    rng = random.Random(4)

    def fault(delay_s: float, data: bytes) -> list[tuple[float, bytes]]:
        dice = rng.random()
        if dice < 0.02:
            return []
        if dice < 0.04:
            at = rng.randrange(len(data))
            return [(delay_s, data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :])]
        if dice < 0.05:
            return [(delay_s, b"boot ok\r\n" + data)]
        return [(delay_s, data)]

    world = World(channels=2)
    world.to_host = world.to_ball = fault
    world.connect()
    world.run(6)
    world.ask(m.Tare())
    world.run(4)
    world.disconnect()
    world.run(3)
    world.connect()
    world.run(5)
    world.reboot(77)
    world.run(8)
    world.ask(m.Stop())
    world.until(lambda: bool(world.of(Close)))
    return world


def test_any_split_gives_the_same_events() -> None:
    """R5, law 1: events are equal one by one, however the stream is cut."""
    world = noisy_session()
    check(world)
    assert world.host.damage["crc"] > 3
    for seed in range(6):
        rng = random.Random(seed)
        host = Host(framed=True, first_tag=200)
        again: list[DriverEvent] = []
        for call, argument in world.calls:
            if call == "feed":
                data, at = argument.data, 0
                while at < len(data):
                    size = 1 if seed == 0 else rng.randint(1, 40)
                    again += host.feed(Chunk(argument.source, data[at : at + size], argument.arrival_s))
                    at += size
            else:
                again += play(host, call, argument)
        assert [comparable(event) for event in again] == [comparable(event) for _, event in world.events]
        assert host.damage == world.host.damage


def test_chunks_may_also_be_joined() -> None:
    """Law 1: several frames in one chunk."""
    world = World().connect()
    world.run(5)
    joined, parted = Host(framed=True, first_tag=200), Host(framed=True, first_tag=200)
    told: list[list[object]] = []
    for host, whole in ((joined, True), (parted, False)):
        events = host.opened(0.0)
        frames = [argument.data for call, argument in world.calls if call == "feed"]
        for at in range(0, len(frames), 7):
            group = frames[at : at + 7]
            for data in [b"".join(group)] if whole else group:
                events += host.feed(Chunk("serial", data, at / 10))
        told.append([comparable(event) for event in events])
    assert told[0] == told[1]
    assert len(told[0]) > 80


def comparable(event: DriverEvent) -> object:
    if isinstance(event, Samples):
        return (event.values.tolist(), event.index, event.t_us, event.span_us, event.arrival_s, event.late)
    return event


def test_the_same_seed_gives_the_same_session() -> None:
    """R10: deterministic but for the first tag."""
    one, two = noisy_session(), noisy_session()
    assert [comparable(event) for _, event in one.events] == [comparable(event) for _, event in two.events]


# Replies lost and late


@pytest.mark.parametrize("framed", [True, False], ids=["serial", "ble"])
@pytest.mark.parametrize("lost", range(9))
def test_any_reply_may_be_lost(framed: bool, lost: int) -> None:
    """R44: asked again with a new tag; the session gets live all the same."""
    world = World(framed=framed)
    seen = iter(range(1_000_000))

    def fault(delay_s: float, data: bytes) -> list[tuple[float, bytes]]:
        return [] if next(seen) == lost else [(delay_s, data)]

    world.to_host = fault
    world.connect()
    world.run(10)
    assert world.host.phase is Phase.LIVE
    assert len(world.of(Started)) == 1
    check(world)


def test_a_reply_to_an_earlier_try_is_none_to_this_one() -> None:
    """R10, R44: of the type that is waited for, but under the tag of before."""
    talk = Conversation(framed=False, first_tag=7)
    talk.ask(Errand(m.Time()))
    first, again = talk.next(0.0), talk.tick(1.0)
    assert isinstance(first, Send)
    assert isinstance(again, Send)
    reply = m.TimeReply(5_000_000)
    assert talk.answer(first.data[1], reply) is None
    assert talk.current is not None
    assert talk.answer(again.data[1], reply) is not None


def test_a_late_reply_is_not_taken_for_another() -> None:
    """R44, R46, R54: START's first reply comes after its time-out, between two runs of SAMPLES."""
    world = World(framed=False)

    def fault(delay_s: float, data: bytes) -> list[tuple[float, bytes]]:
        slow = data[0] == 0x84 and not world.of(Started) and not slowed
        if slow:
            slowed.append(data)
        return [(1.2 if slow else delay_s, data)]

    slowed: list[bytes] = []
    world.to_host = fault
    world.connect()
    world.run(4)
    assert slowed
    assert world.host.damage["tag"] == 1
    assert world.host.damage["anchor"] > 10  # SAMPLES of before the second START's reply
    (started,) = world.of(Started)
    assert started.next_index > 90
    check(world)
    complete(world, started.next_index)


def test_requests_lost_on_the_way_there() -> None:
    """R44"""
    world = World()
    seen = iter(range(1_000_000))

    def fault(delay_s: float, data: bytes) -> list[tuple[float, bytes]]:
        return [] if next(seen) % 3 else [(delay_s, data)]

    world.to_ball = fault
    world.connect()
    world.run(40)
    assert world.host.phase is Phase.LIVE
    check(world)
    assert not world.of(Close)


# Reboots, lost links, silence


def test_a_reboot_in_mid_session(world: World) -> None:
    """R20, R45, R47: HELLO_FIRST, then another boot: a new segment."""
    world.connect()
    world.run(5)
    world.reboot(0xBEEF)
    if not world.framed:
        world.disconnect()
        world.connect()
    world.run(5)
    assert [started.continuity for started in world.of(Started)] == [Continuity.FIRST, Continuity.NEW_CLOCK]
    assert world.of(Started)[1].boot_id == world.of(Profile)[1].boot_id == 0xBEEF
    if world.framed:
        assert Phase.STALE in world.phases()
        refused = [argument for call, argument in world.calls if call == "feed" and argument.data[2:3] == b"\x83"]
        assert refused
    check(world)
    complete_after = [samples.index for samples in world.live() if samples.t_us < 5_000_000]
    assert complete_after.count(0) == 2


def test_a_board_that_opening_the_port_resets() -> None:
    """R9: it answers within 3 s; its boot text is no damage (R6)."""
    world = World()
    world.ball.reboot(0xB007, 0, booting_us=3_000_000)
    world.connect()
    world.host.feed(Chunk("serial", b"rst:0x1 (POWERON)\r\n\0entry 0x403c9880\r\n", 0.1))
    world.run(5)
    assert world.host.phase is Phase.LIVE
    assert not world.host.damage
    check(world)


def test_a_lost_link_leaves_a_hole_that_is_filled(world: World) -> None:
    """R36, R37, R40, R47, R50: same run on return; what was scanned meanwhile comes late."""
    world.connect()
    world.run(5)
    world.disconnect()
    assert world.host.phase is Phase.DOWN
    world.run(20)
    world.connect()
    world.run(5)
    second = world.of(Started)[1]
    assert second.continuity is Continuity.SAME_RUN
    assert second.next_index - second.expected == pytest.approx(2000, abs=10)
    check(world)
    complete(world)
    assert sum(len(samples.values) for samples in world.late()) == second.next_index - second.expected
    assert not world.host.damage


def test_a_hole_longer_than_the_log_is_filled_as_far_as_it_goes() -> None:
    """R37, R50"""
    world = World(log_s=10.0, rates_hz=(100,)).connect()
    world.run(5)
    world.disconnect()
    world.run(40)
    world.connect()
    world.run(10)
    check(world)
    assert 900 <= sum(len(samples.values) for samples in world.late()) <= 1000
    assert len(world.received()) == len(set(world.received()))


def test_too_long_away_is_another_run() -> None:
    """R40, R47: the run-on ends after 600 s; between the runs nothing was measured."""
    world = World().connect()
    world.run(5)
    world.disconnect()
    world.run(605)
    world.connect()
    world.run(2)
    second = world.of(Started)[1]
    assert (second.continuity, second.run) == (Continuity.OTHER_RUN, 2)
    assert not world.late()
    check(world)


def test_holes_in_a_stream_are_filled() -> None:
    """R49, R50: lost on the radio, still in the log."""
    world = World(framed=False)
    rng = random.Random(3)
    world.to_host = lambda delay_s, data: (
        [] if data[0] in (0x40, 0x41) and rng.random() < 0.2 else arrives(delay_s, data)
    )
    world.connect()
    world.run(30)
    world.to_host = arrives
    world.run(5)
    check(world)
    missing = set(range(max(world.received()))) - set(world.received())
    assert len(missing) < 20  # three times unlucky
    assert len(world.late()) > 50


def test_silence_then_time_then_start() -> None:
    """Section 5: SAMPLES are lost, TIME is answered: START again, same run, no reason to worry."""
    world = World(framed=False).connect()
    world.run(3)
    world.to_host = lambda delay_s, data: [] if data[0] == 0x40 else arrives(delay_s, data)
    world.run(2.5)
    assert world.phases()[-2:] == [Phase.STARTING, Phase.LIVE]
    assert Phase.STALE in world.phases()
    world.to_host = arrives
    world.run(3)
    assert [started.continuity for started in world.of(Started)] == [Continuity.FIRST, Continuity.SAME_RUN]
    check(world)
    complete(world)


def test_nothing_comes_any_more() -> None:
    """R44, section 4: the host closes; the ball ends sending for itself after 30 s."""
    world = World(framed=False).connect()
    world.run(3)
    world.to_host = lambda delay_s, data: []
    world.until(lambda: bool(world.of(Close)))
    assert world.of(Close)[0].retry
    world.to_host = arrives
    world.connect()
    world.run(3)
    check(world)
    complete(world)


def test_a_host_that_slept_is_greeted_anew() -> None:
    """R40, R45: 30 s without a request; EVENT 10/1, or HELLO_FIRST to what it asks next."""
    world = World().connect()
    world.run(3)
    end_s = world.now_s + 40
    while world.now_s < end_s:  # the ball lives on, the host is asleep and its link holds nothing
        world.now_s += 0.5
        world.ball.tick(round(world.now_s * 1_000_000))
        world.ball.outgoing(0)
    world.run(5)
    assert world.host.phase is Phase.LIVE
    assert world.of(Started)[-1].continuity is Continuity.SAME_RUN
    check(world)
    complete(world)


def test_clock_and_index_wrap() -> None:
    """R20, R21, R48: u32 microseconds, u16 and u32 index, within one session, live and late."""
    world = World(uptime_us=(1 << 32) - 5_000_000, first_index=(1 << 32) - 800).connect()
    world.run(4)
    world.disconnect()
    world.run(3)
    world.connect()
    world.run(10)
    check(world)
    complete(world, (1 << 32) - 800)
    assert max(samples.t_us for samples in world.live()) > 1 << 32
    assert max(world.received()) > (1 << 32) + 500
    assert not world.host.damage


def test_wraps_while_away() -> None:
    """R48: START's wide numbers bridge them."""
    world = World(uptime_us=(1 << 32) - 3_000_000, first_index=65_300, log_s=60.0).connect()
    world.run(2)
    world.disconnect()
    world.run(20)
    world.connect()
    world.run(5)
    check(world)
    complete(world, 65_300)
    assert max(world.received()) > 65_536, "the index has wrapped"
    assert max(samples.t_us for samples in world.live()) > 1 << 32, "and so has the clock"


# Jams


def test_a_jam_and_its_end() -> None:
    """R27: dropped by the ball, told, and filled from its log."""
    world = World().connect()
    world.run(3)
    world.taken = False
    world.run(0.9)
    world.taken = True
    world.run(0.5)
    assert world.phases()[-1] is Phase.LIVE
    complete(world)
    assert not world.late()
    world.taken = False
    world.run(4)
    world.taken = True
    world.run(12)
    assert [event.code for event in world.of(BallEvent)] == [7]
    assert world.of(Status)[-1].dropped == world.ball.dropped > 100
    check(world)
    complete(world)
    assert world.late()


def test_a_link_too_slow_for_the_rate() -> None:
    """R27, R53: half the rate until it fits."""
    world = World(framed=False, mtu=23, channels=4, caps=Caps(0), host={"rate_hz": 200})
    world.space = 26  # one notification ...
    world.connect()
    while world.now_s < 40:
        world.taken = True
        world.run(0.0)
        world.taken = False
        world.run(0.015)  # ... every 15 ms: 66 scans a second
    rates = [round(1 / started.period_s) for started in world.of(Started)]
    assert rates == [200, 100, 50]
    check(world)


# Zero, limit, requests


def test_tare_is_said_before_its_values() -> None:
    """R28, R52"""
    world = World().connect()
    world.load = 700
    world.run(2)
    world.ask(m.Tare(200))
    world.run(2)
    (change,) = world.of(ZeroChanged)
    assert change.value is not None
    assert change.from_index is not None
    assert change.value == pytest.approx(700, abs=60)
    assert change.trusted
    told = [event for _, event in world.events if isinstance(event, ZeroChanged | Samples)]
    before = [event for event in told[: told.index(change)] if isinstance(event, Samples)]
    assert before
    assert all(samples.index < change.from_index for samples in before)
    mean = np.mean([samples.values for samples in world.live() if samples.index >= change.from_index])
    assert abs(mean) < 20
    check(world)


def test_a_tare_whose_reply_is_lost_is_seen_by_its_count() -> None:
    """R52: STATUS tells; then the second try is answered."""
    world = World(framed=False).connect()
    world.run(2)
    lost: list[bytes] = []

    def fault(delay_s: float, data: bytes) -> list[tuple[float, bytes]]:
        if data[0] == 0x86 and not lost:
            lost.append(data)
            return []
        return [(delay_s, data)]

    world.to_host = fault
    world.ask(m.Tare())
    world.run(10)
    assert [change.value is None for change in world.of(ZeroChanged)] == [True, False]


def test_tare_under_load_and_by_button() -> None:
    """R28: beyond 5 % of full scale it is not trusted; EVENT 4."""
    world = World().connect()
    world.load = 1500
    world.run(2)
    world.ball.press_button(True, round(world.now_s * 1_000_000))
    world.run(2)
    (change,) = world.of(ZeroChanged)
    assert change.value == pytest.approx(1500, abs=60)
    assert not change.trusted
    assert [event.code for event in world.of(BallEvent)] == [1, 4]


def test_the_limit_outlives_the_link() -> None:
    """R33, R34: armed at START, watched while away."""
    world = World(host={"limit": LIMIT}, highest_limit=3000).connect()
    world.run(2)
    assert world.host.limit_in_force == m.LimitSettings(True, 3, 3000, 2700, 500)
    world.disconnect()
    world.load = 4000
    world.run(2)
    assert world.ball.pattern == (3, 3)
    world.connect()
    world.run(1)
    assert world.ball.limit.high == 3000


def test_find_me() -> None:
    """R35"""
    world = World().connect()
    world.run(1)
    world.ask(m.Alert(4, 4, 1500))
    world.run(0.1)
    assert world.ball.pattern == (4, 4)
    assert not world.of(Refused)


def test_a_calibration_while_scanning_stops_first_and_goes_on_after() -> None:
    """R31"""
    world = World().connect()
    world.run(1)
    world.ask(m.CalSet(0, 0, ()))
    world.run(2)
    assert not world.of(Refused)
    (done,) = world.of(Calibrated)
    assert done.cal_crc == world.of(Profile)[-1].cal_crc
    assert len(world.of(Started)) == 2


# Others


def test_two_hosts() -> None:
    """R41, R45: the second takes over; the first tells "in use elsewhere", closes and does not come back."""
    world = World().connect()
    world.run(3)
    world.ball.connect(1, framed=False)
    for message in (m.Hello(1, 1), m.Start()):
        world.ball.feed(1, encode(message, 1), round(world.now_s * 1_000_000))
    world.run(1)
    (close,) = world.of(Close)
    assert (close.cause, close.retry) == ("elsewhere", False)
    heard = [decode_from_ball(message, 1) for message in world.ball.outgoing(1)]
    assert any(isinstance(said, tuple) and isinstance(said[1], m.SampleBatch) for said in heard)


def test_a_ball_in_use_is_left_alone() -> None:
    """R45, flag 7: a second host does not take over."""
    world = World()
    world.ball.connect(1, framed=False)
    for message in (m.Hello(1, 1), m.Start()):
        world.ball.feed(1, encode(message, 1), 0)
    world.connect()
    world.until(lambda: bool(world.of(Close)))
    assert world.of(Close)[0].cause == "elsewhere"
    assert not world.of(Started)
    assert world.ball.scanning


def test_garbage_for_ever() -> None:
    """Section 5, R6: no ball here, after 8 s, without a word on damage."""
    host = Host(framed=True, first_tag=1)
    host.opened(0.0)
    rng = random.Random(0)
    events: list[DriverEvent] = []
    for step in range(1000):
        now_s = step / 100
        events += host.feed(Chunk("serial", rng.randbytes(50), now_s))
        deadline_s = host.deadline()
        if deadline_s is not None and deadline_s <= now_s:
            events += host.tick(now_s)
    (close,) = [event for event in events if isinstance(event, Close)]
    assert (close.cause, close.retry) == ("no_ball", False)
    assert not host.damage


def test_a_port_that_echoes() -> None:
    """R54: own requests that come back are `echo`, and no ball."""
    host = Host(framed=True, first_tag=1)
    events = host.opened(0.0)
    now_s = 0.0
    while not any(isinstance(event, Close) for event in events):
        fresh = [event.data for event in events if isinstance(event, Send)]
        events = [event for event in events if not isinstance(event, Send)]
        for data in fresh:
            events += host.feed(Chunk("serial", data, now_s))
        deadline_s = host.deadline()
        assert deadline_s is not None
        now_s = deadline_s
        events += host.tick(now_s)
    assert host.damage == {"echo": 16}
    assert now_s == pytest.approx(8.0)


# Anything at all


@pytest.mark.parametrize("seed", range(24))
def test_whatever_the_link_does_nothing_is_placed_wrong(seed: int) -> None:
    """R46 to R50, R54: loss, flips, copies, delays, jams, lost links, reboots, button; no scan in a wrong place."""
    rng = random.Random(seed)
    world = World(
        framed=seed % 2 == 0,
        channels=rng.choice((1, 2, 4)),
        period_ratio=rng.uniform(0.85, 1.17),
        uptime_us=rng.randrange(1 << 34),
        first_index=rng.randrange(1 << 32),
        host={"rate_hz": rng.choice((0, 10, 200))},
    )
    loss = rng.choice((0.0, 0.02, 0.1))

    def fault(delay_s: float, data: bytes) -> list[tuple[float, bytes]]:
        dice = rng.random()
        if dice < loss:
            return []
        if world.framed and dice < 1.5 * loss:
            at = rng.randrange(len(data))
            return [(delay_s, data[:at] + rng.randbytes(rng.randint(0, 2)) + data[at + 1 :])]
        if dice < 2 * loss:
            return [(delay_s, data), (delay_s + rng.choice((0, 0.1, 1.5)), data)]
        return [(delay_s + (rng.random() * 1.2 if dice < 2.2 * loss else 0), data)]

    world.to_host = world.to_ball = fault
    world.connect()
    for _ in range(12):
        world.run(rng.uniform(0.3, 4))
        happens = rng.random()
        if happens < 0.15 and world.up:
            world.disconnect()
            world.run(rng.uniform(0, 20))
        elif happens < 0.25 and world.up:
            world.reboot(rng.randrange(1, 1 << 32))
            if not world.framed:
                world.disconnect()
        elif happens < 0.35:
            world.taken = False
            world.run(rng.uniform(0, 3))
            world.taken = True
        elif happens < 0.5:
            world.ask(m.Tare(rng.choice((0, 50))))
        elif happens < 0.6:
            world.ball.press_button(True, round(world.now_s * 1_000_000))
        if not world.up:
            if world.host.phase is Phase.ENDED:
                break
            world.connect()
    check(world)
    assert world.received() or world.host.phase is not Phase.LIVE


@pytest.mark.parametrize("seed", range(8))
def test_after_any_trouble_all_is_well_again(seed: int) -> None:
    """Section 5: once the link is good the session is live within a few seconds, wherever it stood."""
    rng = random.Random(seed)
    world = World(framed=seed % 2 == 0).connect()
    world.until_live()

    def poor(delay_s: float, data: bytes) -> list[tuple[float, bytes]]:
        return [] if rng.random() < 0.5 else [(delay_s + rng.random() / 10, data)]

    world.to_host = world.to_ball = poor
    world.run(10)
    world.to_host = world.to_ball = arrives
    end_s = world.now_s + 12
    while world.now_s < end_s:
        if not world.up:
            world.connect()
        world.run(0.5)
    assert world.host.phase is Phase.LIVE
    assert world.live()[-1].arrival_s > end_s - 0.1
    check(world)


def test_reasons_are_told_one_by_one() -> None:
    """R54: each Damaged event is one count."""
    world = noisy_session()
    told: dict[str, int] = {}
    for damage in world.of(Damaged):
        told[damage.reason] = told.get(damage.reason, 0) + damage.count
    assert told == world.host.damage


def test_everything_the_ball_says_is_a_whole_frame() -> None:
    """R5, R7: also in the noisy session nothing the ball sent was damaged by itself."""
    world = World().connect()
    deframer = Deframer()
    parts: list[object] = []

    def listen(delay_s: float, data: bytes) -> list[tuple[float, bytes]]:
        parts.extend(deframer.feed(data))
        return [(delay_s, data)]

    world.to_host = listen
    world.run(10)
    assert len(parts) > 150
    assert all(isinstance(part, bytes) and encode_frame(part) for part in parts)
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(world.events)]
    assert max(gaps) < 0.1 + DELAY_S
