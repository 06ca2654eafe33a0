"""A virtual ball measures one truth, however it is ticked, talked to or cut off."""

import csv
import random
import string
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from firmware_protocol.codec import decode_from_ball, encode
from firmware_protocol.driver import Chunk, Close, Continuity, DriverEvent, Phase, PhaseChanged, Profile, Samples, Send
from firmware_protocol.driver import Started as StartedEvent
from firmware_protocol.framing import Deframer, encode_frame
from firmware_protocol.host import Host
from firmware_protocol.messages import (
    Hello,
    HelloReply,
    Refusal,
    Request,
    SampleBatch,
    Start,
    StartReply,
    Status,
    Stop,
    StopReply,
    Tare,
    TareReply,
    Time,
)
from firmware_protocol.simulator.scenarios import Scenario, parse_scenario
from firmware_protocol.simulator.truth import NOISE_LSB
from firmware_protocol.simulator.virtual import LSB_N, VirtualBall

REST_S = 30.0
KEEP_ALIVE_S = 10.0
DROP_OUT = parse_scenario(
    "drop_out",
    {
        "title": "Gone for two seconds of ten, deaf and dumb for one",
        "steps": [
            {"move": "press", "seconds": 2, "newton": 30},
            {"move": "hold", "seconds": 7},
            {"move": "press", "seconds": 1, "newton": 0},
        ],
        "away": [[3, 5]],
        "silent": [[7, 8]],
    },
)
EMPTY = parse_scenario("nobody", {"title": "Nobody", "steps": [{"move": "hold", "seconds": 100}]})


class Talk:
    """A host and a ball joined in simulated time, from one moment to the next of `moments`."""

    def __init__(self, ball: VirtualBall, **host: int) -> None:
        self.ball = ball
        self.host = Host(framed=True, first_tag=9, **host)  # type: ignore[arg-type]  # the tests give numbers only
        self.events: list[DriverEvent] = []
        self.linked = False

    def run(self, moments: Iterable[float]) -> "Talk":
        for now_s in moments:
            self.ball.tick(now_s)
            if self.linked != self.ball.present(now_s):
                self._link(now_s)
            if data := self.ball.outgoing():
                self._take(self.host.feed(Chunk("serial", data, now_s)), now_s)
            self._take(self.host.tick(now_s), now_s)
        return self

    def _link(self, now_s: float) -> None:
        self.linked = not self.linked
        if self.linked:
            self.ball.connected(now_s)
            self._take(self.host.opened(now_s), now_s)
        else:
            self.ball.disconnected(now_s)
            self._take(self.host.closed(now_s), now_s)

    def _take(self, events: list[DriverEvent], now_s: float) -> None:
        for event in events:
            assert not isinstance(event, Close), event
            if isinstance(event, Send):
                if self.linked:
                    self.ball.feed(event.data, now_s)
            else:
                self.events.append(event)

    def received(self) -> dict[int, tuple[int, tuple[int, ...]]]:
        """Slot -> time of its batch's first scan, and values."""
        return {
            batch.index + at: (batch.t_us, tuple(row))
            for batch in self.events
            if isinstance(batch, Samples)
            for at, row in enumerate(batch.values.tolist())
        }


def every(step_s: float, seconds: float, from_s: float = 0.0) -> list[float]:
    return [from_s + step_s * step for step in range(round(seconds / step_s) + 1)]


def unevenly(seconds: float, longest_s: float, seed: int) -> list[float]:
    moments, drawn = [0.0], random.Random(seed)
    while moments[-1] < seconds:
        moments.append(moments[-1] + drawn.uniform(0.0001, longest_s))
    return moments


def by_deadline(ball: VirtualBall, host: Host, seconds: float) -> Iterable[float]:
    now_s = 0.0
    while now_s < seconds:
        yield now_s
        due_s = [due for due in (ball.deadline_s(), host.deadline()) if due is not None]
        now_s = max(now_s + 0.0005, min([*due_s, now_s + 1]))


