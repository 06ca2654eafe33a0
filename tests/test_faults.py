"""Faults are told in one line, drawn from the seed, and kept in a record."""

import math
import random
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import click
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from companion.cli.simulate import _faults
from firmware_protocol.framing import Damaged, Deframer, encode_frame
from firmware_protocol.simulator.faults import KINDS, Fault, Place, at_home, explain, parse_faults
from firmware_protocol.simulator.linkfaults import BOOT_TEXT, LinkFaults
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Reading
from tests.stories import Story, pressed

SAMPLE, REPLY = b"\x40\x01" + bytes(range(48)), b"\x83\x05\x00" + bytes(8)


# The specification


def test_a_line_is_read_part_by_part() -> None:
    found = parse_faults("drop=2%, burst=200ms,flip=1e-4,stall=5s@60,reboot@1min,clock=-500ppm,unit=raw,unplug")
    assert found == (
        Fault("drop", 0.02),
        Fault("burst", 0.2),
        Fault("flip", 1e-4),
        Fault("stall", 5.0, 60.0),
        Fault("reboot", 0.5, 60.0),
        Fault("clock", -500.0),
        Fault("unit", 0.0, None, "raw"),
        Fault("unplug", 5.0, 20.0),
    )


@pytest.mark.parametrize("name", KINDS)
def test_each_fault_has_its_story(name: str) -> None:
    """What the user sees, hears and finds in the log: a fault that nobody has told the end of is not finished."""
    told = "".join(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("test_stories_*.py")))
    assert re.search(rf"[\"',]{name}[=@\"',]", told)


