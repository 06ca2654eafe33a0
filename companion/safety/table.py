"""The limits as data: regions, tools, blocked sites and their sources, read from a checked TOML file.

A wrong value is a `ConfigError` of one line that names file, row and what is allowed there.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from companion.errors import ConfigError

Row = Mapping[str, object]
Range = tuple[float, float]

# What a number may be; beyond it is a slip of the pen.
REGION_RANGES: Mapping[str, Range] = {
    "peq_max_kpa": (50, 600),
    "mean_max_kpa": (10, 180),
    "force_max_n": (20, 220),
    "force_cap_n": (20, 220),
    "hold_s": (5, 120),
    "rest_s": (10, 300),
    "session_s": (30, 900),
    "day_s": (30, 1800),
    "dose_kpa_s": (1000, 24000),
    "dose_safety_factor": (6, 100),
}
WORKING_RANGES: Mapping[str, Range] = {"working_kpa": (5, 150), "working_n": (5, 180)}
WHOLE_BODY_RANGES: Mapping[str, Range] = {
    "reference_area_cm2": (1, 100),
    "ramp_advise_kpa_s": (10, 150),
    "ramp_notice_kpa_s": (50, 150),
    "ramp_caution_kpa_s": (100, 300),
    "ramp_from_working": (0.05, 0.5),
    "ramp_onset_s": (0.5, 10),
    "session_advise_s": (60, 1800),
    "session_s": (60, 1800),
    "first_sessions": (0, 30),
    "first_session_s": (60, 1800),
    "day_s": (60, 1800),
    "day_dose_factor": (1, 1.5),
    "same_region_rest_h": (1, 72),
    "calibration_factor": (0.1, 1),
    "unscreened_factor": (0.1, 1),
    "factor_floor": (0.1, 1),
    "raise_max": (1, 1.2),
    "roller_body_weight": (0.1, 0.5),
    "roller_body_kg": (30, 100),
    "full_scale_margin": (1, 2),
    "full_scale_part": (0.1, 1),
}
AREA_RANGE: Range = (0.5, 200)
CONFIDENCES = ("medium", "low-medium", "low", "choice")
FLAGS = ("bony", "midline", "sided", "roll_only", "light_only", "off_by_default")


@dataclass(frozen=True, slots=True)
class RegionLimits:
    """One row of limits, for one contact area and one factor k. As in the file: 12 cm2 and k = 1."""

    peq_max_kpa: float
    force_max_n: float
    force_cap_n: float | None  # reached, it is a stop; None for a roller
    working_kpa: tuple[float, float]  # mean contact pressure
    hold_s: float  # at the top of the working range
    rest_s: float
    session_s: float
    day_s: float
    dose_kpa_s: float
    area_cm2: float = 12.0

    @property
    def mean_max_kpa(self) -> float:
        """The mean contact pressure where the ratio x is 1."""
        return min(self.peq_max_kpa / math.sqrt(self.area_cm2), 10.0 * self.force_max_n / self.area_cm2)


@dataclass(frozen=True, slots=True)
class Region:
    """One row of the table, with where it comes from."""

    key: str
    title: str
    base: RegionLimits
    mean_max_kpa: float
    working_n: tuple[float, float]
    advise_s: float | None
    dose_safety_factor: float
    basis: tuple[str, ...]  # source codes and reasons
    confidence: str
    day_group: str
    bony: bool
    midline: bool
    sided: bool
    roll_only: bool
    light_only: bool
    off_by_default: bool
    tools: tuple[str, ...]  # empty: any

    @property
    def source(self) -> str:
        return ", ".join(self.basis)


@dataclass(frozen=True, slots=True)
class Tool:
    key: str
    title: str
    area_cm2: float  # effective contact area
    ball_code: int  # the ball's own word for it
    roller: bool


@dataclass(frozen=True, slots=True)
class Barred:
    """A site no limit makes fit, or a tool that is only explained."""

    key: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class LimitTable:
    """The whole file."""

    version: int
    whole_body: Mapping[str, float]
    regions: Mapping[str, Region]
    tools: Mapping[str, Tool]
    explained: Mapping[str, Barred]
    blocked: Mapping[str, Barred]
    sources: Mapping[str, str]


def read_table(text: str, name: str) -> LimitTable:
    """Parse and check. Raises ConfigError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: {error}", "mend the file, or put the original back") from error
    root = _Reader(name, document)
    root.allow(_TABLES)
    regions = {key: _region(row, key) for key, row in root.rows("regions")}
    tools = {key: _tool(row, key) for key, row in root.rows("tools")}
    sources = {key: root.row("sources").text(key) for key in root.row("sources").row_keys()}
    table = LimitTable(
        version=int(root.number("version", (1, 1000))),
        whole_body=MappingProxyType(
            {key: root.row("whole_body").number(key, r) for key, r in WHOLE_BODY_RANGES.items()}
        ),
        regions=MappingProxyType(regions),
        tools=MappingProxyType(tools),
        explained=MappingProxyType({key: _barred(row, key) for key, row in root.rows("explained")}),
        blocked=MappingProxyType({key: _barred(row, key) for key, row in root.rows("blocked")}),
        sources=MappingProxyType(sources),
    )
    _check_references(table, root)
    return table


