"""HELLO, who the ball is, and the way to LIVE (PROTOCOL.md section 5), against a ball played by hand."""

from collections.abc import Iterator

import pytest

from firmware_protocol import messages as m
from firmware_protocol.driver import (
    Close,
    Continuity,
    Phase,
    Profile,
    Refused,
    Samples,
    Started,
    Unit,
)
from firmware_protocol.host import Host
from firmware_protocol.messages import Caps, IdentField
from tests.ball_by_hand import BOOT, CAPS, LIMIT, POINTS, Table


@pytest.fixture(params=[True, False], ids=["serial", "ble"])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    yield Table(framed=request.param)


def test_the_way_to_live(table: Table) -> None:
    """R10, R46, section 5: HELLO, IDENT, what is new, START, then the limit off; Profile, Started, Samples."""
    table.live()
    table.samples()
    assert table.phases() == [Phase.GREETING, Phase.CHECKING, Phase.STARTING, Phase.LIVE]
    assert [type(event) for event in table.events if isinstance(event, Profile | Started | Samples)] == [
        Profile,
        Started,
        Samples,
    ]
    (profile,) = table.of(Profile)
    assert (profile.serial, profile.model, profile.unit, profile.full_scale) == (
        "KB-00A7",
        "virtual",
        Unit.NEWTON,
        20_000,
    )
    assert profile.simulated
    assert table.of(Started) == [Started(Continuity.FIRST, BOOT, 1, 0.01, 1000, 12_340_000, 1000, 100.0)]
    (samples,) = table.of(Samples)
    assert (samples.index, samples.t_us, samples.span_us, samples.late) == (1000, 12_350_000, 40_000, False)
    assert not table.host.damage
    assert table.host.calibration[0].points[0] == POINTS[0]


def test_what_is_asked_before_live() -> None:
    """R10: tags count from the first one; section 5: SENSOR and CAL_GET of a new ball."""
    table = Table(first_tag=254)
    table.open()
    asked = []
    while table.asked:
        asked.append(table.asked[0])
        table.answer_one()
    requests = [request for _, request in asked]
    assert requests[:2] == [m.Hello(1, 1), m.Ident(IdentField.SERIAL)]
    assert set(requests[2:5]) == {
        m.Ident(field) for field in (IdentField.VENDOR, IdentField.MODEL, IdentField.FIRMWARE)
    }
    assert requests[5:] == [m.Sensor(), m.CalGet(0), m.Start(0, 0), m.Limits(m.LimitSettings(False, 0, 0, 0, 0))]
    assert [tag for tag, _ in asked] == [254, 255, 1, 2, 3, 4, 5, 6, 7]


def test_a_known_ball_is_only_asked_for_its_serial() -> None:
    """Section 5: SENSOR and CAL_GET if serial or cal_crc is new."""
    table = Table().live()
    table.take(table.host.closed(table.now_s))
    assert table.host.phase is Phase.DOWN
    table.open()
    seen = len(table.sent)
    table.answer_all()
    assert len(table.sent) - seen == 3  # IDENT, START, LIMITS
    assert len(table.of(Profile)) == 1
    table.take(table.host.closed(table.now_s))
    table.hello = m.HelloReply(1, CAPS, 1, 1, 0.1, 200, 0xAFB1, BOOT)
    table.open()
    seen = len(table.sent)
    table.answer_all()
    assert len(table.sent) - seen == 8
    assert [profile.lsb for profile in table.of(Profile)] == pytest.approx([0.05, 0.1])  # R52


def test_a_00_goes_before_each_request_on_serial_only(table: Table) -> None:
    """R1, R6"""
    table.live()
    for send in table.sent:
        assert send.data.startswith(b"\0") is table.framed
        assert (send.data.count(b"\0") == 2 and send.data.endswith(b"\0")) or not table.framed
        assert not send.with_response
        assert len(send.data) <= 20 or table.framed  # R3


def test_cal_set_is_written_with_response() -> None:
    """R3"""
    table = Table().live()
    seen = len(table.sent)
    table.take(table.host.ask(m.CalSet(0, 0, POINTS), table.now_s))
    assert isinstance(table.asked[-1][1], m.Stop)  # it would be refused while sending
    table.answer_one()
    assert isinstance(table.asked[-1][1], m.CalSet)
    assert [send.with_response for send in table.sent[seen:]] == [False, True]


def test_each_link_begins_with_another_tag() -> None:
    """R10: random per link, and the same again from the same first tag."""
    firsts = []
    for _ in range(2):
        table = Table(first_tag=9)
        for _ in range(6):
            table.open()
            table.take(table.host.closed(table.now_s))
        firsts.append([tag for tag, _ in table.asked])
    assert firsts[0] == firsts[1]
    assert firsts[0][0] == 9
    assert len(set(firsts[0])) > 3
    with pytest.raises(ValueError, match="tags"):
        Host(framed=True, first_tag=0)


