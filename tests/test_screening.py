"""The questions as data, and what answers mean: emergency, clinician-first, not now, lower limits, and old answers."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from companion.errors import ConfigError
from companion.safety.screening import (
    Answer,
    Check,
    Screening,
    Standing,
    check_answers,
    judge,
    questions,
    read_questions,
)

NOW = datetime(2026, 3, 10, 18, 0, tzinfo=UTC)
TEXT = files("companion.safety").joinpath("screening.toml").read_text(encoding="utf-8")
FACTORS = {"age": 0.7, "bones": 0.5, "bruising": 0.7, "tender": 0.6, "strained": 0.5}


def fine(when: str = "week", /, **said: Answer) -> dict[str, Answer]:
    no: dict[str, Answer] = {"yes_no": False, "side": "no"}
    return {question.key: no.get(question.kind) for question in questions().asked(when)} | said


def week(at: datetime = NOW, /, **said: Answer) -> Screening:
    return Screening(at, fine(**said))


def check(at: datetime = NOW, /, **said: Answer) -> Check:
    return Check(at, fine("session", **said))


def test_every_question_has_a_source_and_the_groups_are_those_of_the_table() -> None:
    asked = questions().all.values()
    assert all(question.basis for question in asked)
    weekly = [question.group for question in questions().asked("week")]
    assert [weekly.count(group) for group in ("emergency", "clinician", "lower", "now", "body")] == [8, 10, 6, 1, 1]
    assert {question.key: question.factor for question in asked if question.factor < 1} == FACTORS
    assert [question.key for question in questions().asked("after")] == [
        "soreness",
        "bruise",
        "swelling",
        "numb_after",
        "urine_after",
    ]


def test_who_was_not_asked_has_half() -> None:
    verdict = judge(None, None, NOW)
    assert (verdict.screened, verdict.factor_k, verdict.missing) == (False, 0.5, "never")
    assert verdict.standing is Standing.FREE


def test_no_to_everything_is_the_whole_limit() -> None:
    verdict = judge(week(body_kg=71.5), check(), NOW)
    assert (verdict.screened, verdict.factor_k, verdict.body_kg) == (True, 1.0, 71.5)


@pytest.mark.parametrize(
    "key", [question.key for question in questions().asked("week") if question.group == "emergency"]
)
def test_each_emergency_sign_ends_all_for_as_long_as_it_stands(key: str) -> None:
    verdict = judge(week(**{key: True}), check(NOW + timedelta(days=30)), NOW + timedelta(days=30))
    assert verdict.standing is Standing.EMERGENCY
    assert verdict.reasons == (questions().all[key].ask,)
    assert "emergency number" in verdict.advice


@pytest.mark.parametrize(
    "key", [question.key for question in questions().asked("week") if question.group == "clinician"]
)
def test_clinician_first_locks_until_agreed(key: str) -> None:
    assert judge(week(**{key: True}), check(), NOW).standing is Standing.CLINICIAN
    agreed = Screening(NOW, fine(**{key: True}), agreed=(key,), agreed_by="Dr Lee")
    assert judge(agreed, check(), NOW).standing is Standing.FREE


def test_an_agreement_covers_nothing_else() -> None:
    screening = Screening(NOW, fine(bleeding=True, clot=True), agreed=("bleeding",), agreed_by="Dr Lee")
    verdict = judge(screening, check(), NOW)
    assert (verdict.standing, verdict.reasons) == (Standing.CLINICIAN, (questions().all["clot"].ask,))


@pytest.mark.parametrize(
    ("said", "k"),
    [
        ({"age": True}, 0.7),
        ({"tender": True}, 0.6),
        ({"age": True, "bruising": True}, 0.5),
        ({"age": True, "tender": True, "bones": True}, 0.5),
    ],
)
def test_factors_multiply_down_to_the_floor(said: dict[str, Answer], k: float) -> None:
    assert judge(week(**said), check(), NOW).factor_k == pytest.approx(max(0.5, k))


def test_the_short_check_overrides_the_week() -> None:
    assert judge(week(), check(strained=True), NOW).factor_k == 0.5
    earlier = NOW - timedelta(days=3)
    assert judge(week(earlier, strained=True), check(), NOW).factor_k == 1.0
    assert judge(week(earlier), check(news=True), NOW).standing is Standing.EMERGENCY
    assert judge(week(earlier), check(hurt=True), NOW).standing is Standing.CLINICIAN


def test_alcohol_now_passes_and_may_be_asked_again() -> None:
    drunk = check(sober=True)
    assert judge(week(), drunk, NOW).standing is Standing.NOW
    assert judge(week(), drunk, NOW + timedelta(hours=11)).standing is Standing.NOW
    assert judge(week(), drunk, NOW + timedelta(hours=13)).standing is Standing.FREE
    assert judge(week(), check(NOW + timedelta(hours=3)), NOW + timedelta(hours=3)).standing is Standing.FREE


@pytest.mark.parametrize(
    ("screened_ago", "checked_ago", "missing"),
    [
        (timedelta(days=6, hours=23), timedelta(0), ""),
        (timedelta(days=7, minutes=1), timedelta(0), "week"),
        (timedelta(0), timedelta(hours=2, minutes=1), "check"),
        (timedelta(days=-1), timedelta(0), "week"),  # a clock has jumped back: answers of the future are none
    ],
)
def test_answers_grow_old(screened_ago: timedelta, checked_ago: timedelta, missing: str) -> None:
    verdict = judge(week(NOW - screened_ago), check(NOW - checked_ago), NOW)
    assert verdict.missing == missing
    assert verdict.factor_k == (0.5 if missing else 1.0)


def test_answers_that_miss_a_question_are_not_a_screening() -> None:
    answers = fine()
    del answers["clot"]
    assert judge(Screening(NOW, answers), check(), NOW).missing == "week"


def test_what_is_left_out() -> None:
    assert "calf left" in judge(week(varicose="left"), check(), NOW).skipped
    assert "calf" in judge(week(varicose="both"), check(), NOW).skipped
    pregnant = Screening(NOW, fine(pregnancy=True), agreed=("pregnancy",), agreed_by="midwife")
    assert judge(pregnant, check(), NOW).skipped == ("lumbar", "sacrum")
    assert judge(week(), check(), NOW).skipped == ()


@pytest.mark.parametrize(
    ("key", "typed", "answer"),
    [("age", "Y", True), ("age", "no", False), ("varicose", "left", "left"), ("varicose", "n", "no")],
)
def test_typed_answers(key: str, typed: str, answer: Answer) -> None:
    assert questions().all[key].read(typed) == answer


@pytest.mark.parametrize(
    ("key", "typed"), [("age", "maybe"), ("varicose", "up"), ("body_kg", "12"), ("body_kg", "nan"), ("soreness", "11")]
)
def test_what_is_no_answer_is_refused_with_what_is(key: str, typed: str) -> None:
    with pytest.raises(ValueError):  # `float` has words of its own
        questions().all[key].read(typed)


def test_answers_are_checked_whole() -> None:
    assert check_answers(fine(), "week") == fine()
    with pytest.raises(ConfigError, match="elbow is no question"):
        check_answers(fine() | {"elbow": True}, "week")
    with pytest.raises(ConfigError, match="age = 3"):
        check_answers(fine() | {"age": 3.0}, "week")
    with pytest.raises(ConfigError, match="not answered: sober"):
        check_answers({key: answer for key, answer in fine().items() if key != "sober"}, "week")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('group = "lower"', 'group = "lover"', "lover is not known here; allowed: emergency"),
        ("factor = 0.7", "factor = 1.7", "factor = 1.7; allowed is a number of 0.1 to 1"),
        ('basis = ["F36"]', "basis = []", "basis is missing"),
        ('basis = ["F36"]', 'basis = ["F99"]', "F99, which is not in the sources"),
        ('"calf"', '"elbow"', "skips names elbow"),
        ("factor = 0.7", "fctor = 0.7", "fctor"),
    ],
)
def test_a_wrong_row_is_named(old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_questions(TEXT.replace(old, new, 1), "screening.toml")
    assert str(caught.value).startswith("screening.toml: questions: ")
    assert said in str(caught.value)
