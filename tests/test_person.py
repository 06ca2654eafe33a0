"""What is kept of a person: own limits, locks, answers, and back from JSON unchanged."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from companion.errors import ConfigError
from companion.safety.limits import GuardContext, effective
from companion.safety.person import (
    Lock,
    OwnLimit,
    Person,
    agreed,
    checked_in,
    columns,
    next_day,
    read_person,
    screened,
)
from companion.safety.screening import Check, Screening, Standing, judge
from tests.test_screening import NOW, fine

GLUTE = {("glute", "left"): NOW}


def round_trip(person: Person) -> Person:
    stored: dict[str, Any] = json.loads(json.dumps(columns(person), allow_nan=False))
    return read_person(person.name, stored)


def test_all_of_it_survives_json() -> None:
    person = Person(
        "Ann",
        Screening(NOW, fine(age=True, body_kg=62.5), ("clot",), "Dr Lee"),
        Check(NOW, fine("session")),
        {"glute": OwnLimit(300.0, 1.1, 200.0)},
        (Lock("calf", "left", "a bruise", None), Lock("sole", "both", "sore", NOW, refuses=False)),
        "0193",
    )
    assert round_trip(person) == person
    assert round_trip(Person("me")) == Person("me")


@pytest.mark.parametrize(
    "stored",
    [
        {"screening": {"week": {"at": "yesterday", "answers": {}, "agreed": [], "agreed_by": ""}}},
        {"screening": {"week": 3}},
        {"limits": {"glute": {"peq": 3}}},
        {"limits": {"glute": {"peq_kpa": "much", "raised": 1.0, "work_peq_kpa": None}}},
        {"locks": {"all": [{"region": "elbow", "side": "left", "why": "", "until": None, "refuses": True}]}},
        {"locks": {"all": [{"region": "calf"}]}},
    ],
)
def test_what_is_none_of_it_is_refused(stored: Any) -> None:
    with pytest.raises(ConfigError, match="what is stored of me cannot be read"):
        read_person("me", stored)


# --- own limits ---


def test_a_lowered_limit_is_never_passed_however_k_changes() -> None:
    own = OwnLimit(peq_kpa=200.0)
    for k in (0.5, 0.7, 1.0):
        peq = effective("glute", "hard", None, k, personal=own.factor("glute", k)).peq_max_kpa
        assert peq == pytest.approx(min(200.0, 500.0 * k))


def test_a_raise_ends_at_the_cap_and_never_moves_the_stop() -> None:
    own = OwnLimit(peq_kpa=9999.0, raised=3.0)
    assert own.factor("glute", 1.0) == 1.2
    person = Person("me", limits={"glute": own})
    context = GuardContext(screened=True, factor_k=1.0, region="glute", tool="tennis", personal=person.personal(1.0))
    assert context.limits().peq_max_kpa == pytest.approx(600)
    assert context.limits().force_max_n <= 210
    assert context.limits(raised=False).peq_max_kpa == 500


def test_the_working_top_is_what_the_test_gave() -> None:
    own = OwnLimit(work_peq_kpa=150.0)
    limits = effective("glute", "tennis", None, 0.7, personal=own.factor("glute", 0.7))
    assert limits.working_kpa[1] * 12**0.5 == pytest.approx(150.0)
    assert OwnLimit(work_peq_kpa=5000.0).factor("glute", 1.0) == 1.0


# --- answers ---


def test_a_clinicians_word_stays_for_what_still_is_so() -> None:
    person = agreed(screened(Person("me"), fine(bleeding=True, clot=True), NOW), "Dr Lee")
    assert judge(person.screening, person.check, NOW).standing is Standing.FREE
    later = NOW + timedelta(days=7)
    again = screened(person, fine(bleeding=True), later)
    assert judge(again.screening, again.check, later).standing is Standing.FREE
    new = screened(again, fine(bleeding=True, cancer=True), later)
    assert judge(new.screening, new.check, later).standing is Standing.CLINICIAN
    back = screened(again, fine(bleeding=True, clot=True), later)  # the clot had gone: it is a new one
    assert judge(back.screening, back.check, later).standing is Standing.CLINICIAN


def test_a_new_hurt_is_not_covered_by_the_last() -> None:
    person = checked_in(screened(Person("me"), fine(), NOW), fine("session", hurt=True), NOW)
    person = agreed(person, "Dr Lee")
    assert judge(person.screening, person.check, NOW).standing is Standing.FREE
    person = checked_in(person, fine("session"), NOW)
    person = checked_in(person, fine("session", hurt=True), NOW)
    assert judge(person.screening, person.check, NOW).standing is Standing.CLINICIAN


# --- the day after ---


def after(**said: Any) -> Person:
    answers = {"soreness": 0.0, "bruise": False, "swelling": False, "numb_after": False, "urine_after": False} | said
    return next_day(Person("me"), "0193", GLUTE, answers, NOW + timedelta(hours=20))


def test_a_good_day_after_leaves_nothing_behind() -> None:
    assert after() == Person("me", asked_after="0193")
    assert after(soreness=3.0).locks == ()


def test_soreness_of_four_rests_the_region_for_48_hours() -> None:
    (lock,) = after(soreness=4.0).locks
    assert (lock.region, lock.side, lock.refuses) == ("glute", "left", False)
    assert lock.until == NOW + timedelta(hours=48)


@pytest.mark.parametrize("sign", ["bruise", "swelling"])
def test_a_bruise_locks_until_it_is_gone(sign: str) -> None:
    (lock,) = after(**{sign: True}).locks
    assert (lock.refuses, lock.until) == (True, None)
    assert lock.stands(NOW + timedelta(days=400))


def test_dark_urine_is_an_emergency() -> None:
    person = after(urine_after=True)
    assert judge(person.screening, person.check, datetime.now(UTC)).standing is Standing.EMERGENCY


def test_locks_of_a_kind_become_one_and_end() -> None:
    short = Lock("calf", "left", "numb", NOW + timedelta(hours=1))
    long = Lock("calf", "left", "numb", NOW + timedelta(hours=5))
    person = Person("me").with_locks(short, long, short)
    assert person.locks == (long,)
    assert person.without_old(NOW + timedelta(hours=6)).locks == ()
