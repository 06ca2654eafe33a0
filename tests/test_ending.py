"""When a session is over, by a clock that is set by hand."""

from dataclasses import dataclass, field

import pytest

from companion.clock import Clock
from companion.ending import AWAY_S, CLOSING_S, FIRST_READING_S, OPENING_S, End, Ending, Outcome
from firmware_protocol.driver import Close

DONE = Outcome(0)


class ByHand(Clock):
    at_s = 0.0

    def now_s(self) -> float:
        return self.at_s


class Times:
    """The session time of stages whose first reading has come, or has not."""

    first_s: float | None = None

    def session_s(self, now_s: float) -> float | None:
        return None if self.first_s is None else now_s - self.first_s


@dataclass
class Scene:
    speed: float = 1.0
    seconds: float | None = None
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock, self.times = ByHand(self.speed), Times()
        self.ending = Ending(
            self.clock,
            self.times,  # type: ignore[arg-type]  # all that it asks of the stages
            self.asked.append,
            seconds=self.seconds,
            away_s=AWAY_S,
        )
        self.ending.begin()

    def link(self, at_s: float) -> "Scene":
        self.clock.at_s = at_s
        self.ending.linked()
        return self

    def read(self, at_s: float) -> "Scene":
        self.link(at_s)
        self.times.first_s, self.ending.measured = at_s, True
        return self

    def over(self, at_s: float) -> End:
        """What is raised then, and nothing a moment before."""
        assert self.ending.at_s() == at_s
        self.clock.at_s = at_s - 0.001
        self.ending.check(self.clock.at_s)
        self.clock.at_s = at_s
        with pytest.raises(End) as reached:
            self.ending.check(at_s)
        return reached.value


def test_without_a_link_it_is_over_after_the_time_of_an_opening() -> None:
    end = Scene().over(OPENING_S)
    assert (end.cause, end.outcome.code) == ("no reading", 3)
    assert "90 s" in end.outcome.text


def test_a_link_without_a_reading_has_ten_seconds_of_the_wall() -> None:
    end = Scene(speed=4.0).link(8.0).over(8.0 + 4.0 * FIRST_READING_S)
    assert "10 s" in end.outcome.text
    scene = Scene().link(5.0)
    scene.clock.at_s = 9.0
    scene.ending.away()
    scene.link(12.0)
    assert scene.ending.at_s() == 5.0 + FIRST_READING_S, "a second link has no time of its own"


def test_the_link_of_another_ball_counts_for_nothing() -> None:
    scene = Scene().link(5.0)
    scene.ending.rejected()
    assert "90 s" in scene.over(5.0 + OPENING_S).outcome.text


def test_a_ball_that_has_measured_may_be_away_for_ten_minutes() -> None:
    scene = Scene().read(2.0)
    assert scene.ending.at_s() is None
    scene.clock.at_s = 30.0
    scene.ending.away()
    end = scene.over(30.0 + AWAY_S)
    assert (end.cause, end.outcome) == ("away", Outcome(4, "the ball was away for 10 minutes", "the session is saved"))


@pytest.mark.parametrize(("there", "code", "wait_s"), [(True, 0, CLOSING_S), (False, 4, 0.0)])
def test_its_seconds_over_the_ball_is_asked_to_stop(there: bool, code: int, wait_s: float) -> None:
    scene = Scene(seconds=60.0).read(2.0)
    if not there:
        scene.ending.away()
    scene.clock.at_s = 62.0
    assert scene.ending.at_s() == 62.0
    scene.ending.check(62.0)
    assert scene.asked == ["seconds"]
    end = scene.over(62.0 + wait_s)
    assert (end.cause, end.outcome.code) == ("seconds", code)


def test_the_first_cause_stands_and_the_balls_answer_ends_it() -> None:
    scene = Scene().read(1.0)
    scene.ending.check_asked()
    scene.ending.ask("user", DONE)
    scene.ending.ask("terminal", Outcome(1))
    assert scene.asked == ["user"]
    with pytest.raises(End) as reached:
        scene.ending.check_asked()
    assert (reached.value.cause, reached.value.outcome) == ("user", DONE)


@pytest.mark.parametrize(("cause", "code"), [("stopped", 0), ("wrong_ball", 3), ("guard", 7), ("of a newer ball", 1)])
def test_a_link_ended_for_good_ends_the_session(cause: str, code: int) -> None:
    ending = Scene().ending
    ending.check_close(Close(cause, "text", "hint", retry=True))
    with pytest.raises(End) as reached:
        ending.check_close(Close(cause, "text", "hint", retry=False))
    assert reached.value.outcome == Outcome(code, "text", "hint")