class Teller:
    """Asks a framed ball one thing at a time, without a host's own mind."""

    def __init__(self, ball: VirtualBall) -> None:
        self.ball = ball
        self.now_s = 0.0
        self._tag = 0
        self._asked_s = 0.0
        self.scans: dict[int, tuple[int, ...]] = {}
        ball.connected(self.now_s)

    def ask(self, request: Request, wait_s: float = 0.0) -> object:
        self._tag += 1
        self._send(request, self._tag)
        answers = self.pass_time(0.0) + (self.pass_time(wait_s) if wait_s else [])
        (answer,) = [answer for tag, answer in answers if tag == self._tag and not isinstance(answer, SampleBatch)]
        return answer

    def pass_time(self, seconds: float, step_s: float = 0.02) -> list[tuple[int, object]]:
        answers: list[tuple[int, object]] = []
        for _ in range(max(1, round(seconds / step_s))):
            self.now_s += step_s if seconds else 0.0
            self.ball.tick(self.now_s)
            if self.now_s > self._asked_s + KEEP_ALIVE_S:
                self._send(Time(), 255)
            answers += [self._heard(message) for message in _messages(self.ball.outgoing())]
        return answers

    def _send(self, request: Request, tag: int) -> None:
        self._asked_s = self.now_s
        self.ball.feed(b"\0" + encode_frame(encode(request, tag)), self.now_s)

    def _heard(self, message: bytes) -> tuple[int, object]:
        heard = decode_from_ball(message, self.ball.spec.channels)
        assert isinstance(heard, tuple), heard
        tag, answer = heard
        if isinstance(answer, SampleBatch) and not answer.backfill:
            for at, row in enumerate(answer.values.tolist()):
                assert answer.index + at not in self.scans
                self.scans[answer.index + at] = tuple(row)
            return -1, answer
        return tag, answer


def _messages(data: bytes) -> list[bytes]:
    found = [part for part in Deframer().feed(data) if isinstance(part, bytes)]
    assert len(found) == sum(1 for part in data.split(b"\0") if part)
    return found


def rows(path: Path) -> dict[int, tuple[int, float, tuple[int, ...]]]:
    with path.open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0][:3] == ["index", "t_us", "force_n"]
    assert lines[0][3:] == [f"ch{n}" for n in range(len(lines[0]) - 3)]
    return {
        int(index): (int(t_us), float(force_n), tuple(map(int, cells))) for index, t_us, force_n, *cells in lines[1:]
    }


# What it says


def test_a_host_gets_to_know_it_and_reads_the_truth(tmp_path: Path) -> None:
    ball = VirtualBall("calm", seed=5)
    talk = Talk(ball).run(every(0.01, 20))
    (profile,) = [event for event in talk.events if isinstance(event, Profile)]
    assert profile.simulated
    assert (profile.model, profile.serial, profile.channels) == ("virtual", "V-CALM-5", 4)
    assert profile.lsb == pytest.approx(0.05)
    assert (profile.tool, profile.contact_mm2, profile.cell_mm2) == (2, 1200, 0)
    assert profile.full_scale * profile.lsb == pytest.approx(1000)
    received = talk.received()
    assert list(received) == list(range(len(received)))
    assert len(received) > 1900
    ball.write_truth(tmp_path / "truth.csv")
    truth = rows(tmp_path / "truth.csv")
    assert len(truth) >= len(received)
    assert {slot: values for slot, (_, values) in received.items()} == {slot: truth[slot][2] for slot in received}
    batches = [event for event in talk.events if isinstance(event, Samples)]
    assert all(truth[batch.index][0] == batch.t_us for batch in batches)


def test_cells_add_up_to_the_force_but_for_their_noise(tmp_path: Path) -> None:
    ball = VirtualBall("session", seed=1, channels=6)
    Talk(ball).run(every(0.05, 120))
    ball.write_truth(tmp_path / "truth.csv")
    truth = rows(tmp_path / "truth.csv").values()
    force = np.array([force_n for _, force_n, _ in truth])
    cells = np.array([values for *_, values in truth])
    assert cells.shape == (len(force), 6)
    assert force.max() > 30
    error = cells.sum(axis=1) * LSB_N - force
    assert abs(error.mean()) < 0.01
    # six cells' noise and rounding
    assert error.std() == pytest.approx(LSB_N * np.sqrt(6 * (NOISE_LSB**2 + 1 / 12)), rel=0.05)


def test_noise_is_one_count_on_every_channel_and_on_none_alike() -> None:
    teller = Teller(VirtualBall(EMPTY, seed=3))
    _begin(teller)
    teller.pass_time(60)
    cells = np.array(list(teller.scans.values()), np.float64)
    assert len(cells) > 5900
    assert np.abs(cells.mean(axis=0)).max() < 0.06
    np.testing.assert_allclose(cells.std(axis=0), np.sqrt(NOISE_LSB**2 + 1 / 12), rtol=0.05)
    apart = np.corrcoef(cells.T) - np.eye(4)
    assert np.abs(apart).max() < 0.06
    lagged = np.corrcoef(cells[1:, 0], cells[:-1, 0])[0, 1]
    assert abs(lagged) < 0.06