class _Reader:
    """A table of the file that knows its own name, so that every complaint has an address."""

    def __init__(self, where: str, row: object) -> None:
        if not isinstance(row, dict):
            raise ConfigError(f"{where} is not a table", "mend the file, or put the original back")
        self.where = where
        self._row: dict[str, object] = row

    def fail(self, what: str) -> ConfigError:
        return ConfigError(f"{self.where}: {what}", "mend the row, or put the original file back")

    def row_keys(self) -> list[str]:
        return list(self._row)

    def value(self, key: str) -> object:
        """As it stands in the file; None where it does not."""
        return self._row.get(key)

    def row(self, key: str) -> "_Reader":
        if key not in self._row:
            raise self.fail(f"the table {key} is missing")
        return _Reader(f"{self.where}: {key}", self._row[key])

    def rows(self, key: str) -> list[tuple[str, "_Reader"]]:
        table = self.row(key)
        return [(name, table.row(name)) for name in table.row_keys()]

    def allow(self, names: frozenset[str]) -> None:
        unknown = sorted(set(self._row) - names)
        if unknown:
            raise self.fail(f"{unknown[0]} is not known here; allowed: {', '.join(sorted(names))}")

    def number(self, key: str, allowed: Range) -> float:
        return self._within(key, self._row.get(key), allowed)

    def pair(self, key: str, allowed: Range) -> tuple[float, float]:
        value = self._row.get(key)
        if not isinstance(value, list) or len(value) != 2:
            raise self.fail(f"{key} must be two numbers [from, to] of {allowed[0]:g} to {allowed[1]:g}")
        low, high = (self._within(key, item, allowed) for item in value)
        if low >= high:
            raise self.fail(f"{key} = [{low:g}, {high:g}] must rise")
        return low, high

    def text(self, key: str, default: str | None = None) -> str:
        value = self._row.get(key, default)
        if not isinstance(value, str) or (not value.strip() and default is None):
            raise self.fail(f"{key} must be a text")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self._row.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(f"{key} must be true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._row.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self.fail(f"{key} must be a list of texts")
        return tuple(value)

    def _within(self, key: str, value: object, allowed: Range) -> float:
        low, high = allowed
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            given = "is missing" if value is None else f"= {value}"
            raise self.fail(f"{key} {given}; allowed is a number of {low:g} to {high:g}")
        return float(value)


_TABLES = frozenset(("version", "whole_body", "regions", "tools", "explained", "blocked", "sources"))
_REGION_COLUMNS = frozenset(
    (*REGION_RANGES, *WORKING_RANGES, *FLAGS, "title", "advise_s", "basis", "confidence", "day_group", "tools")
)


def _region(row: _Reader, key: str) -> Region:
    row.allow(_REGION_COLUMNS)
    numbers = {column: row.number(column, allowed) for column, allowed in REGION_RANGES.items()}
    pairs = {column: row.pair(column, allowed) for column, allowed in WORKING_RANGES.items()}
    mean_max, factor = numbers.pop("mean_max_kpa"), numbers.pop("dose_safety_factor")
    confidence = row.text("confidence")
    if confidence not in CONFIDENCES:
        raise row.fail(f"confidence = {confidence}; allowed: {', '.join(CONFIDENCES)}")
    if numbers["force_max_n"] > numbers["force_cap_n"]:
        raise row.fail(f"force_max_n = {numbers['force_max_n']:g}; allowed is up to force_cap_n")
    if pairs["working_kpa"][1] >= mean_max:
        raise row.fail(f"working_kpa ends at {pairs['working_kpa'][1]:g}; allowed is below mean_max_kpa")
    if numbers["session_s"] > numbers["day_s"]:
        raise row.fail(f"session_s = {numbers['session_s']:g}; allowed is up to day_s")
    return Region(
        key=key,
        title=row.text("title"),
        base=RegionLimits(working_kpa=pairs["working_kpa"], **numbers),
        mean_max_kpa=mean_max,
        working_n=pairs["working_n"],
        advise_s=row.number("advise_s", (30, numbers["session_s"])) if "advise_s" in row.row_keys() else None,
        dose_safety_factor=factor,
        basis=row.texts("basis"),
        confidence=confidence,
        day_group=row.text("day_group", key),
        tools=row.texts("tools"),
        **{flag: row.flag(flag, flag == "sided") for flag in FLAGS},
    )


def _tool(row: _Reader, key: str) -> Tool:
    row.allow(frozenset(("title", "area_cm2", "ball_code", "roller")))
    code = int(row.number("ball_code", (1, 255)))
    return Tool(key, row.text("title"), row.number("area_cm2", AREA_RANGE), code, row.flag("roller", False))


def _barred(row: _Reader, key: str) -> Barred:
    row.allow(frozenset(("title", "why", "basis")))
    return Barred(key, row.text("title"), row.text("why"))


def _check_references(table: LimitTable, root: _Reader) -> None:
    for region in table.regions.values():
        for tool in region.tools:
            if tool not in table.tools:
                raise root.fail(f"regions: {region.key}: tools names {tool}; allowed: {', '.join(table.tools)}")
        if not region.basis:
            raise root.fail(f"regions: {region.key}: basis is missing; every row names its source")
        for code in region.basis:
            if code[:1] in "FM" and code[1:2].isdigit() and code not in table.sources:
                raise root.fail(f"regions: {region.key}: basis names {code}, which is not in sources")
    for part, row, rows in (("regions", "unknown", table.regions), ("tools", "hard", table.tools)):
        if row not in rows:
            raise root.fail(f"{part}: the row {row} is missing")


Reader = _Reader  # the other tables of this package are read the same way
