"""What every kind of device in the folder keeps, whatever it is: each test runs for each kind on each of its links."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_protocol import devices
from firmware_protocol.devices.kind import Advert, Link, Options
from firmware_protocol.driver import (
    Chunk,
    Close,
    Continuity,
    Phase,
    PhaseChanged,
    Profile,
    Refused,
    Samples,
    Started,
    Unit,
    ZeroChanged,
)
from firmware_protocol.messages import Alert, Limits, LimitSettings, Pattern, Stop, Tare
from tests.foreign import CASES, Case, Joined, joined
from tests.fuzz.drill import HELD_BYTES, size_of

every = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.link.value}")
LIVE_S = 5.0  # by then every kind is live


def live(case: Case) -> Joined:
    line = joined(case.kind, case.link, case.side())
    line.run(LIVE_S)
    assert line.of(Samples), line.events
    return line


def phases(line: Joined) -> list[Phase]:
    return [change.phase for change in line.of(PhaseChanged)]


def test_every_kind_in_the_folder_is_held_to_this_on_every_link() -> None:
    declared = {(kind.key, link) for kind in devices.kinds().values() for link in kind.links}
    assert {(case.kind, case.link) for case in CASES} == declared


@every
def test_who_it_is_then_that_it_starts_then_scans(case: Case) -> None:
    line = live(case)
    told = [type(event) for event in line.events if isinstance(event, Profile | Started | Samples)]
    assert told[:3] == [Profile, Started, Samples]
    assert line.of(Profile)[0].kind == case.kind
    assert line.of(Started)[0].continuity is Continuity.FIRST
    assert phases(line)[-1] is Phase.LIVE


@every
def test_it_is_what_it_is_declared_to_be(case: Case) -> None:
    kind, line = devices.kinds()[case.kind], live(case)
    (profile,), started = line.of(Profile), line.of(Started)[0]
    if kind.unit is not None:
        assert profile.unit is kind.unit
    if kind.has_clock:
        assert profile.has_clock
    assert profile.lsb > 0
    assert started.period_s > 0
    assert 1 / started.period_s <= kind.max_hz * 1.05
    assert profile.max_hz >= 1
    assert (kind.gatt is not None) == (Link.GATT in kind.links)
    assert (kind.heard is not None) == (Link.ADVERT in kind.links)
    sources = {source for layout in kind.layouts for source in layout.notify} | {"serial", "advert"}
    assert {chunk.source for chunk in line.chunks} <= sources


@every
def test_scans_follow_each_other_and_none_is_invented(case: Case) -> None:
    line = live(case)
    line.run(5.0)
    expected, newest_us = line.of(Started)[0].next_index, -1
    for samples in line.of(Samples):
        assert samples.index == expected
        assert samples.values.dtype == np.int16
        assert not samples.values.flags.writeable
        expected += len(samples.values)
        if line.of(Profile)[0].has_clock:
            assert samples.t_us > newest_us
            newest_us = samples.t_us + samples.span_us
    seconds = line.now_s - line.of(Started)[0].arrival_s
    assert expected * line.of(Started)[0].period_s == pytest.approx(seconds, rel=0.25)
    assert not line.driver.damage


@every
def test_its_rate_is_measured_not_believed(case: Case) -> None:
    line = live(case)
    line.run(5.0)
    scans = [samples for samples in line.of(Samples) if samples.arrival_s > line.now_s - 4.0]
    measured_s = 4.0 / sum(len(samples.values) for samples in scans)
    assert line.of(Started)[-1].period_s == pytest.approx(measured_s, rel=0.2)


@every
def test_a_zero_is_set_while_scans_come_and_told(case: Case) -> None:
    line = live(case)
    before = len(line.of(ZeroChanged))
    line.ask(Tare())
    line.run(6.0)
    (zero,) = line.of(ZeroChanged)[before:]
    assert zero.value is not None
    assert zero.from_index is not None
    assert zero.from_index <= line.of(Samples)[-1].index


@every
def test_without_scans_no_zero_is_set(case: Case) -> None:
    line = joined(case.kind, case.link, case.side())
    line.ask(Tare())
    (refused,) = line.of(Refused)
    assert refused.request == "TARE"
    assert not line.of(ZeroChanged)


@every
def test_a_zero_that_is_under_way_ends_with_the_link(case: Case) -> None:
    line = live(case)
    line.ask(Tare())
    line.close()
    assert [refused.request for refused in line.of(Refused)] == ["TARE"]


@every
def test_what_it_cannot_do_is_refused_in_words(case: Case) -> None:
    line = live(case)
    line.ask(Limits(LimitSettings(True, Pattern.STOP, 100, 50, 100)))
    line.ask(Alert(Pattern.FIND_ME, Pattern.FIND_ME, 500))
    line.run(1.0)
    assert all(refused.text for refused in line.of(Refused))
    assert phases(line)[-1] is Phase.LIVE


@every
def test_silence_is_stale_then_the_link_is_opened_anew(case: Case) -> None:
    line = live(case)
    line.mute = True
    line.run(40.0)
    assert Phase.STALE in phases(line)
    (close,) = line.of(Close)
    assert (close.cause, close.retry) == ("silent", True)
    assert phases(line)[-1] is Phase.DOWN
    assert line.driver.deadline() is None


@every
def test_after_a_lost_link_scans_go_on_and_it_is_no_first_start(case: Case) -> None:
    line = live(case)
    line.close()
    assert phases(line)[-1] is Phase.DOWN
    line.now_s += 3.0
    before = line.of(Samples)[-1]
    line.open()
    line.run(LIVE_S)
    after = line.of(Samples)[-1]
    assert after.index >= before.index + len(before.values)
    assert line.of(Started)[-1].continuity is not Continuity.FIRST
    assert len(line.of(Profile)) == 1, "it is the same, so nothing new is told"
    assert not line.of(Close)


@every
def test_stop_ends_it_for_good(case: Case) -> None:
    line = live(case)
    line.ask(Stop())
    line.run(1.0)
    (close,) = line.of(Close)
    assert (close.cause, close.retry) == ("stopped", False)
    told = len(line.events)
    line.run(1.0)
    line.open()
    assert len(line.events) == told


@every
def test_nothing_there_is_no_ball(case: Case) -> None:
    line = joined(case.kind, case.link, case.side())
    line.mute = True
    line.run(12.0)
    assert line.of(Close)
    close = line.of(Close)[0]
    assert close.text and close.hint
    assert not line.of(Profile)


@every
def test_any_split_of_a_stream_and_no_other_gives_the_same(case: Case) -> None:
    if case.link is not Link.SERIAL:
        line = live(case)
        assert {chunk.source for chunk in line.chunks} == {line.chunks[0].source}, "a datagram is the unit"
        return
    line = live(case)
    whole = _replayed(case, line.chunks)
    single = [Chunk(c.source, c.data[at : at + 1], c.arrival_s) for c in line.chunks for at in range(len(c.data))]
    assert _replayed(case, single) == whole
    assert whole[-1] > 0


def _replayed(case: Case, chunks: list[Chunk]) -> tuple[Any, ...]:
    driver = devices.driver(case.kind, case.link, Options(7))
    events = driver.opened(100.0)
    for chunk in chunks:
        events += driver.feed(chunk)
    samples = [event for event in events if isinstance(event, Samples)]
    others = [event for event in events if not isinstance(event, Samples | PhaseChanged)]
    values = np.concatenate([batch.values for batch in samples])
    return others, values.tobytes(), len(values)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.link.value}")
@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("bytes"), st.binary(max_size=80)),
            st.tuples(st.just("text"), st.text("0123456789.-+eE:,\t \r\nkgNms", max_size=60).map(str.encode)),
            st.tuples(st.just("spoil"), st.binary(min_size=2, max_size=2)),
            st.tuples(st.just("run"), st.floats(0.0, 3.0)),
            st.tuples(st.just("wait"), st.sampled_from([0.0, 0.3, 1.0, 9.0, 600.0, 5000.0])),
            st.tuples(st.just("ask"), st.sampled_from([Tare(), Tare(50), Alert(1, 1, 100), Limits(None)])),
            st.tuples(st.just("link"), st.booleans()),
        ),
        max_size=14,
    )
)
def test_no_input_raises_and_what_is_held_is_bounded(case: Case, script: list[tuple[str, Any]]) -> None:
    line = joined(case.kind, case.link, case.side())
    line.run(1.0)
    source = next((chunk.source for chunk in line.chunks), "serial")
    for name, argument in script:
        match name:
            case "bytes" | "text":
                line.events += line.driver.feed(Chunk(source, argument, line.now_s))
            case "spoil" if line.chunks:
                data = bytearray(line.chunks[-1].data)
                data[argument[0] % len(data)] ^= argument[1]
                line.events += line.driver.feed(Chunk(source, bytes(data), line.now_s))
            case "run":
                line.run(argument)
            case "wait":
                line.now_s += argument
                line.events += line.driver.tick(line.now_s)
                due_s = line.driver.deadline()
                assert due_s is None or due_s > line.now_s
            case "ask":
                line.ask(argument)
            case "link":
                (line.open if argument else line.close)()
    assert size_of(line.driver) < HELD_BYTES
    for samples in line.of(Samples):
        assert len(samples.values) > 0
        assert samples.span_us >= len(samples.values) - 1 or not line.of(Profile)[0].has_clock


def test_one_advertisement_is_of_one_kind() -> None:
    adverts = {
        "native": Advert("a", "Ball", ("1ec50001-a42d-483f-940f-1385628d2aa3",)),
        "progressor": Advert("a", "Progressor_1234"),
        "whc06": Advert("a", "IF_B7", manufacturer={0x0100: bytes(15)}),
        "text": Advert("a", "HC-08", ("0000ffe0-0000-1000-8000-00805f9b34fb",)),
    }
    assert set(adverts) == set(devices.kinds())
    for key, advert in adverts.items():
        assert [kind.key for kind in devices.kinds().values() if kind.recognises(advert)] == [key]
    assert devices.recognised(Advert("a", "Headphones", manufacturer={0x0100: bytes(20)})) is None
    assert devices.recognised(Advert("a", "IF_B7", manufacturer={0x0100: bytes(14)})) is None
    assert devices.recognised(Advert("a", "IF_B7", manufacturer={0x004C: bytes(15)})) is None


def test_no_kind_invents_a_unit() -> None:
    told = {kind.key: kind.unit for kind in devices.kinds().values()}
    assert told == {"native": None, "progressor": Unit.NEWTON, "text": None, "whc06": Unit.NEWTON}
