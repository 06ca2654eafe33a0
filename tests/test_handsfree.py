"""A session led by the ball alone: what is done to it, and what comes of that."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from companion.handsfree.hands import Hands, State, Told
from companion.handsfree.terms import Terms, wished
from sessions.events import Action, Alert, Cue, Floats, Level, Notice, Phase

HZ = 50
ON, SQUEEZE, FREE = 40.0, 25.0, 0.0
SECOND_S = 1 / HZ


def course(*parts: tuple[float, float]) -> tuple[Floats, Floats]:
    """(seconds, kPa) after each other; NaN is unknown."""
    kpa = np.concatenate([np.full(round(seconds * HZ), pressure) for seconds, pressure in parts])
    return np.arange(len(kpa)) / HZ, kpa


def played(hands: Hands, t_s: Floats, p_kpa: Floats, sizes: Sequence[int] = (7,)) -> list[Told]:
    out: list[Told] = []
    at = number = 0
    while at < len(t_s):
        stop = min(len(t_s), at + sizes[number % len(sizes)])
        out += hands.feed(t_s[at:stop], p_kpa[at:stop])
        at, number = stop, number + 1
    return out


def told(hands: Hands, *parts: tuple[float, float]) -> list[tuple[float, str]]:
    """(second, what) of a course."""
    return [(round(event.t_s or 0.0, 2), name(event)) for event in played(hands, *course(*parts))]


def name(event: Told) -> str:
    if isinstance(event, Action):
        return f"{event.kind} by {event.fields['by']}"
    state = event.fields.get("state", event.fields.get("cause"))
    value = event.fields.get("value")
    return f"{event.kind}: {state}" if value is None else f"{event.kind}: {state} {value}"


def stop(t_s: float, phase: Phase) -> Alert:
    level = Level.OK if phase is Phase.CONFIRMED else Level.STOP
    return Alert(t_s, "peak", level, phase, None, None, "kPa", "glute", "left", "")


BEGIN = ((2.0, FREE), (10.0, ON))  # started at 3 s, off from 12 s
HERE = [(0.0, "hands: ready"), (3.0, "hands: started")]


def test_it_starts_after_a_second_of_contact_and_not_of_a_knock() -> None:
    assert told(Hands(Terms()), (2, FREE), (0.9, ON), (1, FREE), (1.1, ON)) == [
        (0.0, "hands: ready"),
        (4.9, "hands: started"),
    ]


def test_it_pauses_three_seconds_after_the_release_and_goes_on_with_contact() -> None:
    heard = told(Hands(Terms()), *BEGIN, (14, FREE), (5, ON))
    assert heard == [
        *HERE,
        (15.0, "pause by release"),
        (15.0, "hands: paused"),
        (15.0, "hands: asked"),
        (25.0, "hands: unanswered"),
        (27.0, "pause by contact"),
        (27.0, "hands: resumed"),
    ]


def test_coming_off_for_less_than_three_seconds_is_no_release() -> None:
    assert told(Hands(Terms()), *BEGIN, (2.9, FREE), (5, ON), (2.9, FREE), (5, ON)) == HERE


def test_it_ends_by_itself_a_minute_after_the_release_once_the_score_was_asked_for() -> None:
    heard = told(Hands(Terms()), *BEGIN, (90, FREE))
    assert heard[-3:] == [(72.0, "hands: scoring"), (92.0, "hands: unscored"), (92.0, "over: released")]


def test_it_never_ends_while_somebody_lies_on_the_ball() -> None:
    hands = Hands(Terms())
    heard = told(hands, *BEGIN, (61, FREE), (300, ON))
    assert "over: released" not in [what for _, what in heard]
    assert heard[-2:] == [(81.0, "pause by contact"), (81.0, "hands: resumed")]
    assert hands.state is State.RUNNING


def test_arming_counts_down_and_contact_meanwhile_starts_nothing() -> None:
    heard = told(Hands(Terms(arm_s=10)), (1, FREE), (8, ON), (3, FREE), (2, ON))
    counted = [(round(10 - left, 2), f"hands: countdown {left}") for left in (5, 3, 2, 1)]
    assert heard == [
        (0.0, "pause by countdown"),
        (0.0, "hands: armed 10"),
        *counted,
        (10.0, "pause by countdown"),
        (10.0, "hands: ready"),
        (13.0, "hands: started"),
    ]


def test_who_lies_on_the_ball_when_the_countdown_ends_has_begun() -> None:
    heard = told(Hands(Terms(arm_s=3)), (1, FREE), (8, ON))
    assert [what for _, what in heard] == [
        "pause by countdown",
        "hands: armed 3",
        "hands: countdown 2",
        "hands: countdown 1",
        "pause by countdown",
        "hands: started",
    ]


# --- squeezes ---

TWO = ((0.4, SQUEEZE), (0.5, FREE), (0.4, SQUEEZE))


def test_two_squeezes_are_next_where_a_program_leads() -> None:
    heard = told(Hands(Terms(guided=True)), *BEGIN, (4, FREE), *TWO, (1, FREE))
    assert heard[-1] == (17.3, "next by squeezes")


def test_two_squeezes_hold_a_free_session_and_it_waits_longer() -> None:
    hands = Hands(Terms())
    heard = told(hands, *BEGIN, (4, FREE), *TWO, (70, FREE))
    assert heard[-2:] == [(17.3, "pause by squeezes"), (17.3, "hands: held")]
    assert hands.state is State.HELD


@pytest.mark.parametrize(
    ("why", "parts"),
    [
        ("unloaded for too short a time", ((2.5, FREE), *TWO, (1, FREE))),
        ("too long", ((4, FREE), (0.7, SQUEEZE), (0.5, FREE), (0.4, SQUEEZE), (1, FREE))),
        ("too short", ((4, FREE), (0.06, SQUEEZE), (0.5, FREE), (0.4, SQUEEZE), (1, FREE))),
        ("too far apart", ((4, FREE), (0.4, SQUEEZE), (2.5, FREE), (0.4, SQUEEZE), (1, FREE))),
        ("only one", ((4, FREE), (0.4, SQUEEZE), (9, FREE))),
    ],
)
def test_what_is_no_pair_of_squeezes(why: str, parts: tuple[tuple[float, float], ...]) -> None:
    heard = told(Hands(Terms(guided=True)), *BEGIN, *parts)
    assert not [what for _, what in heard if "squeezes" in what], why


def test_squeezes_are_no_contact() -> None:
    """They neither start nor resume, and do not answer the question."""
    heard = told(Hands(Terms()), (4, FREE), *TWO, (1, FREE), *TWO, (9, FREE))
    assert heard == [(0.0, "hands: ready")]
    heard = told(Hands(Terms(guided=True)), *BEGIN, (4, FREE), *TWO, (9, FREE))
    assert not [what for _, what in heard if "contact" in what or "symptom" in what]


def test_while_a_stop_stands_squeezes_are_the_guards() -> None:
    hands = Hands(Terms(guided=True))
    t_s, p_kpa = course(*BEGIN, (75, FREE), *TWO, (10, FREE))
    first = int(t_s.searchsorted(11.0))
    heard = played(hands, t_s[:first], p_kpa[:first])
    heard += hands.hear(stop(11.0, Phase.RAISED))
    heard += played(hands, t_s[first:], p_kpa[first:])
    kinds = [name(event) for event in heard]
    assert "next by squeezes" not in kinds
    assert "hands: asked" not in kinds  # what hurts is known
    assert hands.state is State.PAUSED  # a minute is over, and the stop waits to be confirmed


# --- the question ---


def test_a_squeeze_of_two_seconds_answers_that_something_hurts() -> None:
    heard = told(Hands(Terms()), *BEGIN, (5, FREE), (2, SQUEEZE), (3, FREE))
    assert heard[-2:] == [(19.0, "symptom by squeeze"), (19.0, "hands: answered")]


def test_an_answer_after_ten_seconds_is_none() -> None:
    heard = told(Hands(Terms()), *BEGIN, (14, FREE), (2, SQUEEZE), (3, FREE))
    assert "symptom by squeeze" not in [what for _, what in heard]


def test_an_answer_may_end_after_the_ten_seconds() -> None:
    heard = told(Hands(Terms()), *BEGIN, (12.5, FREE), (2, SQUEEZE), (3, FREE))
    assert (26.5, "symptom by squeeze") in heard


def test_who_comes_back_has_not_answered() -> None:
    heard = told(Hands(Terms()), *BEGIN, (5, FREE), (30, ON))
    assert heard[-2:] == [(21.0, "pause by contact"), (21.0, "hands: resumed")]


def test_it_does_not_ask_where_the_program_wanted_the_person_off() -> None:
    hands = Hands(Terms(guided=True))
    t_s, p_kpa = course(*BEGIN, (50, FREE))
    at, back = int(t_s.searchsorted(11.0)), int(t_s.searchsorted(30.0))
    heard = played(hands, t_s[:at], p_kpa[:at])
    hands.hear(Cue(11.0, "rest", 1, "rest"))
    heard += played(hands, t_s[at:back], p_kpa[at:back])
    assert [name(event) for event in heard] == [what for _, what in HERE]
    hands.hear(Cue(30.0, "rested", 1, "rested"))
    heard = played(hands, t_s[back:], p_kpa[back:])
    assert [(event.t_s, name(event)) for event in heard] == [(45.0, "pause by release"), (45.0, "hands: paused")]


# --- the score of a hold ---


def in_rest(*parts: tuple[float, float], seconds: float = 30.0) -> list[Told]:
    """What is said in a rest that begins at 11 s, on the ball still."""
    hands = Hands(Terms(guided=True))
    t_s, p_kpa = course(*BEGIN, *parts)
    at = int(t_s.searchsorted(11.0))
    played(hands, t_s[:at], p_kpa[:at])
    hands.hear(Cue(11.0, "rest", 1, "rest", {"seconds": seconds}))
    return played(hands, t_s[at:], p_kpa[at:])


def test_in_a_rest_the_hold_before_is_scored_by_a_squeeze() -> None:
    events = in_rest((5, FREE), (2.6, 26.0), (5, FREE))
    assert [name(event) for event in events] == [
        "hands: rating",
        "hands: grade 6",
        "hands: taken 6",
        "pain by squeeze",
        "hands: scored 6",
    ]
    pain = next(event for event in events if isinstance(event, Action))
    assert (pain.fields["when"], pain.fields["value"]) == ("hold", 6)


def test_who_lies_down_in_a_rest_scores_nothing() -> None:
    assert not [event for event in in_rest((5, FREE), (20, ON)) if isinstance(event, Action)]


def test_who_says_nothing_in_a_rest_is_asked_once() -> None:
    assert [name(event) for event in in_rest((40, FREE))] == ["hands: rating"]


def test_a_short_rest_is_left_in_peace() -> None:
    assert in_rest((9, FREE), (2.6, 26.0), (5, FREE), seconds=8.0) == []


# --- the score ---

SCORED = ((65, FREE), (5, 26.0))  # of 5 to 40 kPa: six tenths


def test_harder_is_higher_and_held_still_is_taken_and_let_go_is_kept() -> None:
    events = played(Hands(Terms()), *course(*BEGIN, *SCORED, (3, FREE)))
    pain = [event for event in events if isinstance(event, Action) and event.kind == "pain"]
    assert [(event.fields["value"], event.fields["when"]) for event in pain] == [(6, "after")]
    assert [name(event) for event in events[-5:]] == [
        "hands: grade 6",
        "hands: taken 6",
        "pain by squeeze",
        "hands: scored 6",
        "over: released",
    ]


@pytest.mark.parametrize(("kpa", "score"), [(6.0, 0), (8.6, 1), (22.5, 5), (40.0, 10), (60.0, 10)])
def test_the_grades(kpa: float, score: int) -> None:
    events = played(Hands(Terms()), *course(*BEGIN, (65, FREE), (4, kpa), (3, FREE)))
    assert [event.fields["value"] for event in events if isinstance(event, Action) and event.kind == "pain"] == [score]


def test_a_hand_that_wavers_is_asked_until_it_holds_still() -> None:
    wavering = tuple((0.5, 12.0 + 8.0 * (number % 3)) for number in range(12))
    events = played(Hands(Terms()), *course(*BEGIN, (65, FREE), *wavering, (4, 33.0), (3, FREE)))
    assert [event.fields["value"] for event in events if isinstance(event, Action) and event.kind == "pain"] == [8]


def test_who_lies_down_again_gives_no_score_and_goes_on() -> None:
    hands = Hands(Terms())
    heard = told(hands, *BEGIN, (65, FREE), (30, ON))
    assert "pain by squeeze" not in [what for _, what in heard]
    assert "hands: back" in [what for _, what in heard]


def test_two_squeezes_leave_the_score_out() -> None:
    heard = told(Hands(Terms()), *BEGIN, (66, FREE), *TWO, (3, FREE))
    assert [what for _, what in heard][-2:] == ["hands: unscored", "over: released"]


def test_a_program_that_is_done_waits_for_the_person_to_come_off() -> None:
    hands = Hands(Terms(guided=True))
    t_s, p_kpa = course((1, FREE), (29, ON), (6, FREE), (5, 26.0), (3, FREE))
    done = int(t_s.searchsorted(10.0))
    heard = played(hands, t_s[:done], p_kpa[:done])
    heard += hands.hear(Cue(10.0, "finish", None, "done"))
    heard += played(hands, t_s[done:], p_kpa[done:])
    times = {name(event): event.t_s for event in heard}
    assert times["hands: scoring"] == 33.0
    assert times["over: finished"] == pytest.approx(42.0)


# --- what is not measured ---


def test_what_is_not_known_is_neither_absence_nor_contact() -> None:
    gap = np.nan
    heard = told(Hands(Terms()), *BEGIN, (2, FREE), (30, gap), (2.9, FREE), (5, ON), (30, gap), (5, ON))
    assert heard == HERE


def test_absence_is_counted_anew_behind_a_gap() -> None:
    t_s, p_kpa = course(*BEGIN, (50, FREE), (50, FREE))
    late = t_s + np.where(t_s > 40.0, 20.0, 0.0)  # nothing came for twenty seconds
    heard = played(Hands(Terms()), late, p_kpa)
    assert [event.t_s for event in heard if event.kind == "hands" and event.fields["state"] == "scoring"] == [
        pytest.approx(60.0 + 60.0, abs=3 * SECOND_S)
    ]


# --- any split ---


def lively(seed: int) -> tuple[Floats, Floats]:
    """A person who does all of it, in some order."""
    random = np.random.default_rng(seed)
    parts: list[tuple[float, float]] = [(float(random.uniform(0, 6)), FREE)]
    for _ in range(40):
        seconds = random.choice([0.05, 0.3, 0.5, 0.9, 2.0, 3.5, 5.0, 12.0, 64.0], p=[0.1] * 8 + [0.2])
        level = random.choice([0.0, 2.0, 4.0, 6.0, 20.0, 40.0, np.nan], p=[0.4, 0.1, 0.05, 0.1, 0.15, 0.15, 0.05])
        parts.append((float(seconds), float(level)))
    t_s, p_kpa = course(*parts)
    keep = random.random(len(t_s)) > 0.002
    holes = np.cumsum(random.random(len(t_s)) > 0.9995) * 3.0
    return (t_s + holes)[keep], p_kpa[keep]


@pytest.mark.parametrize("seed", range(4))
def test_any_split_says_the_same(seed: int) -> None:
    t_s, p_kpa = lively(seed)
    terms = Terms(arm_s=float(seed % 3) * 4, guided=seed % 2 == 0)
    whole = Hands(terms).feed(t_s, p_kpa)
    assert played(Hands(terms), t_s, p_kpa, (1,)) == whole
    assert played(Hands(terms), t_s, p_kpa, (3, 50, 1, 900)) == whole
    assert whole


@pytest.mark.parametrize("seed", range(4))
def test_what_is_done_is_done_at_the_end_of_a_part(seed: int) -> None:
    t_s, p_kpa = lively(seed)
    terms = Terms(arm_s=float(seed % 3) * 4, guided=seed % 2 == 0)
    hands, out, at = Hands(terms), [], 0
    while at < len(t_s):
        count = hands.part(t_s[at:], p_kpa[at:])
        said = hands.feed(t_s[at : at + count], p_kpa[at : at + count])
        at += count
        assert all(event.t_s == t_s[at - 1] for event in said if isinstance(event, Action))
        out += said
    assert at == len(t_s)
    assert out == Hands(terms).feed(t_s, p_kpa)
    assert any(isinstance(event, Action) for event in out)


def test_nothing_is_said_after_the_end() -> None:
    hands = Hands(Terms())
    heard = told(hands, *BEGIN, (90, FREE), (30, ON), (90, FREE))
    assert heard[-1][1] == "over: released"
    assert hands.state is State.OVER
    ended = Hands(Terms())
    ended.hear(Action("end", {"cause": "user"}, 1.0))
    assert told(ended, *BEGIN) == []


def test_terms_are_kept_as_json_and_damaged_ones_refused() -> None:
    terms = Terms(arm_s=10.0, guided=True, full_kpa=55.0)
    assert Terms.from_json(terms.to_json()) == terms
    assert Terms.from_json({"later": 1}) == Terms()
    for damaged in ({"arm_s": "ten"}, {"guided": 1}, {"arm_s": True}, {"end_s": 0.0}, {"full_kpa": 1.0}):
        with pytest.raises(ValueError, match="no terms"):
            Terms.from_json(damaged)
    with pytest.raises(ValueError, match="no terms"):
        replace(terms, arm_s=-1.0)


def test_every_state_has_its_words() -> None:
    notices = [
        event for event in played(Hands(Terms(arm_s=2)), *course(*BEGIN, (90, FREE))) if isinstance(event, Notice)
    ]
    assert all(event.text for event in notices)


def test_it_is_led_by_the_ball_where_a_program_leads_or_a_countdown_was_asked_for() -> None:
    assert wished("auto", 0.0, guided=False) is None
    assert wished("auto", 10.0, guided=False) == Terms(arm_s=10.0)
    assert wished("auto", 0.0, guided=True) == Terms(guided=True)
    assert wished("on", 0.0, guided=False) == Terms()
    assert wished("off", 10.0, guided=True) is None


def test_paused_by_a_key_it_waits_longer_and_only_a_key_goes_on() -> None:
    hands = Hands(Terms())
    t_s, p_kpa = course(*BEGIN, (70, FREE), (5, ON))
    at = int(t_s.searchsorted(11.0))
    played(hands, t_s[:at], p_kpa[:at])
    hands.hear(Action("pause", {}, 11.0))
    heard = [name(event) for event in played(hands, t_s[at:], p_kpa[at:])]
    assert heard == ["pause by release", "hands: paused", "hands: asked", "hands: unanswered"]
    assert hands.state is State.RUNNING


def test_where_nobody_ever_comes_it_ends() -> None:
    assert told(Hands(Terms()), (599, FREE), (0.5, ON), (601, FREE))[-1] == (1199.5, "over: unused")