def test_its_own_limit_is_set_and_what_the_ball_made_of_it_is_kept() -> None:
    """R34: the reply says what is in force."""
    table = Table(limit=LIMIT)
    table.open()
    while not isinstance(table.asked[0][1], m.Limits):
        table.answer_one()
    tag, asked = table.pop(m.Limits)
    assert asked.settings == LIMIT
    lowered = m.LimitSettings(True, m.Pattern.STOP, 3400, 3060, 500)
    table.say(m.LimitsReply(lowered), tag)
    assert table.host.limit_in_force == lowered
    table.take(table.host.ask(m.Limits(m.LimitSettings(True, 3, 2000, 1800, 0)), table.now_s))
    table.answer_all()
    table.take(table.host.closed(table.now_s))
    table.open()
    table.answer_all()
    assert table.host.limit_in_force is not None
    assert table.host.limit_in_force.high == 2000  # what a person set last stands on the next link, too


def test_a_ball_without_limits_is_not_asked_for_them() -> None:
    """R57"""
    table = Table()
    table.hello = m.HelloReply(1, Caps(0), 1, 1, 0.05, 200, 0xAFB0, BOOT)
    table.live()
    assert [type(request) for _, request in table.asked] == []
    assert len(table.sent) == 6  # HELLO, 4 x IDENT, START


def test_a_limit_that_is_refused_is_told() -> None:
    """R59: DENIED on an open link."""
    table = Table(limit=LIMIT)
    table.refuse[m.Limits] = m.Status.DENIED
    table.live()
    (told,) = table.of(Refused)
    assert (told.request, told.status) == ("LIMITS", m.Status.DENIED)
    silent = Table()
    silent.refuse[m.Limits] = m.Status.DENIED
    assert not silent.live().of(Refused)  # nobody asked for one


def test_ident_sensor_and_calibration_may_be_unknown() -> None:
    """R57: unknowns allowed."""
    table = Table()
    table.refuse = {m.Ident: m.Status.NO_DATA, m.Sensor: m.Status.UNKNOWN, m.CalGet: m.Status.TOO_BIG}
    (profile,) = table.live().of(Profile)
    assert (profile.serial, profile.model, profile.full_scale) == ("", "", 0)


@pytest.mark.parametrize(("framed", "tries", "after_s"), [(True, 16, 8.0), (False, 3, 6.0)])
def test_nobody_answers(framed: bool, tries: int, after_s: float) -> None:
    """Section 5: HELLO 16 x 0.5 s on serial, 3 x 2 s on BLE, each with a new tag; then there is no ball here."""
    table = Table(framed=framed)
    table.open()
    table.wait(after_s - 0.01)
    assert not table.of(Close)
    table.wait(0.02)
    assert (table.close().cause, table.close().retry) == ("no_ball", False)
    assert len(table.asked) == tries
    assert len({tag for tag, _ in table.asked}) == tries
    assert table.host.phase is Phase.ENDED
    assert table.host.deadline() is None


def test_nobody_answers_any_more(table: Table) -> None:
    """Section 5: once a ball was there, an unanswered HELLO is a reason to try again."""
    table.live()
    table.take(table.host.closed(table.now_s))
    table.asked.clear()
    table.open()
    table.wait(10)
    assert (table.close().cause, table.close().retry) == ("silent", True)
    assert table.host.phase is Phase.DOWN


def test_another_version(table: Table) -> None:
    """G2: VERSION ends the session."""
    table.open()
    tag, _ = table.pop(m.Hello)
    table.say(m.Refusal(1, m.Status.VERSION, 2), tag)
    assert (table.close().cause, table.close().retry) == ("version", False)
    assert "2" in table.close().text
    assert table.phases()[-1] is Phase.ENDED


def test_hello_refused_for_ever_comes_to_an_end() -> None:
    """R44: any other refusal is no answer."""
    table = Table()
    table.open()
    for _ in range(3):
        tag, _ = table.pop(m.Hello)
        table.say(m.Refusal(1, m.Status.HELLO_FIRST), tag)
        table.wait(2.0)
    assert table.close().cause == "no_ball"


def test_the_wrong_ball() -> None:
    """R60: the serial is pinned."""
    table = Table(expect_serial="KB-00A8")
    table.open()
    table.answer_all()
    assert (table.close().cause, table.close().retry) == ("wrong_ball", False)
    assert not table.of(Profile)
    assert table.host.phase.value == "ended"
    table.open()  # the search went on, and found another one
    assert table.host.phase.value == "greeting"


def test_another_ball_on_the_way_back() -> None:
    """R60: the first ball of a session is the one expected on the next link."""
    table = Table().live()
    table.take(table.host.closed(table.now_s))
    table.open()
    tag, _ = table.pop(m.Hello)
    table.say(table.hello, tag)
    tag, _ = table.pop(m.Ident)
    table.say(m.IdentReply("KB-00A8"), tag)
    assert table.close().cause == "wrong_ball"
    assert "KB-00A7" in table.close().text


def test_a_serial_is_a_serial() -> None:
    """R55, IDENT: no path, no markup."""
    table = Table()
    table.open()
    tag, _ = table.pop(m.Hello)
    table.say(table.hello, tag)
    tag, _ = table.pop(m.Ident)
    table.say(m.IdentReply("../etc/[b]x"), tag)
    assert table.host.damage == {"value": 1}
    table.answer_all()
    assert table.of(Profile)[0].serial == ""


def test_a_ball_that_wants_encryption_says_so() -> None:
    """R58: not "no ball here"."""
    table = Table()
    table.refuse[m.Hello] = m.Status.DENIED
    table.open()
    table.answer_all()
    assert "Pair" in table.close().hint