@pytest.mark.parametrize("name", KINDS)
def test_each_fault_can_be_asked_for_as_it_is_explained(name: str) -> None:
    line = next(line for line in explain() if line.split()[0].split("=")[0].split("@")[0] == name)
    form = line.split()[0].split("|")[0]
    (fault,) = parse_faults(form)
    assert fault.name == name
    VirtualBall("calm", faults=(fault,))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("dorp=2%", r"'dorp=2%'.*no fault 'dorp'.*drop, dup"),
        ("drop=2%,", r"''.*no fault.*drop"),
        ("DROP=2%", "NAME=VALUE"),
        ("drop", "needs a value, such as 2%"),
        ("drop=2%,drop=3%", "there twice"),
        ("drop=200%", r"out of range; it may be 0\.0000001 to 100 %$"),
        ("stall=2000000s@1", r"out of range; it may be 0\.001 to 86400 s$"),
        ("drop=-1%", "out of range"),
        ("drop=0", "out of range"),
        ("flip=x", "write 2% or 0.02, not 'x'"),
        ("drop=2ms", "not '2ms'"),
        ("stall=5s@soon", "a second"),
        ("stall=5s@-1", "out of range"),
        ("stall=1e999s@1", "out of range"),
        ("rate=17%@20", "takes no second"),
        ("boottext=3", "takes no value"),
        ("cells=17", "1 to 16"),
        ("cells=1.5", "whole number"),
        ("unit=stone", "raw, gas or unknown"),
        ("name", "markup, control or long"),
        ("battery=101%", "0 to 100"),
    ],
)
def test_what_is_wrong_is_named(spec: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_faults(spec)


def test_faults_of_the_link_and_of_the_ball_are_told_apart() -> None:
    found = parse_faults("drop=1%,reboot@3,flip=1e-5,stuck@9")
    assert at_home(found, Place.LINK).keys() == {"drop", "flip"}
    assert at_home(found, Place.BALL).keys() == {"reboot", "stuck"}


def test_a_link_of_whole_messages_has_no_bytes_to_spoil() -> None:
    with pytest.raises(ValueError, match="flip"):
        VirtualBall("calm", framed=False, faults=parse_faults("flip=1e-4"))
    VirtualBall("calm", framed=False, faults=parse_faults("drop=1%,dup=1%,jitter=20ms,stall=1s@3,reboot@9"))


numbers = st.one_of(
    st.floats(-1e9, 1e9).map(str), st.integers(-9999, 9999).map(str), st.text(st.sampled_from("0123456789.eE+-"))
)
units = st.sampled_from(["", "%", "ms", "s", "min", "h", "ppm", "N/min", "x", " s", "S", "µs"])
values = st.one_of(st.builds(str.__add__, numbers, units), st.sampled_from(["raw", "gas", "markup", "long"]), st.text())
parts = st.builds(
    lambda name, value, at: name + ("" if value is None else f"={value}") + ("" if at is None else f"@{at}"),
    st.one_of(st.sampled_from([*KINDS]), st.text(max_size=8)),
    st.none() | values,
    st.none() | values,
)
specs = st.one_of(st.text(), st.lists(parts, max_size=6).map(",".join))


@settings(max_examples=400, deadline=None)
@given(specs)
@example("drop=" + "9" * 2000)
@example("rate=0.17,clock=1e-400,cells=1.0")
@example("unit=raw@1e308")
def test_any_text_is_faults_or_one_error(spec: str) -> None:
    """Text typed by anybody: a line that says what is wrong, or faults that a ball can have."""
    try:
        found = parse_faults(spec)
    except ValueError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 1000
        with pytest.raises(click.BadParameter):
            _faults(click.Context(click.Command("x")), click.Option(["--faults"]), spec)
    else:
        assert {fault.name for fault in found} <= set(KINDS)
        assert all(math.isfinite(fault.value) and math.isfinite(fault.at_s or 0.0) for fault in found)
        ball = VirtualBall("calm", faults=found)
        ball.connected(0.0)
        for step in range(5):
            ball.tick(step / 5)
            ball.outgoing()


# A bad link


class Bench:
    """Frames sent every 10 ms over a bad link, and what arrived."""

    def __init__(self, spec: str, seed: int = 1) -> None:
        self.harms: list[tuple[str, str]] = []
        faults = {fault.name: fault for fault in parse_faults(spec)}
        self.link = LinkFaults(faults, seed, lambda name, what: self.harms.append((name, what)))
        self.link.began(0.0)
        self.link.connected(0.0)
        self.sent: list[bytes] = []
        self.arrived: list[tuple[float, bytes]] = []

    def run(self, frames: int) -> "Bench":
        now_s = 0.0
        for number in range(frames):
            now_s = number * 0.01
            message = SAMPLE + number.to_bytes(4, "little")
            self.sent.append(message)
            self.link.send([encode_frame(message)], now_s)
            self.arrived += [(now_s, data) for data in self.link.due(now_s)]
        for late in range(1, 1001):
            self.arrived += [(now_s + late * 0.01, data) for data in self.link.due(now_s + late * 0.01)]
        return self

    def heard(self) -> list[bytes | Damaged]:
        return Deframer().feed(b"".join(data for _, data in self.arrived))

    def good(self) -> list[bytes]:
        return [part for part in self.heard() if isinstance(part, bytes)]

    def count(self, fault: str) -> int:
        return sum(name == fault for name, _ in self.harms)


def test_loss_is_as_asked_and_recorded() -> None:
    bench = Bench("drop=2%").run(5000)
    assert 60 < bench.count("drop") < 140
    assert len(bench.good()) == 5000 - bench.count("drop")
    assert set(bench.good()) <= set(bench.sent)


def test_duplicates_come_right_behind() -> None:
    bench = Bench("dup=2%").run(5000)
    assert 60 < bench.count("dup") < 140
    twice = [a for a, b in pairwise(bench.good()) if a == b]
    assert len(twice) == bench.count("dup")
    assert list(dict.fromkeys(bench.good())) == bench.sent


@pytest.mark.parametrize("spec", ["flip=1e-4", "cut=2%", "glue=2%", "text=2%", "burst=200ms"])
def test_damage_is_seen_and_never_invents_a_message(spec: str) -> None:
    bench = Bench(spec).run(5000)
    name = spec.partition("=")[0]
    assert bench.count(name) > 50
    assert set(bench.good()) <= set(bench.sent)
    missing = len(bench.sent) - len(bench.good())
    assert 0 < missing <= 2 * bench.count(name), "a spoilt frame takes at most its neighbour with it"
    assert any(isinstance(part, Damaged) for part in bench.heard())


def test_flipped_bits_are_as_many_as_asked() -> None:
    bench = Bench("flip=1e-3").run(2000)
    flips = sum(int(what.split()[0]) for name, what in bench.harms if name == "flip")
    bits = 8 * sum(len(encode_frame(message)) for message in bench.sent)
    assert 0.8e-3 < flips / bits < 1.2e-3


def test_jitter_delays_and_keeps_the_order() -> None:
    bench = Bench("jitter=100ms").run(2000)
    assert bench.good() == bench.sent
    delays = [at_s - number * 0.01 for number, (at_s, _) in enumerate(bench.arrived)]
    assert max(delays) <= 0.12
    assert 0.05 < sum(delays) / len(delays) < 0.11, "a frame waits for the ones before it"


def test_clumps_are_apart() -> None:
    bench = Bench("clump=500ms").run(1000)
    assert bench.good() == bench.sent
    moments = sorted({at_s for at_s, _ in bench.arrived})
    assert all(b - a > 0.48 for a, b in pairwise(moments))


def test_a_stall_holds_everything_and_loses_nothing() -> None:
    bench = Bench("stall=2s@3").run(1000)
    assert bench.good() == bench.sent
    moments = [at_s for at_s, _ in bench.arrived]
    (hole,) = [(a, b) for a, b in pairwise(moments) if b - a > 0.1]
    assert hole == pytest.approx((2.99, 5.0), abs=0.011)


def test_one_reply_is_late_and_overtaken() -> None:
    bench = Bench("late=1s@2").run(300)
    bench.link.send([encode_frame(REPLY)], 3.0)
    assert bench.link.due(3.9) == []
    assert bench.link.deadline_s() == 4.0
    assert bench.link.due(4.0) == [encode_frame(REPLY)]
    bench.link.send([encode_frame(REPLY)], 5.0)
    assert bench.link.due(5.0) == [encode_frame(REPLY)]
    assert bench.count("late") == 1


def test_a_flood_is_two_seconds_of_copies() -> None:
    bench = Bench("flood=100@3").run(1000)
    copies = Counter(bench.good())
    assert sorted(set(copies.values())) == [1, 100]
    assert sum(count == 100 for count in copies.values()) == pytest.approx(200, abs=1)


def test_boot_text_comes_before_the_first_frame() -> None:
    bench = Bench("boottext").run(3)
    assert bench.arrived[0][1] == BOOT_TEXT
    assert bench.good() == bench.sent[1:], (
        "the first frame is lost with the text it is glued to, unless a 00 parts them"
    )


def test_what_is_said_to_the_ball_is_lost_and_spoilt_too() -> None:
    bench = Bench("drop=30%")
    requests = [b"\0" + encode_frame(bytes((3, tag))) for tag in range(1, 256)]
    heard = b"".join(bench.link.hear(request[:3], 0.0) + bench.link.hear(request[3:], 0.0) for request in requests)
    got = [part for part in Deframer().feed(heard) if isinstance(part, bytes)]
    assert 140 < len(got) < 215
    assert bench.count("drop") == 255 - len(got)
    spoilt = Bench("flip=1e-2")
    stream = b"".join(requests)
    assert spoilt.link.hear(stream, 0.0) != stream


def test_another_fault_leaves_the_draws_of_the_first_alone() -> None:
    alone, beside = Bench("drop=2%").run(2000), Bench("drop=2%,dup=5%,jitter=20ms").run(2000)
    assert list(dict.fromkeys(beside.good())) == alone.good()


# A whole ball


@pytest.mark.parametrize("spec", ["drop=3%,flip=1e-4,jitter=30ms", "reboot@6,nan=5%,stuck=1s@4"])
def test_one_seed_does_one_thing(spec: str) -> None:
    def played(seed: int) -> tuple[object, ...]:
        story = Story(pressed(6), faults=spec, seed=seed).run(12)
        assert story.ball.harms
        return story.ball.harms, story.bytes_in, [reading.values.tolist() for reading in story.of(Reading)]

    assert played(1) == played(1)
    assert played(1) != played(2)


def test_the_record_lies_beside_the_truth(tmp_path: Path) -> None:
    ball = Story(pressed(6), faults="drop=5%,reboot@5").run(10).ball
    ball.write_harms(tmp_path / "faults.csv")
    lines = (tmp_path / "faults.csv").read_text("ascii").splitlines()
    assert lines[0] == "at_s,fault,what"
    assert len(lines) == 1 + len(ball.harms)
    assert sum(",reboot," in line for line in lines) == 1
    times = [float(line.split(",")[0]) for line in lines[1:]]
    assert times == sorted(times)


def test_all_faults_at_once_end_in_nothing_worse_than_a_bad_session(tmp_path: Path) -> None:
    drawn = random.Random(4)
    for _ in range(4):
        link = "drop=1%,dup=1%,burst=100ms,jitter=30ms,flip=3e-5,cut=1%,glue=1%,text=1%,boottext,late@4,flood=20@9"
        ball = "reset@6,rate=-10%,clock=500ppm,step=-2s@11,saturate=1s@5,stuck=1s@8,drift=3N/min,nan=2%,wrap=7s"
        story = Story(pressed(10), faults=f"{link},{ball},unplug=1s@7", seed=drawn.randrange(1000)).run(20).end()
        assert len(story.rows(tmp_path)) > 500
        assert {harm.fault for harm in story.ball.harms} >= {"drop", "reset", "step", "unplug", "flood", "text"}
