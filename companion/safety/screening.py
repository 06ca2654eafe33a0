"""The questions before pressing, as data with their sources, and what the answers mean. Pure: `now` is an argument.

An emergency answer ends all until the questions are answered anew. A clinician-first answer locks until somebody has
agreed. Lower-limit answers multiply k, with a floor; who has not answered, or longer ago than a week, has k = 0.5.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from companion.errors import ConfigError
from companion.safety.days import rule
from companion.safety.limits import combined_factor, regions
from companion.safety.rows import basis_of, read_toml, span
from companion.safety.table import Range, Reader

GROUPS = ("emergency", "clinician", "now", "lower", "body", "after")
KINDS = ("yes_no", "side", "number")
ASKED = ("week", "session", "after")
SIDE_ANSWERS = ("no", "left", "right", "both")

Answer = bool | str | float | None  # None: a number that is not known
Answers = Mapping[str, Answer]
NO_ANSWERS: Answers = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Question:
    key: str
    group: str
    ask: str
    kind: str
    factor: float  # 1: changes nothing
    skips: tuple[str, ...]
    range: Range
    asked: tuple[str, ...]
    basis: tuple[str, ...]

    @property
    def source(self) -> str:
        return ", ".join(self.basis)

    def allowed(self) -> str:
        """What may be answered, in words."""
        if self.kind == "number":
            return f"a number from {self.range[0]:g} to {self.range[1]:g}, or unknown"
        return "yes or no" if self.kind == "yes_no" else "no, left, right or both"

    def read(self, text: str) -> Answer:
        """An answer as typed. Raises ValueError."""
        word = text.strip().lower()
        if self.kind == "yes_no" and word in ("y", "yes", "n", "no"):
            return word[0] == "y"
        if self.kind == "side" and (word == "n" or word in SIDE_ANSWERS):
            return "no" if word == "n" else word
        if self.kind == "number":
            if word in ("", "unknown", "?"):
                return None
            number = float(word)
            if self.range[0] <= number <= self.range[1]:
                return number
        raise ValueError(self.allowed())

    def accepts(self, answer: object) -> bool:
        """Whether a stored answer is one."""
        if self.kind == "yes_no":
            return isinstance(answer, bool)
        if self.kind == "side":
            return answer in SIDE_ANSWERS
        if answer is None:
            return True
        plain = isinstance(answer, int | float) and not isinstance(answer, bool)
        return plain and self.range[0] <= float(str(answer)) <= self.range[1]

    def means_yes(self, answer: Answer) -> bool:
        return answer is True if self.kind == "yes_no" else self.kind == "side" and answer not in (None, "no")


@dataclass(frozen=True, slots=True)
class Questions:
    """The whole file."""

    version: int
    all: Mapping[str, Question]
    advice: Mapping[str, str]

    def asked(self, when: str) -> tuple[Question, ...]:
        """Those of the week, of the short check before a session, or of the day after one."""
        return tuple(question for question in self.all.values() if when in question.asked)


@cache
def questions() -> Questions:
    """The questions this version comes with."""
    text = files(__package__ or "companion.safety").joinpath("screening.toml").read_text(encoding="utf-8")
    return read_questions(text, "screening.toml")


def read_questions(text: str, name: str) -> Questions:
    """Parse and check. Raises ConfigError."""
    root = read_toml(text, name)
    root.allow(frozenset(("version", "questions", "advice")))
    advice = root.row("advice")
    return Questions(
        int(root.number("version", (1, 1000))),
        MappingProxyType({key: _question(key, row) for key, row in root.rows("questions")}),
        MappingProxyType({key: advice.text(key) for key in advice.row_keys()}),
    )


def _question(key: str, row: Reader) -> Question:
    row.allow(frozenset(("group", "ask", "kind", "factor", "skips", "range", "asked", "basis")))
    names = row.row_keys()
    group, kind = row.text("group"), row.text("kind", "yes_no")
    asked = row.texts("asked") or ("week",)
    skips = row.texts("skips")
    for value, options in ((group, GROUPS), (kind, KINDS), *((when, ASKED) for when in asked)):
        if value not in options:
            raise row.fail(f"{value} is not known here; allowed: {', '.join(options)}")
    for region in skips:
        if region not in regions():
            raise row.fail(f"skips names {region}; allowed: {', '.join(regions())}")
    factor = row.number("factor", (0.1, 1)) if "factor" in names else 1.0
    allowed = span(row) if kind == "number" else (0.0, 1.0)
    return Question(key, group, row.text("ask"), kind, factor, skips, allowed, asked, basis_of(row))


# --- what is kept of a person ---


@dataclass(frozen=True, slots=True)
class Screening:
    """The weekly answers."""

    at: datetime  # aware
    answers: Answers
    agreed: tuple[str, ...] = ()  # clinician-first questions answered yes, with which one has agreed
    agreed_by: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """The short check before a session."""

    at: datetime
    answers: Answers


class Standing(Enum):
    FREE = "free"
    EMERGENCY = "emergency"
    CLINICIAN = "clinician"  # until agreed
    NOW = "now"  # not today


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the answers mean at one moment."""

    standing: Standing
    screened: bool  # a week's answers and a fresh check are there
    factor_k: float  # without the first sessions' factor
    body_kg: float | None = None
    skipped: tuple[str, ...] = ()  # "calf left", "lumbar"
    reasons: tuple[str, ...] = ()  # the questions that were answered so
    factors: Mapping[str, float] = field(default_factory=dict)
    missing: str = ""  # why not screened: "never", "week", "check"

    @property
    def advice(self) -> str:
        return questions().advice.get(self.standing.value, "")


