"""A filter as conditions of the database, and the orders a list may have."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, not_, or_, select

from sessions.digest import DIGEST
from sessions.filters import ALL, SORTS, TEXT, Filter, FilterError, Term, microseconds
from sessions.reading import LINE, TABLES
from sessions.schema import DEVICE, PERSON, REGION, SESSION

Condition = ColumnElement[bool]

_CHANGE = SESSION.c.pain_after - SESSION.c.pain_before
_LOCAL_US = SESSION.c.started_us + SESSION.c.utc_offset_s * 1_000_000
_ORDERS: Mapping[str, ColumnElement[Any]] = {
    "date": SESSION.c.started_us,
    "length": SESSION.c.duration_s,
    "peak": SESSION.c.peak_kpa,
    "contact": SESSION.c.contact_s,
    "pain": func.coalesce(SESSION.c.pain_after, SESSION.c.pain_before),
    "change": _CHANGE,
    "area": SESSION.c.region,
    "program": SESSION.c.program,
}


def found(wanted: Filter, sort: str = "-date") -> Select[Any]:
    """The lines that fit. A sort is one of SORTS, falling with a `-` before it; what is unknown comes last."""
    name = sort.removeprefix("-")
    if name not in SORTS:
        raise FilterError(
            f"Sessions cannot be sorted by {name!r}.", f"By {' '.join(SORTS)}; -date is the newest first."
        )
    column = _ORDERS[name]
    order = column.desc() if sort.startswith("-") else column.asc()
    return _narrowed(select(*LINE), wanted).order_by(
        order.nulls_last(), SESSION.c.started_us.desc(), SESSION.c.id.desc()
    )


def counted(wanted: Filter) -> Select[Any]:
    """How many fit, and how many of them are simulated."""
    columns: tuple[Any, ...] = (func.count(), func.sum(cast(SESSION.c.simulated, SESSION.c.id.type)))
    return _narrowed(select(*columns), wanted)


def needs_words(wanted: Filter) -> bool:
    """Whether the digest must be up to date."""
    return any(term.key == TEXT for term in wanted.terms)


def _narrowed(statement: Select[Any], wanted: Filter) -> Select[Any]:
    statement = statement.select_from(TABLES)
    return statement if wanted == ALL else statement.where(*_conditions(wanted))


def _conditions(wanted: Filter) -> list[Condition]:
    conditions = []
    places: dict[str, str] = {}
    for term in wanted.terms:
        positive = term.key in ("area", "side") and not term.negated
        if positive and places.setdefault(term.key, str(term.value)) == term.value:
            continue  # area and side are looked for in one and the same place
        condition = _CONDITIONS[term.key](term)
        conditions.append(not_(condition) if term.negated else condition)
    if places:
        conditions.append(_place(places))
    return conditions


def _place(wanted: Mapping[str, str]) -> Condition:
    columns = {"area": "region", "side": "side"}
    first = and_(*(SESSION.c[columns[key]] == value for key, value in wanted.items()))
    later = and_(*(REGION.c[columns[key]] == value for key, value in wanted.items()))
    return or_(first, SESSION.c.id.in_(select(REGION.c.session_id).where(later)))


def _compared(column: ColumnElement[Any], term: Term) -> Condition:
    return _TESTS[term.test](column, term.value)


_TESTS: Mapping[str, Callable[[ColumnElement[Any], Any], Condition]] = {
    "=": lambda column, value: column == value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "?": lambda column, _value: column.is_(None),
}


def _number(column: ColumnElement[Any]) -> Callable[[Term], Condition]:
    return lambda term: _compared(column, term)


def _pain(term: Term) -> Condition:
    """Either score; unknown where one of them is."""
    return or_(_compared(SESSION.c.pain_before, term), _compared(SESSION.c.pain_after, term))


def _alerts(level: str) -> Callable[[Term], Condition]:
    count = func.coalesce(SESSION.c.alerts[level].as_integer(), 0)
    return lambda term: _compared(count, term)


def _named(column: ColumnElement[Any]) -> Callable[[Term], Condition]:
    return lambda term: func.lower(func.coalesce(column, "")) == term.value


def _like(column: ColumnElement[Any]) -> Callable[[Term], Condition]:
    def condition(term: Term) -> Condition:
        text = func.lower(func.coalesce(column, ""))
        return text == "" if term.test == "?" else text.contains(str(term.value), autoescape=True)

    return condition


def _tag(term: Term) -> Condition:
    text = func.lower(cast(SESSION.c.tags, Text))
    return text == "[]" if term.test == "?" else text.contains(json.dumps(term.value).lower(), autoescape=True)


def _since(term: Term) -> Condition:
    assert isinstance(term.value, datetime)
    moment = microseconds(term.value)
    return moment <= _LOCAL_US if term.test == ">=" else moment > _LOCAL_US


def _words(term: Term) -> Condition:
    holding = select(DIGEST.c.session_id).where(DIGEST.c.words.contains(str(term.value), autoescape=True))
    return SESSION.c.id.in_(holding)


_BALL = func.coalesce(func.nullif(DEVICE.c.serial, ""), func.nullif(DEVICE.c.model, ""), DEVICE.c.kind)
_CONDITIONS: Mapping[str, Callable[[Term], Condition]] = {
    "person": _named(PERSON.c.name),
    "area": lambda term: _place({"area": str(term.value)}),
    "side": lambda term: _place({"side": str(term.value)}),
    "program": _like(SESSION.c.program),
    "tool": _named(SESSION.c.tool),
    "ball": _like(_BALL),
    "state": _named(SESSION.c.state),
    "tag": _tag,
    TEXT: _words,
    "since": _since,
    "until": _since,
    "pain": _pain,
    "before": _number(SESSION.c.pain_before),
    "after": _number(SESSION.c.pain_after),
    "change": _number(_CHANGE),
    "peak": _number(SESSION.c.peak_kpa),
    "length": _number(SESSION.c.duration_s),
    "contact": _number(SESSION.c.contact_s),
    "stop": _alerts("stop"),
    "caution": _alerts("caution"),
    "sensor": _alerts("technical"),
    "simulated": lambda term: SESSION.c.simulated.is_(bool(term.value)),
    "noted": lambda term: (SESSION.c.note != "") if term.value else (SESSION.c.note == ""),
}
