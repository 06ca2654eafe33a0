"""Pairing over a real port: all its steps, what each asks, and a ball that vanishes at each of them."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from companion import compose, ending, whereabouts
from companion.config import Settings, find_paths
from companion.errors import ConfigError
from companion.meeting import Meeting
from companion.pairing.acquaintance import settings_of
from companion.pairing.profile import settled_of
from companion.pairing.settling import Wishes
from companion.pairing.steps import Ask, Do, End, Say, Step, Steps
from firmware_protocol.messages import Caps
from firmware_protocol.simulator.scenarios import parse_scenario
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.devices import Device
from sessions.events import Action, Notice
from tests.kit import LIMIT_S

if os.name != "posix":
    pytest.skip("pseudo-terminals", allow_module_level=True)

import pty
import tty

from companion.virtual.pty import PtyServer
from tests.test_virtual_servers import fast

SPEED = 5.0  # the patience of host and ball shrinks with it, and computers are slow at times
FREE = parse_scenario("free", {"title": "Nothing touches it", "steps": [{"move": "hold", "seconds": 600}]})
TOUCHED = parse_scenario(
    "touched",
    {
        "title": "A hand on it, early and once more",
        "steps": [
            {"move": "hold", "seconds": 4},
            {"move": "press", "seconds": 0.5, "newton": 30},
            {"move": "press", "seconds": 0.5, "newton": 0},
            {"move": "hold", "seconds": 100},
        ],
    },
)
LOADED = parse_scenario(
    "loaded",
    {
        "title": "Something lies on it",
        "steps": [
            {"move": "press", "seconds": 0.1, "newton": 40},
            {"move": "hold", "seconds": 600},
            {"move": "press", "seconds": 1, "newton": 0},
        ],
    },
)


class Bench:
    """A ball on a pseudo-terminal, and a person who answers as told. Pulling it is one call."""

    def __init__(self, home: Path, scenario: Any = FREE, speed: float = SPEED) -> None:
        self.speed = speed
        self.settings = Settings(paths=find_paths({"KNEAD_HOME": str(home)}))
        self.ball = VirtualBall(scenario)
        self._link = home / "ball"
        self._server: PtyServer | None = None
        self.plug()
        self.heard: list[Say | Ask] = []
        self.answers: dict[str, bool | None] = {"buzz": True, "press": True, "free": True}
        self.on: dict[object, Callable[[], None]] = {}  # what is done when a step is heard of, or a key asked
        self.meeting: Meeting | None = None

    @property
    def address(self) -> str:
        return f"serial:{self._link}"

    def plug(self) -> None:
        self._server = PtyServer(self.ball, link=self._link, clock=fast(self.speed), speed=self.speed)

    def pull(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def hear(self, said: Say | Ask) -> None:
        self.heard.append(said)
        do = self.on.pop(said.step if isinstance(said, Say) else said.key, None)
        if do is not None:
            do()
        elif isinstance(said, Ask) and said.key in self.answers:
            self.at_work.answer(self.answers[said.key])

    def pair(self, *, asks: bool = True, **options: Any) -> Meeting:
        steps = Steps(
            asks=asks,
            identify=options.pop("identify", True),
            zero=options.pop("zero", True),
            seconds=options.pop("seconds", 1.5),
        )
        address = options.pop("address", self.address)
        self.meeting = compose.pair(address, self.settings, self.hear, steps, speed=self.speed, **options)
        return self.meeting

    @property
    def at_work(self) -> Meeting:
        assert self.meeting is not None
        return self.meeting

    def kept(self) -> list[Device]:
        return whereabouts.remembered(self.settings.paths)

    @property
    def said(self) -> list[str]:
        return [said.text for said in self.heard]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    assert not [thread for thread in threading.enumerate() if thread.name == "knead engine"]


@pytest.fixture
def bench(home: Path) -> Iterator[Bench]:
    made = Bench(home)
    yield made
    made.pull()


def test_all_steps_in_order_and_the_ball_is_remembered(bench: Bench) -> None:
    meeting = bench.pair(wishes=Wishes(diameter_mm=63.0, hardness="hard"), nickname="Blue")
    assert meeting.run().code == 0
    paired = meeting.keep()
    steps = [said.step for said in bench.heard if isinstance(said, Say)]
    assert sorted(set(steps), key=steps.index) == [Step.CONNECT, Step.ZERO, Step.CHECK]
    assert [said.key for said in bench.heard if isinstance(said, Ask)] == ["buzz"]
    states = {finding.check: finding.state for finding in paired.findings}
    assert len(states) == 7
    assert {check for check, state in states.items() if state != "ok"} <= {"drift"}  # of a second and a half
    (ball,) = bench.kept()
    assert (ball.nickname, ball.serial, ball.address) == ("Blue", "V-FREE-0", bench.address)
    settled = settled_of(ball.kept)
    assert (settled.tool, settled.area_cm2, settled.cal_crc) == ("hard", 8.0, 1)
    assert settled.noise_n is not None
    assert len(settled.checks) == 7
    assert whereabouts.last_address(bench.settings.paths) == bench.address


def test_without_a_person_all_is_said_and_nothing_asked(bench: Bench) -> None:
    meeting = bench.pair(asks=False)
    assert meeting.run().code == 0
    assert not [said for said in bench.heard if isinstance(said, Ask)]
    assert any("buzzes" in text for text in bench.said)
    assert meeting.keep().device is not None
    assert bench.kept()[0].nickname == "V-FREE-0"


def test_it_buzzes_when_it_is_to_be_known(home: Path) -> None:
    bench = Bench(home, speed=1.0)
    patterns: list[tuple[int, int]] = []

    def look() -> None:
        patterns.append(_pattern(bench))
        bench.at_work.answer(False)

    bench.on["buzz"] = look
    assert bench.pair().run().code == 3
    bench.pull()
    assert patterns == [(4, 4)]  # find me


def _pattern(bench: Bench) -> tuple[int, int]:
    done = threading.Event()
    for _ in range(int(LIMIT_S / 0.01)):
        if bench.ball.pattern == (4, 4):  # not the moment of self-test at the start
            break
        done.wait(0.01)
    return bench.ball.pattern


def test_another_ball_than_the_one_in_the_hand_is_not_kept(bench: Bench) -> None:
    bench.answers["buzz"] = False
    outcome = bench.pair().run()
    assert (outcome.code, bench.kept()) == (3, [])
    assert "another" in outcome.text


def test_a_touch_begins_the_check_anew(home: Path) -> None:
    bench = Bench(home, TOUCHED)
    meeting = bench.pair(asks=False, identify=False, seconds=10.0)
    assert meeting.run().code == 0
    bench.pull()
    assert sum("touched" in text for text in bench.said) == 1
    assert meeting.steps.check.noise_n is not None
    assert "quiet" in {finding.word for finding in meeting.findings()}


def test_a_zero_that_cannot_be_set_ends_it_and_keeps_nothing(home: Path) -> None:
    bench = Bench(home, LOADED)
    outcome = bench.pair(asks=False, identify=False).run()
    bench.pull()
    assert (outcome.code, bench.kept()) == (1, [])
    assert "zero" in outcome.text


def test_a_zero_that_has_wandered_is_set_on_the_persons_word(home: Path) -> None:
    bench = Bench(home, LOADED)
    bench.on[Step.CHECK] = lambda: bench.at_work.skip()
    outcome = bench.pair(identify=False).run()
    bench.pull()
    assert "free" in [said.key for said in bench.heard if isinstance(said, Ask)]
    assert outcome.code == 0
    assert "zero set" in bench.said


def test_every_step_but_connecting_can_be_left_out(bench: Bench) -> None:
    bench.on["buzz"] = lambda: bench.at_work.skip()
    bench.on[Step.ZERO] = lambda: bench.at_work.skip()
    bench.on[Step.CHECK] = lambda: bench.at_work.skip()
    meeting = bench.pair()
    assert meeting.run().code == 0
    assert meeting.keep().device is not None


def test_who_leaves_keeps_nothing(bench: Bench) -> None:
    bench.on["buzz"] = lambda: bench.at_work.leave()
    outcome = bench.pair().run()
    assert (outcome.code, bench.kept()) == (1, [])


def test_who_does_not_wait_for_the_end_hangs_up(bench: Bench) -> None:
    meeting = bench.pair()
    connected = threading.Event()
    bench.on["buzz"] = connected.set
    waiting = threading.Thread(target=meeting.run)
    waiting.start()
    assert connected.wait(LIMIT_S)
    meeting.abandon()
    waiting.join(LIMIT_S)
    assert not waiting.is_alive()
    assert bench.kept() == []


# --- the ball vanishes: one test per step ---


def test_gone_before_it_is_opened(bench: Bench) -> None:
    bench.pull()
    outcome = bench.pair().run()
    assert (outcome.code, bench.kept()) == (3, [])
    assert outcome.hint


def test_gone_while_it_is_asked_who_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "FIRST_READING_S", 1.0)
    bench = Bench(home)
    bench.on[Step.CONNECT] = bench.pull
    outcome = bench.pair().run()
    assert (outcome.code, bench.kept()) == (3, [])


@pytest.mark.parametrize(
    ("at", "doing"),
    [("buzz", "before you knew"), (Step.ZERO, "while its zero was set"), (Step.CHECK, "during the trust check")],
)
def test_gone_at_a_step(bench: Bench, at: object, doing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "PATIENCE_S", 3.0)
    bench.on[at] = bench.pull
    outcome = bench.pair().run()
    assert (outcome.code, bench.kept()) == (4, [])
    assert doing in outcome.text
    assert "nothing was kept" in outcome.text
    assert any(doing in text for text in bench.said)


@pytest.mark.parametrize("at", ["buzz", Step.ZERO, Step.CHECK])
def test_gone_and_back_it_goes_on_where_it_was(bench: Bench, at: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "PATIENCE_S", LIMIT_S * SPEED)  # however slow this computer is

    def pull_and_plug() -> None:
        bench.pull()
        bench.on[_AGAIN] = bench.plug

    bench.on[at] = pull_and_plug
    hear = bench.hear

    def watched(said: Say | Ask) -> None:
        hear(said)
        if isinstance(said, Say) and "went away" in said.text and _AGAIN in bench.on:
            bench.on.pop(_AGAIN)()
            if at == "buzz":
                bench.at_work.answer(True)

    bench.hear = watched  # type: ignore[method-assign]  # to see it go
    meeting = bench.pair()
    assert meeting.run().code == 0
    assert "the ball is back" in bench.said
    assert meeting.keep().device is not None


_AGAIN = object()


def test_gone_after_the_last_step_it_is_kept_all_the_same(bench: Bench) -> None:
    meeting = bench.pair()
    assert meeting.run().code == 0
    bench.pull()
    assert meeting.keep().device is not None
    assert len(bench.kept()) == 1


# --- what is asked beforehand, and next time ---


def test_paired_again_it_keeps_what_nobody_says_anew(bench: Bench) -> None:
    first = bench.pair(asks=False, wishes=Wishes(tool="tennis"), nickname="Blue")
    assert first.run().code == 0
    first.keep()
    again = bench.pair(asks=False, address="blue", wishes=Wishes(full_scale_n=500.0))
    assert again.run().code == 0
    again.keep()
    (ball,) = bench.kept()
    settled = settled_of(ball.kept)
    assert (ball.nickname, settled.tool, settled.full_scale_n) == ("Blue", "tennis", 500.0)
    assert "this is Blue" in bench.said


def test_another_ball_at_a_name_is_refused(bench: Bench) -> None:
    first = bench.pair(asks=False, nickname="Blue")
    assert first.run().code == 0
    first.keep()
    bench.pull()
    bench.ball = VirtualBall("calm")
    bench.plug()
    outcome = bench.pair(asks=False, address="Blue").run()
    assert outcome.code == 3
    assert "V-FREE-0" in outcome.text
    assert "V-CALM-0" in outcome.text
    assert [ball.serial for ball in bench.kept()] == ["V-FREE-0"]


@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(area_cm2=500.0),
        Wishes(diameter_mm=60.0),
        Wishes(diameter_mm=60.0, hardness="hard", area_cm2=8.0),
        Wishes(tool="gun"),
        Wishes(baud=5),
        Wishes(full_scale_n=-1.0),
    ],
)
def test_a_size_that_no_ball_has_is_refused_before_anything_begins(home: Path, wishes: Wishes) -> None:
    settings = Settings(paths=find_paths({"KNEAD_HOME": str(home)}))
    with pytest.raises(ConfigError) as caught:
        compose.pair("sim:calm", settings, lambda _: None, Steps(asks=False), wishes=wishes)
    assert caught.value.hint


# --- a board that prints lines ---


class Lines:
    """Prints a line of kilograms ten times a second onto a pseudo-terminal, for as long as it is there."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.address = f"serial:{os.ttyname(slave)}"
        self._slave = slave
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._print, name="board")
        self._thread.start()

    def _print(self) -> None:
        number = 0
        while not self._stop.wait(0.02):
            number += 1
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, b"%d 0.0%d\n" % (20 * number, number % 3))

    def close(self) -> None:
        self._stop.set()
        self._thread.join(LIMIT_S)
        os.close(self._master)
        os.close(self._slave)