def judge(screening: Screening | None, check: Check | None, now: datetime) -> Verdict:
    """What stored answers mean. Old ones lose their good word, never their bad one."""
    asked = questions().all
    weekly = screening.answers if screening is not None else NO_ANSWERS
    fresh = check if check is not None and _within(check.at, now, timedelta(hours=rule("check_h"))) else None
    newer = check is not None and (screening is None or check.at >= screening.at)
    answers = {**weekly, **(check.answers if check is not None and newer else NO_ANSWERS)}
    said = [asked[key] for key, answer in answers.items() if key in asked and asked[key].means_yes(answer)]
    agreed = screening.agreed if screening is not None else ()
    recent = check is not None and _within(check.at, now, timedelta(hours=rule("now_h")))
    standing, reasons = _standing(said, agreed, recent)
    missing = _missing(screening, fresh, now)
    factors = {question.key: question.factor for question in said if question.factor < 1.0}
    weight = answers.get("body_kg")
    return Verdict(
        standing,
        screened=not missing,
        factor_k=combined_factor(factors.values(), screened=not missing),
        body_kg=weight if isinstance(weight, float | int) and not isinstance(weight, bool) else None,
        skipped=tuple(_skipped(said, answers)),
        reasons=reasons,
        factors=factors,
        missing=missing,
    )


def _standing(said: Iterable[Question], agreed: tuple[str, ...], recent: bool) -> tuple[Standing, tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    for question in said:
        if question.key not in agreed:
            groups.setdefault(question.group, []).append(question.ask)
    if "emergency" in groups:
        return Standing.EMERGENCY, tuple(groups["emergency"])
    if "clinician" in groups:
        return Standing.CLINICIAN, tuple(groups["clinician"])
    if "now" in groups and recent:
        return Standing.NOW, tuple(groups["now"])
    return Standing.FREE, ()


def _missing(screening: Screening | None, fresh: Check | None, now: datetime) -> str:
    if screening is None:
        return "never"
    if not _within(screening.at, now, timedelta(days=rule("screening_days"))):
        return "week"
    wanted = [question.key for question in questions().asked("week")]
    if any(key not in screening.answers for key in wanted):
        return "week"
    return "" if fresh is not None else "check"


def _within(at: datetime, now: datetime, span_: timedelta) -> bool:
    """Answers of the future are as good as none: a clock has jumped."""
    return timedelta(minutes=-5) <= now - at <= span_


def _skipped(said: Iterable[Question], answers: Answers) -> Iterable[str]:
    for question in said:
        side = answers[question.key]
        for region in question.skips:
            yield region if question.kind != "side" or side == "both" else f"{region} {side}"


def check_answers(answers: Mapping[str, object], when: str) -> dict[str, Answer]:
    """Answers as they come from outside. Raises ConfigError, naming the question and what is allowed."""
    asked = {question.key: question for question in questions().asked(when)}
    checked: dict[str, Answer] = {}
    for key, answer in answers.items():
        if key not in asked:
            raise ConfigError(f"{key} is no question here", f"the questions are: {', '.join(asked)}")
        if not asked[key].accepts(answer):
            raise ConfigError(f"{key} = {answer} is no answer", f"allowed is {asked[key].allowed()}")
        checked[key] = answer  # type: ignore[assignment]  # `accepts` has looked at it
    left = [key for key in asked if key not in checked]
    if left:
        raise ConfigError(f"not answered: {', '.join(left)}", f"{left[0]}: {asked[left[0]].ask}")
    return checked