# One truth


PATTERNS: tuple[Callable[[VirtualBall, Host], Iterable[float]], ...] = (
    lambda ball, host: every(0.01, REST_S),
    lambda ball, host: every(0.037, REST_S),
    lambda ball, host: unevenly(REST_S, 0.08, 1),
    lambda ball, host: unevenly(REST_S, 0.9, 2),
    lambda ball, host: by_deadline(ball, host, REST_S),
)


def test_a_slot_has_one_value_however_ticks_fall() -> None:
    taken: list[dict[int, tuple[int, ...]]] = []
    for pattern in PATTERNS:
        talk = Talk(VirtualBall("showcase", seed=11, boot_id=7))
        talk.run(pattern(talk.ball, talk.host))
        taken.append({slot: values for slot, (_, values) in talk.received().items()})
    assert min(map(len, taken)) > 2000
    for other in taken[1:]:
        common = taken[0].keys() & other.keys()
        assert len(common) > 2000
        assert {slot: taken[0][slot] for slot in common} == {slot: other[slot] for slot in common}


def test_a_slot_has_one_value_however_it_is_asked_for() -> None:
    truth = VirtualBall("session", seed=2).truth
    whole = truth.measure(0, 3000)
    assert np.array_equal(whole[1234:1300], truth.measure(1234, 66))
    assert all(np.array_equal(whole[slot], truth.measure(slot, 1)[0]) for slot in range(2999, 0, -173))
    assert np.array_equal(whole, np.concatenate([truth.measure(first, 100) for first in range(0, 3000, 100)]))


def test_seeds_and_scenarios_differ_and_one_seed_repeats() -> None:
    def measured(key: str, seed: int) -> NDArray[np.int16]:
        return VirtualBall(key, seed=seed).truth.measure(0, 200)

    assert np.array_equal(measured("empty", 1), measured("empty", 1))
    assert not np.array_equal(measured("empty", 1), measured("empty", 2))
    assert not np.array_equal(measured("empty", 1), measured("calm", 1))


def test_a_boot_is_new_unless_told() -> None:
    assert VirtualBall("calm").spec.boot_id != VirtualBall("calm").spec.boot_id
    assert VirtualBall("calm", boot_id=77).spec.boot_id == 77


# The scenario's time


def _begin(teller: Teller, rate_hz: int = 0) -> StartReply:
    assert isinstance(teller.ask(Hello(1, 1)), HelloReply)
    started = teller.ask(Start(rate_hz))
    assert isinstance(started, StartReply)
    return started


def test_it_begins_with_the_first_start() -> None:
    teller = Teller(VirtualBall("too_hard"))
    assert isinstance(teller.ask(Hello(1, 1)), HelloReply)
    teller.pass_time(20)
    assert teller.ball.truth.stretches == []
    _begin(teller)
    teller.pass_time(8)
    load = np.array(list(teller.scans.values())).sum(axis=1) * LSB_N
    assert len(load) > 780
    assert abs(load[:190]).max() < 1
    assert load[650] > 150


def test_it_stands_still_while_nothing_is_scanned_and_goes_on_after() -> None:
    through, stopped = Teller(VirtualBall("calm", seed=4)), Teller(VirtualBall("calm", seed=4))
    _begin(through)
    through.pass_time(12)
    _begin(stopped)
    stopped.pass_time(5)
    assert isinstance(stopped.ask(Stop()), StopReply)
    stopped.pass_time(9)
    _begin(stopped)
    stopped.pass_time(6.5)
    assert len(stopped.scans) > 1100
    assert all(through.scans[slot] == values for slot, values in stopped.scans.items() if slot < 1150)
    assert len(stopped.ball.truth.stretches) == 2


def test_another_rate_goes_on_where_the_first_was() -> None:
    teller = Teller(VirtualBall("too_hard", seed=4))
    assert _begin(teller, 100).period_us == 10_000
    teller.pass_time(5)
    slower = teller.ask(Start(15))
    assert isinstance(slower, StartReply)
    assert slower.period_us == 50_000
    assert slower.next_index == pytest.approx(500, abs=4)
    teller.pass_time(3)
    truth = teller.ball.truth
    at_s = truth.scenario_s(np.array([slower.next_index - 1, slower.next_index, slower.next_index + 20]))
    np.testing.assert_allclose(np.diff(at_s), [0.01, 1.0])
    slots = np.array(sorted(teller.scans))
    load = np.array([teller.scans[slot] for slot in slots.tolist()]).sum(axis=1) * LSB_N
    np.testing.assert_allclose(load, truth.force_n(slots), atol=0.7)
    assert isinstance(teller.ask(Start(9)), Refusal)