def test_a_board_without_names_is_paired_with_what_a_person_knows_of_it(home: Path) -> None:
    board = Lines()
    os.set_blocking(board._master, False)
    settings = Settings(paths=find_paths({"KNEAD_HOME": str(home)}))
    wishes = Wishes(tool="hard", unit="kg", columns=("time_ms", "force"), full_scale_n=490.0)
    try:
        steps = Steps(asks=False, seconds=1.5)
        meeting = compose.pair(
            board.address, settings, lambda _: None, steps, wishes=wishes, kind="text", nickname="Board"
        )
        assert meeting.run().code == 0
        paired = meeting.keep()
    finally:
        board.close()
    (kept,) = whereabouts.remembered(settings.paths)
    settled = settled_of(kept.kept)
    assert (kept.kind, kept.serial, settled.unit, settled.columns) == ("text", "", "kg", ("time_ms", "force"))
    assert {finding.check: finding.word for finding in paired.findings}["rate"] in ("fast enough", "slow")
    assert "identity" in {cause for cause, _ in paired.told}, "it has no serial, and that is said"
    assert settings_of(kept)["full_scale"] == pytest.approx(490.0 / 9.80665)


# --- the steps alone ---


def test_a_ball_that_can_show_nothing_is_told_by_pressing_it() -> None:
    from tests.test_pairing_trust import noise, opened, readings

    for asks, told in ((True, Ask), (False, Say)):
        steps = Steps(asks=asks)
        steps.feed(opened(caps=int(Caps.LIMITS)))
        (order, *_) = steps.feed(readings(noise(1.0))[0])
        assert isinstance(order, told)


