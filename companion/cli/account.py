"""What happened in a session, told from its row and its events."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from companion.cli.figures import figure_lines, figures_json, provenance
from companion.cli.program_told import program_lines
from companion.cli.text import DISCLAIMER, amount, clean, measured, place, span
from sessions.events import Action, Alert, Event, Json, Notice, Phase, RegionTotals, Totals
from sessions.session import Gap, gaps_of
from sessions.steps import ProgramDone, program_done

if TYPE_CHECKING:
    from sessions.about import About
    from sessions.session import SessionRow

_LINES_MAX = 200  # alerts or gaps printed; --json has them all


@dataclass(frozen=True, slots=True)
class Account:
    row: "SessionRow"
    regions: tuple[RegionTotals, ...]
    alerts: tuple[Alert, ...]
    gaps: tuple[Gap, ...]
    links_lost: int
    about: "About | None" = None  # stored figures and provenance
    marks: tuple[Action, ...] = ()
    program: ProgramDone | None = None
    felt: tuple[Action, ...] = ()  # symptoms, and the pain of holds

    def to_json(self) -> dict[str, Json]:
        return {
            **self.row.to_json(),
            "regions": [_fields(region, RegionTotals.__slots__) for region in self.regions],
            "alerts": [
                _fields(alert, Alert.__slots__) | {"level": alert.level.name.lower(), "phase": alert.phase.value}
                for alert in self.alerts
            ],
            "gaps": [_fields(gap, Gap.__slots__) for gap in self.gaps],
            "links_lost": self.links_lost,
            "guided": None if self.program is None else self.program.to_json(),
            "steps": [] if self.program is None else [step.to_json() for step in self.program.steps],
            "marks": [{"t_s": mark.t_s, "text": _mark_text(mark)} for mark in self.marks],
            "felt": [{"t_s": felt.t_s, "kind": felt.kind, **felt.fields} for felt in self.felt],
            **({} if self.about is None else figures_json(self.about)),
        }

    def lines(self) -> Iterator[str]:
        yield from self._head()
        if self.program is not None:
            yield from program_lines(self.program)
        for region in self.regions:
            yield from _region(region)
        if self.about is not None:
            yield from provenance(self.about)
        yield from _listed("Marks", [f"{mark.t_s or 0.0:8.1f} s  {clean(_mark_text(mark))}" for mark in self.marks])
        if self.felt:
            yield from _listed("Felt", [f"{felt.t_s or 0.0:8.1f} s  {_felt_text(felt)}" for felt in self.felt])
        yield from _listed("Alerts", [_alert(alert) for alert in self.alerts])
        yield from _listed("Gaps", [_gap(gap) for gap in self.gaps])
        yield ""
        yield click.wrap_text(DISCLAIMER, 79)

    def _head(self) -> Iterator[str]:
        row = self.row
        state = f"{row.state}, simulated" if row.simulated else row.state
        yield f"Session   {row.id}, {state}"
        yield f"Started   {row.started_at:%Y-%m-%d %H:%M:%S}, lasted {span(row.duration_s)}"
        yield f"Person    {clean(row.person)}"
        yield f"Ball      {clean(row.device or 'unknown')}"
        yield f"Place     {clean(place(row.region, row.side))}, tool {clean(row.tool)}"
        if row.program:
            yield f"Program   {clean(row.program)}"
        yield f"Contact   {span(row.contact_s)}"
        yield f"Peak      {amount(row.peak_kpa, 'kPa')}, {amount(row.peak_force_n, 'N')}"
        if self.about is not None:
            yield from figure_lines(self.about.curve)
        if row.pain_before is not None or row.pain_after is not None:
            yield f"Pain      {_pain(row.pain_before)} before, {_pain(row.pain_after)} after"
        lost = "" if row.lost is None else f", {row.lost} scans lost"
        if row.lost is not None and row.scans:
            lost += f" ({100 * row.lost / (row.lost + row.scans):.2g} %)"
        yield f"Link      lost {self.links_lost} time{'' if self.links_lost == 1 else 's'}{lost}"
        if row.tags:
            yield f"Tags      {' '.join(clean(tag, 40) for tag in row.tags)}"
        if row.note:
            yield f"Note      {clean(row.note, 2000)}"


def account(row: "SessionRow", events: Iterable[Event], about: "About | None" = None) -> Account:
    """Tell a session. Only its last totals count: each includes those before."""
    events = list(events)
    regions: tuple[RegionTotals, ...] = ()
    alerts, marks, felt, links_lost = [], [], [], 0
    for event in events:
        match event:
            case Totals():
                regions = event.regions
            case Alert():
                alerts.append(event)
            case Action(kind="mark"):
                marks.append(event)
            case Action(kind="symptom"):
                felt.append(event)
            case Action(kind="pain") if event.fields.get("when") == "hold":
                felt.append(event)
            case Notice(kind="link") if event.fields.get("state") == "lost":
                links_lost += 1
            case _:
                pass
    return Account(
        row, regions, tuple(alerts), gaps_of(events), links_lost, about, tuple(marks), program_done(events), tuple(felt)
    )


def _felt_text(felt: Action) -> str:
    """`pain 6 of 10 after a hold`; `numb, at 31 kPa, told by squeeze`."""
    if felt.kind == "pain":
        return f"pain {clean(str(felt.fields.get('value')), 3)} of 10 after a hold"
    what = felt.fields.get("symptom") or "pain, numb or tingling"
    kpa, peak, by = (felt.fields.get(name) for name in ("pressure_kpa", "left_peak_kpa", "by"))
    parts = [clean(str(what), 40)]
    if isinstance(kpa, int | float):
        parts.append(f"at {amount(float(kpa), 'kPa')}")
    if isinstance(peak, int | float):
        parts.append(f"up to {amount(float(peak), 'kPa')} before")
    if isinstance(by, str):
        parts.append(f"told by {clean(by, 20)}")
    return ", ".join(parts)


def _mark_text(mark: Action) -> str:
    return " ".join(value for value in mark.fields.values() if isinstance(value, str))


def _region(region: RegionTotals) -> Iterator[str]:
    where = clean(place(region.region, region.side))
    limit = region.dose_limit_kpa_s
    part = f" of {limit:.0f} kPa s ({100 * region.dose_kpa_s / limit:.0f} %)" if limit > 0 else " kPa s"
    yield f"Dose      {where}: {amount(region.dose_kpa_s, '')}{part}, contact {span(region.contact_s)}"
    zones = zip(("rest", "light", "work", "high", "over"), region.zone_s, strict=True)
    spent = ", ".join(f"{name} {span(seconds)}" for name, seconds in zones if seconds != 0)
    holds = f"{region.holds} hold{'' if region.holds == 1 else 's'}"
    yield f"          {holds}" + (f"; {spent}" if spent else "")
    if region.estimated_s > 0:
        yield f"          {span(region.estimated_s)} of it estimated: the ball was not heard then"


def _listed(title: str, lines: list[str]) -> Iterator[str]:
    yield f"{title:<10}{len(lines) or 'none'}"
    for line in lines[:_LINES_MAX]:
        yield f"  {line}"
    if len(lines) > _LINES_MAX:
        yield f"  and {len(lines) - _LINES_MAX} more: knead sessions show --json has them all"


def _alert(alert: Alert) -> str:
    phase = "" if alert.phase is Phase.RAISED else f" {alert.phase.value}"
    told = ""
    if alert.value is not None and alert.phase in (Phase.RAISED, Phase.ESCALATED):
        told = f" ({measured(alert.value, alert.limit, alert.unit)})"
    where = clean(place(alert.region, alert.side))
    level = "" if alert.phase in (Phase.CLEARED, Phase.CONFIRMED) else f" {alert.level.name.lower()}"
    return f"{alert.t_s:8.1f} s {level}{phase} {clean(alert.cause)}: {clean(alert.text)}{told}, {where}".replace(
        "  ", " "
    )


def _gap(gap: Gap) -> str:
    lost = f", {gap.lost} scans lost" if gap.lost else ""
    return f"{gap.from_s:.1f} s to {gap.to_s:.1f} s: {clean(gap.cause)}, {gap.to_s - gap.from_s:.1f} s{lost}"


def _pain(score: int | None) -> str:
    return "unknown" if score is None else f"{score} of 10"


def _fields(value: object, names: Iterable[str]) -> dict[str, Json]:
    """As JSON: NaN, where a number is not known, becomes null."""
    return {name: _json(getattr(value, name)) for name in names}


def _json(value: Json | tuple[float, ...]) -> Json:
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    return None if isinstance(value, float) and value != value else value
