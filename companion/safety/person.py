"""What is kept of a person: answers, own limits, locked regions. Plain data, to and from JSON; knows no store.

Own limits are kept as point-equivalent pressure (Peq, kPa), so that they hold for every tool. Lowering is free.
Raising ends at the published limit times 1.2 and never passes the force cap; a stop is always judged as if nothing
had been raised.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from companion.errors import ConfigError
from companion.safety.days import rule
from companion.safety.dose import overlaps
from companion.safety.limits import SIDES, regions, whole_body
from companion.safety.screening import Answer, Answers, Check, Screening, questions
from sessions.events import Fields, Json


@dataclass(frozen=True, slots=True)
class OwnLimit:
    """What a person set for a region."""

    peq_kpa: float | None = None  # never more than this; None: as published
    raised: float = 1.0  # of the published limit; above 1 only where it was raised
    work_peq_kpa: float | None = None  # the top of the working range, from the guided test or set

    def factor(self, region: str, factor_k: float) -> float:
        """On the published pressure limits of a region, for a person of factor k."""
        base = regions()[region].base
        root = whole_body()["reference_area_cm2"] ** 0.5
        most = min(self.raised, whole_body()["raise_max"])
        if self.peq_kpa is not None:
            most = min(most, self.peq_kpa / (factor_k * base.peq_max_kpa))
        if self.work_peq_kpa is not None:
            most = min(most, self.work_peq_kpa / (factor_k * base.working_kpa[1] * root))
        return most


@dataclass(frozen=True, slots=True)
class Lock:
    """A region that is left alone: locked (a session there is refused), or at rest (it is only said)."""

    region: str
    side: str
    why: str
    until: datetime | None  # None: until the person says that it is gone
    refuses: bool = True

    def stands(self, now: datetime) -> bool:
        return self.until is None or now < self.until

    def covers(self, region: str, side: str) -> bool:
        return self.region == region and overlaps(self.side, side)


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    screening: Screening | None = None
    check: Check | None = None
    limits: Mapping[str, OwnLimit] = field(default_factory=lambda: MappingProxyType({}))
    locks: tuple[Lock, ...] = ()
    asked_after: str = ""  # the last session whose next day has been asked about

    def personal(self, factor_k: float) -> dict[str, float]:
        """Region -> factor, for the guard."""
        found = {region: own.factor(region, factor_k) for region, own in self.limits.items() if region in regions()}
        return {region: factor for region, factor in found.items() if factor != 1.0}

    def with_locks(self, *fresh: Lock) -> "Person":
        """Those there are and these; of the same place and reason the longer one stays."""
        kept = list(self.locks)
        for lock in fresh:
            same = [old for old in kept if (old.region, old.side, old.why) == (lock.region, lock.side, lock.why)]
            kept = [old for old in kept if old not in same]
            longest = max((*same, lock), key=lambda item: (item.until is None, item.until and item.until.timestamp()))
            kept.append(longest)
        return replace(self, locks=tuple(kept))

    def without_old(self, now: datetime) -> "Person":
        return replace(self, locks=tuple(lock for lock in self.locks if lock.stands(now)))


# --- what answers change ---


def screened(person: Person, answers: Answers, now: datetime) -> Person:
    """The weekly answers; they are a short check, too. A clinician's word stays for what was and still is yes."""
    before = person.screening
    kept = () if before is None else tuple(key for key in before.agreed if answers.get(key) is True)
    by = before.agreed_by if before is not None and kept else ""
    short = {
        question.key: answers[question.key] for question in questions().asked("session") if question.key in answers
    }
    return replace(person, screening=Screening(now, answers, kept, by), check=Check(now, short))


def checked_in(person: Person, answers: Answers, now: datetime) -> Person:
    """The short check. What it says anew no clinician has agreed to yet."""
    before = person.screening
    if before is not None:
        news = tuple(key for key in before.agreed if answers.get(key) is not True)
        before = replace(before, agreed=news)
    return replace(person, screening=before, check=Check(now, answers))