def test_every_rate_is_served() -> None:
    for rate_hz, period_us in ((10, 100_000), (20, 50_000), (50, 20_000), (100, 10_000), (200, 5000)):
        teller = Teller(VirtualBall("rolling", seed=1))
        assert _begin(teller, rate_hz).period_us == period_us
        teller.pass_time(4)
        assert len(teller.scans) == pytest.approx(4 * rate_hz, abs=0.06 * rate_hz)


def test_a_tare_is_in_the_truth(tmp_path: Path) -> None:
    teller = Teller(VirtualBall("too_long", seed=1))
    _begin(teller)
    teller.pass_time(30)  # in the hold: a zero taken under load, as large as can be
    tared = teller.ask(Tare(500), wait_s=1.0)
    assert isinstance(tared, TareReply)
    assert tared.zero * LSB_N > 8
    teller.pass_time(3)
    teller.ball.truth.write(tmp_path / "truth.csv")
    truth = rows(tmp_path / "truth.csv")
    assert all(truth[slot][2] == values for slot, values in teller.scans.items())
    after = [sum(truth[slot][2]) * LSB_N for slot in truth if slot >= tared.from_index]
    assert abs(np.mean(after)) < 2
    assert abs(truth[tared.from_index][1] - 47.5) < 3


# Coming and going


def _continuities(talk: Talk) -> list[Continuity]:
    return [event.continuity for event in talk.events if isinstance(event, StartedEvent)]


@pytest.mark.parametrize("step_s", [0.01, 0.11])
def test_away_is_a_lost_link_under_one_clock(step_s: float) -> None:
    ball = VirtualBall("showcase", seed=1)
    talk = Talk(ball)
    seen = []
    for now_s in every(step_s, 60):
        talk.run([now_s])
        seen.append((now_s, ball.present(now_s)))
    absent = [now_s for now_s, present in seen if not present]
    # the scenario began when START was heard, shortly after the link was there
    assert absent[0] == pytest.approx(34, abs=8 * step_s)
    assert absent[-1] == pytest.approx(39, abs=8 * step_s)
    assert _continuities(talk) == [Continuity.FIRST, Continuity.SAME_RUN]
    received = talk.received()
    before, after = [slot for slot in received if slot < 3390], [slot for slot in received if slot > 3950]
    assert len(before) > 3350
    assert len(after) > 1500
    slots = np.array(sorted(received))
    assert np.array_equal(ball.truth.values(slots), [received[slot][1] for slot in slots.tolist()])


def test_a_scan_before_the_plug_is_pulled_is_on_its_way_and_one_after_is_not() -> None:
    teller = Teller(VirtualBall(DROP_OUT, seed=1))
    _begin(teller)
    teller.pass_time(2.9)
    teller.now_s += 1.0  # over the edge at 3 s, in one stride
    teller.pass_time(0.0)
    newest = max(teller.scans)
    assert newest == pytest.approx(299, abs=4)
    assert not teller.ball.present(teller.now_s)
    assert teller.ball.deadline_s() == pytest.approx(5.0, abs=0.011)
    teller.ball.feed(b"\0" + encode_frame(encode(Hello(1, 1), 200)), teller.now_s)
    assert teller.pass_time(0.5) == []
    teller.ball.connected(teller.now_s)
    assert teller.pass_time(0.1) == []


def test_silence_is_a_link_that_is_there_and_says_nothing() -> None:
    talk = Talk(VirtualBall(DROP_OUT, seed=1))
    quiet = []
    for now_s in every(0.01, 19.5):
        before = sum(isinstance(event, Samples) for event in talk.events)
        talk.run([now_s])
        if sum(isinstance(event, Samples) for event in talk.events) > before:
            quiet.append(now_s)
    gaps = [(a, b) for a, b in pairwise(quiet) if b - a > 0.9]
    assert [round(a) for a, _ in gaps] == [3, 7, 13, 17]
    assert [event.phase for event in talk.events if isinstance(event, PhaseChanged)].count(Phase.DOWN) == 2
    assert set(_continuities(talk)) == {Continuity.FIRST, Continuity.SAME_RUN}
    received = talk.received()
    # everything but the newest is there in the end: the ball's log had it
    assert set(range(1850)) <= received.keys()


