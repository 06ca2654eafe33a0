"""The rules that hold over days, and what every whole-body number rests on, read from days.toml."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from companion.safety.limits import regions, whole_body
from companion.safety.rows import basis_of, read_toml, span
from companion.safety.table import Reader

CONFIDENCE = "choice"


@dataclass(frozen=True, slots=True)
class Rule:
    """One number, with its unit and where it comes from."""

    key: str
    title: str
    value: float
    unit: str
    basis: tuple[str, ...]

    @property
    def source(self) -> str:
        return ", ".join(self.basis)


@dataclass(frozen=True, slots=True)
class DayTable:
    rules: Mapping[str, Rule]
    whole_body: Mapping[str, Rule]
    frequent: frozenset[str]


@cache
def day_table() -> DayTable:
    """The rules this version comes with. Raises ConfigError."""
    text = files(__package__ or "companion.safety").joinpath("days.toml").read_text(encoding="utf-8")
    return read_days(text, "days.toml")


def rule(key: str) -> float:
    return day_table().rules[key].value


def read_days(text: str, name: str) -> DayTable:
    """Parse and check. Raises ConfigError, one line that names file, row and what is allowed."""
    root = read_toml(text, name)
    root.allow(frozenset(("version", "rules", "frequent", "whole_body")))
    rules = {key: _rule(key, row) for key, row in root.rows("rules")}
    bodies = {key: _body(key, row) for key, row in root.rows("whole_body")}
    missing = sorted(set(whole_body()) - set(bodies))
    if missing:
        raise root.fail(f"whole_body: {missing[0]} has no row")
    frequent = root.row("frequent").texts("regions")
    for region in frequent:
        if region not in regions():
            raise root.fail(f"frequent: {region} is no region; allowed: {', '.join(regions())}")
    return DayTable(MappingProxyType(rules), MappingProxyType(bodies), frozenset(frequent))


def _rule(key: str, row: Reader) -> Rule:
    row.allow(frozenset(("value", "range", "unit", "title", "basis")))
    value = row.number("value", span(row))
    return Rule(key, row.text("title"), value, row.text("unit", ""), basis_of(row))


def _body(key: str, row: Reader) -> Rule:
    row.allow(frozenset(("unit", "title", "basis")))
    if key not in whole_body():
        raise row.fail(f"is not known; allowed: {', '.join(whole_body())}")
    return Rule(key, row.text("title"), whole_body()[key], row.text("unit", ""), basis_of(row))
