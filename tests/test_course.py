"""The states of PROTOCOL.md section 5, against a ball played by hand."""

from collections.abc import Iterator

import pytest

from firmware_protocol import messages as m
from firmware_protocol.codec import encode
from firmware_protocol.driver import (
    BallEvent,
    Close,
    Continuity,
    Phase,
    Refused,
    Samples,
    Started,
    Status,
)
from firmware_protocol.framing import encode_frame
from firmware_protocol.messages import Flags
from tests.ball_by_hand import Table


@pytest.fixture(params=[True, False], ids=["serial", "ble"])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    yield Table(framed=request.param)


# STARTING


def test_start_too_big_is_tried_three_times() -> None:
    """R8, section 5: again after 1 s, twice."""
    table = Table()
    table.refuse[m.Start] = m.Status.TOO_BIG
    table.open()
    table.answer_all()
    start_s = table.now_s
    assert table.host.deadline() == start_s + 1.0
    table.wait(1.0)
    table.answer_all()
    assert not table.of(Close)
    table.wait(1.0)
    table.answer_all()
    assert (table.close().cause, table.close().retry) == ("fault", False)


def test_start_too_big_once_is_no_harm() -> None:
    """Section 5: an MTU grows a moment after the link is up."""
    table = Table()
    table.refuse[m.Start] = m.Status.TOO_BIG
    table.open()
    table.answer_all()
    table.refuse.clear()
    table.wait(1.0)
    table.answer_all()
    assert table.host.phase is Phase.LIVE


def test_a_faulty_ball_does_not_start() -> None:
    """Status 11"""
    table = Table()
    table.refuse[m.Start] = m.Status.HARDWARE
    table.open()
    table.answer_all()
    assert table.close().cause == "fault"


def test_samples_before_starts_reply_are_dropped(table: Table) -> None:
    """R46: `anchor`, also before HELLO told the channels."""
    table.open()
    table.samples()
    table.raw(encode_frame(encode(m.TimeReply(0), 99)) if table.framed else b"\x83\x63\0\0\0\0\0\0\0\0\0")
    tag, _ = table.pop(m.Hello)
    table.say(table.hello, tag)
    table.samples()
    assert table.host.damage == {"anchor": 2, "tag": 1}
    assert not table.of(Samples)


# LIVE and STALE


def test_time_keeps_the_link_alive() -> None:
    """Section 5: TIME when 10 s went without a request."""
    table = Table().live()
    table.stream(9.9)
    seen = len(table.sent)
    table.stream(0.2)
    assert len(table.sent) == seen + 1
    table.stream(10.2)
    assert len(table.sent) == seen + 2
    assert not table.of(Close)


def test_silence_makes_the_value_unknown_and_samples_bring_it_back(table: Table) -> None:
    """Section 5: 1 s without SAMPLES (the first: 1.5 s) is STALE; TIME at once."""
    table.live()
    table.wait(1.49)
    assert table.phases()[-1] is Phase.LIVE
    table.wait(0.02)
    assert table.phases()[-1] is Phase.STALE
    table.pop(m.Time)
    table.samples()
    assert table.phases()[-1] is Phase.LIVE
    table.wait(0.99)
    assert table.phases()[-1] is Phase.LIVE
    table.wait(0.02)
    assert table.phases()[-1] is Phase.STALE


def test_a_ball_that_answers_but_sends_nothing_is_started_again_then_left() -> None:
    """Section 5: TIME answered, none 1 s later: STARTING; the third time running close and come again."""
    table = Table().live()
    for last in (False, False, True):
        table.wait(1.5)
        tag, request = table.pop(m.Time)
        table.say(table.reply(request), tag)
        table.wait(1.0)
        if not last:
            assert isinstance(table.asked[0][1], m.Start)
            table.answer_all()
    assert (table.close().cause, table.close().retry) == ("silent", True)
    assert table.host.phase is Phase.DOWN


def test_samples_in_between_begin_the_count_anew() -> None:
    """Section 5: "third time running"."""
    table = Table().live()
    for _ in range(4):
        table.wait(1.5)
        table.answer_all()
        table.wait(1.0)
        table.answer_all()
        table.samples()
    assert not table.of(Close)
    assert [started.continuity for started in table.of(Started)[1:]] == [Continuity.SAME_RUN] * 4


@pytest.mark.parametrize("framed", [True, False], ids=["serial", "ble"])
def test_three_tries_without_an_answer(framed: bool) -> None:
    """R44: then serial greets anew, BLE closes; every try has its own tag."""
    table = Table(framed=framed).live()
    table.wait(1.5)  # TIME
    table.wait(2.9)
    assert len({tag for tag, request in table.asked if isinstance(request, m.Time)}) == 3
    assert table.phases()[-1] is Phase.STALE
    table.wait(0.2)
    if framed:
        assert table.phases()[-1] is Phase.GREETING
        table.asked.clear()
        table.wait(10)
    assert (table.close().cause, table.close().retry) == ("silent", True)


def test_a_late_reply_with_an_old_tag_is_dropped() -> None:
    """R44, R54: `tag`, and the outstanding request stays so."""
    table = Table()
    table.open()
    old, _ = table.pop(m.Hello)
    table.wait(2.0)
    new, _ = table.pop(m.Hello)
    table.say(table.hello, old)
    assert table.host.damage == {"tag": 1}
    assert table.phases() == [Phase.GREETING]
    table.say(m.TimeReply(0), new)  # of another type
    assert table.host.damage == {"tag": 2}
    table.say(table.hello, new)
    assert table.phases()[-1] is Phase.CHECKING