def test_it_is_away_only_while_the_scenario_runs() -> None:
    teller = Teller(VirtualBall(DROP_OUT, seed=1))
    _begin(teller)
    teller.pass_time(2)
    teller.ball.disconnected(teller.now_s)
    teller.now_s += 700  # it scans on by itself for 600
    teller.ball.tick(teller.now_s)
    assert teller.ball.present(teller.now_s)
    assert teller.ball.truth.stretches[-1].end == pytest.approx(60_200, abs=2)
    teller.ball.connected(teller.now_s)
    _begin(teller)
    teller.pass_time(0.9)
    assert teller.ball.present(teller.now_s)
    teller.pass_time(0.2)
    assert not teller.ball.present(teller.now_s)


def test_a_scenario_that_stops_in_an_absence_is_back_all_the_same() -> None:
    teller = Teller(VirtualBall(DROP_OUT, seed=1))
    _begin(teller)
    teller.pass_time(3.5)
    assert not teller.ball.present(teller.now_s)
    for _ in range(70):
        teller.now_s += 10.0
        teller.ball.tick(teller.now_s)
    while not teller.ball.present(teller.now_s):
        due_s = teller.ball.deadline_s()
        assert due_s is not None
        teller.now_s = due_s
        teller.ball.tick(teller.now_s)
    assert teller.now_s < 710
    teller.ball.connected(teller.now_s)
    _begin(teller)


# Edges


def test_a_link_nobody_empties_never_stops_it() -> None:
    ball = VirtualBall("calm", seed=1)
    teller = Teller(ball)
    _begin(teller)
    for _ in range(2000):
        teller.now_s += 0.01
        ball.tick(teller.now_s)
    waiting = ball.outgoing()
    assert len(waiting) < 4000
    assert ball.truth.stretches[-1].end == pytest.approx(2000, abs=2)
    answers = [decode_from_ball(message, 4) for message in _messages(waiting)]
    newest = max(heard[1].index for heard in answers if isinstance(heard, tuple) and isinstance(heard[1], SampleBatch))
    assert newest > 1900


def test_greetings_count_hellos_only() -> None:
    ball = VirtualBall("calm")
    teller = Teller(ball)
    assert ball.greetings == 0
    teller.ask(Start())
    assert ball.greetings == 0
    teller.ask(Hello(1, 1))
    teller.ask(Hello(1, 1))
    assert ball.greetings == 2


def test_datagrams_carry_bare_messages() -> None:
    ball = VirtualBall("calm", framed=False)
    ball.connected(5.0)
    ball.feed(encode(Hello(1, 1), 1), 5.0)
    heard = [decode_from_ball(message, None) for message in ball.messages()]
    assert isinstance(heard[0], tuple)
    assert isinstance(heard[0][1], HelloReply)
    assert ball.greetings == 1
    ball.feed(encode(Start(), 2), 5.0)
    ball.tick(6.0)
    batches = [decode_from_ball(message, 4) for message in ball.messages()]
    assert sum(isinstance(batch, tuple) and isinstance(batch[1], SampleBatch) for batch in batches) >= 5


def test_garbage_is_no_request() -> None:
    ball = VirtualBall("calm")
    teller = Teller(ball)
    drawn = random.Random(1)
    for _ in range(200):
        ball.feed(drawn.randbytes(drawn.randrange(300)), teller.now_s)
    ball.outgoing()
    assert isinstance(teller.ask(Hello(1, 1)), HelloReply)
    refused = teller.ask(Start(600))
    assert isinstance(refused, Refusal)
    assert refused.status == Status.VALUE


@pytest.mark.parametrize("seed", [0, 5, 12_345, 2**32 - 1])
@pytest.mark.parametrize("key", ["calm", "showcase", "a very long name, indeed", "üß"])
def test_its_serial_fits_and_tells_scenario_and_seed(key: str, seed: int) -> None:
    serial = VirtualBall(_named(key), seed=seed).spec.identity.serial
    assert 1 <= len(serial) <= 16
    assert set(serial) <= set(string.ascii_letters + string.digits + "._-")
    assert serial.startswith("V-")
    assert serial.endswith(f"-{seed}")


def _named(key: str) -> Scenario:
    return Scenario(key, EMPTY.title, EMPTY.steps)


@pytest.mark.parametrize(
    "wrong", [{"scenario": "clam"}, {"scenario": "calm", "seed": -1}, {"scenario": "calm", "seed": 2**32},
              {"scenario": "calm", "channels": 0}, {"scenario": "calm", "channels": 17}]
)  # fmt: skip
def test_what_cannot_be_is_refused_at_once(wrong: dict[str, str | int]) -> None:
    with pytest.raises(ValueError, match=r"scenario|seed|channels"):
        VirtualBall(**wrong)  # type: ignore[arg-type]  # the point