def agreed(person: Person, who: str) -> Person:
    """A clinician has agreed to every clinician-first answer there is."""
    asked = questions().all
    said: dict[str, Answer] = {}
    for part in (person.screening, person.check):
        said |= {} if part is None else dict(part.answers)
    yes = [asked[key] for key, answer in said.items() if asked[key].means_yes(answer)]
    keys = tuple(question.key for question in yes if question.group == "clinician")
    before = person.screening or Screening(datetime.fromtimestamp(0, UTC), {})
    return replace(person, screening=replace(before, agreed=keys, agreed_by=who))


def next_day(
    person: Person, session: str, places: Mapping[tuple[str, str], datetime], said: Answers, now: datetime
) -> Person:
    """The 48 h rule, and what locks. `places`: region and side of that session -> when it ended."""
    locks: list[Lock] = []
    soreness = said.get("soreness")
    for (region, side), ended in places.items():
        if isinstance(soreness, float | int) and soreness >= rule("sore_from"):
            rest_until = ended + timedelta(hours=rule("sore_rest_h"))
            locks.append(Lock(region, side, "sore the day after", rest_until, refuses=False))
        if said.get("bruise") is True or said.get("swelling") is True:
            locks.append(Lock(region, side, "a bruise or swelling", None))
        if said.get("numb_after") is True:
            locks.append(Lock(region, side, "numb or tingling", now + timedelta(hours=rule("symptom_lock_h"))))
    fresh = replace(person.with_locks(*locks), asked_after=session)
    if said.get("urine_after") is True:  # an emergency sign, whenever it comes
        fresh = replace(fresh, check=Check(now, {"dark_urine": True}))
    return fresh


# --- as JSON ---


def columns(person: Person) -> dict[str, dict[str, Json]]:
    """What is stored: three columns of JSON."""
    screening, check = person.screening, person.check
    return {
        "screening": {
            "version": questions().version,
            "week": None
            if screening is None
            else {
                "at": screening.at.isoformat(),
                "answers": dict(screening.answers),
                "agreed": list(screening.agreed),
                "agreed_by": screening.agreed_by,
            },
            "check": None if check is None else {"at": check.at.isoformat(), "answers": dict(check.answers)},
            "asked_after": person.asked_after,
        },
        "limits": {
            region: {"peq_kpa": own.peq_kpa, "raised": own.raised, "work_peq_kpa": own.work_peq_kpa}
            for region, own in person.limits.items()
        },
        "locks": {
            "all": [
                {
                    "region": lock.region,
                    "side": lock.side,
                    "why": lock.why,
                    "until": None if lock.until is None else lock.until.isoformat(),
                    "refuses": lock.refuses,
                }
                for lock in person.locks
            ]
        },
    }


def read_person(name: str, stored: Mapping[str, Fields]) -> Person:
    """From what `columns` gave. Raises ConfigError where it is none of that."""
    try:
        told: dict[str, Any] = dict(stored.get("screening") or {})
        own: dict[str, Any] = dict(stored.get("limits") or {})
        held: list[Any] = list((stored.get("locks") or {}).get("all") or ())  # type: ignore[arg-type]  # checked below
        person = Person(
            name,
            _screening(told.get("week")),
            _check(told.get("check")),
            MappingProxyType({str(region): OwnLimit(**row) for region, row in own.items()}),
            tuple(_lock(row) for row in held),
            str(told.get("asked_after") or ""),
        )
        person.personal(1.0)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        text = f"what is stored of {name} cannot be read: {error}"
        raise ConfigError(text, "answer the questions again: knead screen") from error
    return person


def _answers(told: Any) -> Answers:
    known = questions().all
    return MappingProxyType({key: told[key] for key in told if key in known and known[key].accepts(told[key])})


def _screening(told: Any) -> Screening | None:
    if told is None:
        return None
    agreed = tuple(str(key) for key in told["agreed"])
    return Screening(_moment(told["at"]), _answers(told["answers"]), agreed, str(told["agreed_by"]))


def _check(told: Any) -> Check | None:
    return None if told is None else Check(_moment(told["at"]), _answers(told["answers"]))


def _lock(row: Any) -> Lock:
    if row["region"] not in regions() or row["side"] not in SIDES:
        raise ValueError(f"{row['region']} {row['side']} is no region and side")
    until = None if row["until"] is None else _moment(row["until"])
    return Lock(row["region"], row["side"], str(row["why"]), until, bool(row["refuses"]))


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return at
