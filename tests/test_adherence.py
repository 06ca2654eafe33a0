"""How a plan goes: days counted, and what is missing said."""

from datetime import date, timedelta

from sessions.adherence import Asked, Guided, adherence

PLAN = (Asked(2, 5), Asked(None, 3))
MONDAY = date(2026, 3, 2)


def sessions(*days: int) -> list[Guided]:
    """Days from the Monday on."""
    return [Guided(MONDAY + timedelta(days=day), "calf") for day in days]


def on(day: int) -> date:
    return MONDAY + timedelta(days=day)


def test_a_plan_that_has_not_begun_says_so() -> None:
    nothing = adherence(PLAN, [], MONDAY)
    assert (nothing.began, nothing.weeks, nothing.share) == (None, (), None)
    assert nothing.lines("two-weeks") == ["Plan two-weeks: not begun. Simulated sessions do not count."]


def test_days_count_once_and_weeks_begin_with_the_first_day() -> None:
    done = adherence(PLAN, sessions(2, 2, 3, 5, 6, 9, 12), on(13))
    assert done.began == on(2)
    assert done.sessions == 7
    assert [(week.begins, week.asked, week.done, week.over) for week in done.weeks] == [
        (on(2), 5, 4, True),
        (on(9), 5, 2, False),
    ]
    assert (done.asked, done.done, done.share, done.left) == (5, 4, 0.8, 3)
    assert done.lines("p") == [
        "Plan p: 4 of 5 days (80%), 1 missing; n = 7 sessions since 04 Mar 2026",
        "  week 1 from 04 Mar: 4 of 5 days, 1 missing",
        "  week 2 from 11 Mar: 2 of 5 days, 3 to do",
    ]


def test_after_two_weeks_three_days_are_asked_for() -> None:
    done = adherence(PLAN, sessions(0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 14, 16, 18, 19), on(25))
    assert [(week.asked, week.done) for week in done.weeks] == [(5, 5), (5, 5), (3, 4), (3, 0)]
    assert (done.asked, done.done, done.share) == (13, 13, 1.0)  # more days make up for no other week


def test_what_no_day_is_left_for_is_not_to_do_any_more() -> None:
    done = adherence(PLAN, sessions(0), on(5))
    assert done.left == 2  # today and tomorrow; four are asked for
    assert adherence(PLAN, sessions(0, 5), on(5)).left == 1  # today is done


def test_a_pause_of_more_than_two_weeks_begins_anew() -> None:
    done = adherence(PLAN, sessions(0, 1, 2, 20), on(21))
    assert done.began == on(20)
    assert done.sessions == 1
    assert adherence(PLAN, sessions(0, 14), on(15)).began == on(0)
    assert adherence(PLAN, sessions(0), on(15)).began is None


def test_a_plan_with_an_end_asks_for_nothing_after_it() -> None:
    done = adherence((Asked(1, 5),), sessions(0, 1, 9), on(10))
    assert [(week.asked, week.done) for week in done.weeks] == [(5, 2)]
    assert done.left == 0


def test_what_lies_in_the_future_does_not_count() -> None:
    assert adherence(PLAN, sessions(3), on(1)).began is None


def test_as_json_with_n_and_what_is_missing() -> None:
    told = adherence(PLAN, sessions(0, 1), on(8)).to_json()
    assert (told["sessions"], told["days_asked"], told["days_done"], told["days_missing"]) == (2, 5, 2, 3)
    assert told["weeks"] == [
        {"number": 1, "begins": "2026-03-02", "asked": 5, "done": 2, "over": True, "missing": 3},
        {"number": 2, "begins": "2026-03-09", "asked": 5, "done": 0, "over": False, "missing": None},
    ]