def test_busy_is_asked_again() -> None:
    """R44: after 0.2 s, 10 times."""
    table = Table().live()
    table.take(table.host.ask(m.Alert(4, 4, 1500), table.now_s))
    tags = set()
    for _ in range(10):
        tag, _ = table.pop(m.Alert)
        tags.add(tag)
        table.say(m.Refusal(0x0B, m.Status.BUSY), tag)
        assert not table.asked
        table.wait(0.2)
        table.samples()
    assert len(tags) == 10
    tag, _ = table.pop(m.Alert)
    table.say(m.Refusal(0x0B, m.Status.BUSY), tag)
    (told,) = table.of(Refused)
    assert (told.request, told.status) == ("ALERT", m.Status.BUSY)


def test_tare_is_waited_for_as_long_as_it_averages() -> None:
    """R44: avg_ms + 2 s."""
    table = Table().live()
    table.take(table.host.ask(m.Tare(5000), table.now_s))
    table.pop(m.Tare)
    for _ in range(14):
        table.wait(0.49)
        table.samples()
    assert not table.asked
    table.wait(0.2)
    table.pop(m.Tare)


@pytest.mark.parametrize("phase", [Phase.CHECKING, Phase.LIVE])
def test_hello_first_at_any_time(phase: Phase) -> None:
    """R45: the ball rebooted, or silence closed the link."""
    table = Table()
    if phase is Phase.LIVE:
        table.live()
        table.take(table.host.ask(m.Tare(), table.now_s))
    else:
        table.open()
        tag, _ = table.pop(m.Hello)
        table.say(table.hello, tag)
    tag, request = table.asked.pop()
    table.say(m.Refusal(m.REQUEST_TYPE[type(request)], m.Status.HELLO_FIRST), tag)
    assert table.phases()[-1] is Phase.GREETING
    assert [told.request for told in table.of(Refused)] == (["TARE"] if phase is Phase.LIVE else [])
    table.answer_all()
    assert table.host.phase is Phase.LIVE


def test_hello_first_for_ever_comes_to_an_end() -> None:
    """R45, but bounded: no loop at the speed of the link."""
    table = Table()
    table.refuse[m.Ident] = m.Status.HELLO_FIRST
    table.open()
    table.answer_all()
    assert (table.close().cause, table.close().retry) == ("silent", True)


@pytest.mark.parametrize(
    ("value", "phase", "cause", "retry"),
    [(2, Phase.CLOSING, "fault", False), (3, Phase.CLOSING, "battery", False), (4, Phase.ENDED, "elsewhere", False)],
)
def test_sending_ended(value: int, phase: Phase, cause: str, retry: bool) -> None:
    """R45: EVENT 10 is told; fault and battery close with STOP, another link without (no retake)."""
    table = Table().live()
    table.say(m.BallEventMessage(10, 0xFF, 12_400_000, value))
    assert table.of(BallEvent) == [BallEvent(10, None, 12_400_000, value, table.now_s)]
    assert table.phases()[-1] is phase
    assert [type(request) for _, request in table.asked] == ([m.Stop] if phase is Phase.CLOSING else [])
    table.answer_all()
    assert (table.close().cause, table.close().retry) == (cause, retry)


def test_sending_ended_by_silence() -> None:
    """R45: EVENT 10/1 greets."""
    table = Table().live()
    table.say(m.BallEventMessage(10, 0xFF, 12_400_000, 1))
    assert table.phases()[-1] is Phase.GREETING


def test_in_use_elsewhere_by_flag() -> None:
    """R45: flag 7."""
    table = Table()
    table.open()
    tag, _ = table.pop(m.Hello)
    table.say(table.hello, tag)
    table.say(m.StatusMessage(Flags.ELSEWHERE | Flags.SCANNING, 0xFF, 0, -32_768, 0, 0))
    assert (table.close().cause, table.close().retry) == ("elsewhere", False)
    assert table.of(Status)[0].elsewhere


def test_status_without_wire_units() -> None:
    """STATUS: unknown is None; G21."""
    table = Table().live()
    table.feed(bytes.fromhex("430D3857480F5A0A0000000003"))
    table.say(m.StatusMessage(Flags(0x100 - 0x80 - 1), 0xFF, 0, -32_768, 7, 3))
    known, unknown = table.of(Status)
    assert known == Status(False, False, False, True, False, False, 87, 3912, 26.5, 0, 3)
    assert (unknown.battery_pct, unknown.battery_mv, unknown.temp_c, unknown.dropped) == (None, None, None, 7)
    assert unknown.fault
    assert unknown.charging


def test_out_of_order_greets_anew() -> None:
    """R49: `order`, GREETING."""
    table = Table().live()
    table.samples()
    table.t_us += 40_000_000
    table.samples()
    assert table.host.damage == {"order": 1}
    assert table.phases()[-1] is Phase.GREETING


def test_a_duplicate_is_dropped() -> None:
    """R49: `stale`; it is no sign of life, and no reason to worry."""
    table = Table().live()
    table.samples()
    before = (table.next_index - 5, table.t_us - 50_000)
    table.next_index, table.t_us = before
    table.samples()
    assert table.host.damage == {"stale": 1}
    assert len(table.of(Samples)) == 1
    assert table.host.phase is Phase.LIVE


def test_time_refused_is_a_sign_of_life_too() -> None:
    """Section 5: whatever is answered, the host does not wait for ever."""
    table = Table().live()
    table.refuse[m.Time] = m.Status.UNKNOWN
    table.wait(1.5)
    table.answer_all()
    table.wait(1.0)
    assert table.phases()[-1] is Phase.STARTING