def test_an_answer_nobody_asked_for_is_nothing() -> None:
    steps = Steps(asks=True)
    assert steps.answer(True) == []
    assert steps.skip() == []


def test_a_refused_buzz_is_said() -> None:
    from tests.test_pairing_trust import noise, opened, readings

    steps = Steps(asks=True)
    steps.feed(opened(caps=int(Caps.LED)))
    orders = steps.feed(readings(noise(1.0))[0])
    assert orders[0] == Do(Action("find"))
    (said,) = steps.feed(Notice(0.0, "refused", "the ball is busy", {"request": "ALERT", "status": 5}))
    assert isinstance(said, Say)
    assert steps.answer(None) == [Do(Action("find"))]
    assert [type(order) for order in steps.answer(False)] == [End]


def test_a_ball_that_is_pressed_and_leaves_again_and_again_is_checked_as_it_is() -> None:
    from tests.test_pairing_trust import noise, opened, readings

    steps = Steps(asks=False, identify=False, zero=False)
    steps.feed(opened())
    values = noise(150.0)
    values[::300] += 2000  # a touch every three seconds
    ended_s = None
    for number, reading in enumerate(readings(values)):
        if number % 400 == 399:  # every twenty seconds
            steps.feed(Notice(float(reading.t_s[0]), "link", "the link is lost", {"state": "lost"}))
        if any(isinstance(order, End) for order in steps.feed(reading)):
            ended_s = float(reading.t_s[-1])
            break
    assert ended_s is not None
    assert 90.0 < ended_s < 125.0
