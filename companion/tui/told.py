"""A session's numbers and events as rows of text. Knows no Textual."""

import math
from collections import Counter
from collections.abc import Sequence

from companion.tui import words
from companion.tui.deck import Gap, SessionRow
from companion.tui.tones import Row, Tone
from sessions.about import About, CurveFigures
from sessions.events import Alert, Cue, Event, Fields, Notice, Phase, Reading, Totals

LINES_MAX = 2000  # of the log shown; a longer one says so
_ROUTINE = ("count", "breathe")  # of a program: said, not worth a line of the log
_LEVELS = ("stop", "caution", "technical", "notice")  # the worst first
_SHORT = {"technical": "tech"}
_ZONE_LETTERS = ("rest", "light", "work", "high", "over")


def number_rows(
    row: SessionRow, happened: Sequence[Event], gaps: Sequence[Gap], curve: CurveFigures, tags: Sequence[str] = ()
) -> list[Row]:
    """What one asks first of a session, from what was stored of it."""
    gap_s = sum(gap.to_s - gap.from_s for gap in gaps)
    pain = f"{_or_unknown(row.pain_before)} before, {_or_unknown(row.pain_after)} after"
    facts = (
        ("length", f"{words.clock(row.duration_s)}, contact {words.clock(row.contact_s)}"),
        ("kPa", f"mean {words.number(curve.mean_kpa)} p95 {words.number(curve.p95_kpa)} "
                f"peak {words.number(row.peak_kpa)}"),
        *_totals(happened, curve),
        ("alerts", _raised(happened)),
        ("gaps", f"{len(gaps)}, together {gap_s:.1f} s, {_or_unknown(row.lost)} scans lost"),
        ("pain", pain + (f"  tags {words.plain(' '.join(tags), 30)}" if tags else "")),
        ("note", words.plain(row.note or "", 200)),
    )  # fmt: skip
    return [((f" {name:<7}", Tone.QUIET), (text, Tone.PLAIN)) for name, text in facts if text]


def _totals(happened: Sequence[Event], curve: CurveFigures) -> list[tuple[str, str]]:
    regions = next((event.regions for event in reversed(happened) if isinstance(event, Totals)), ())
    minutes = None if curve.impulse_kpa_s is None else curve.impulse_kpa_s / 60
    impulse = f"impulse {words.number(minutes, 0 if minutes is not None and minutes >= 10 else 1)} kPa min"
    if not regions:
        return [("dose", f"{words.UNKNOWN}, {impulse}")]
    zones = [math.fsum(region.zone_s[place] for region in regions) for place in range(5)]
    whole = math.fsum(zones)
    shares = [100 * zone / whole if whole > 0 else math.nan for zone in zones]
    spent = [f"{name} {words.number(share)}" for name, share in zip(_ZONE_LETTERS, shares, strict=True)]
    dose, limit = math.fsum(region.dose_kpa_s for region in regions), regions[0].dose_limit_kpa_s
    of = f" ({100 * dose / limit:.0f} %)" if len(regions) == 1 and limit > 0 else ""
    holds = sum(region.holds for region in regions)
    return [
        ("zones", f"{' '.join(spent[:3])} %,"),
        ("", f"{' '.join(spent[3:])} %; {holds} holds"),
        ("dose", f"{words.number(dose)} kPa s{of}, {impulse}"),
    ]


def _raised(happened: Sequence[Event]) -> str:
    raised = Counter(
        event.level.name.lower()
        for event in happened
        if isinstance(event, Alert) and event.phase in (Phase.RAISED, Phase.ESCALATED)
    )
    known = [(name, raised.pop(name)) for name in _LEVELS if name in raised]
    return ", ".join(f"{_SHORT.get(level, level)} {count}" for level, count in [*known, *raised.items()]) or "none"


def provenance_lines(about: About) -> list[str]:
    """Where the numbers come from."""
    device, context = about.opened.device, about.opened.context
    calibration = device.get("cal_crc")
    calibrated = f"calibration {calibration:08x}" if isinstance(calibration, int) and calibration > 0 else ""
    if context.get("calibrated") is False:
        calibrated = "not calibrated"
    screened = "screened" if context.get("screened") is True else "not screened"
    lines = [
        f"ball   {words.device(device)}, firmware {_field(device, 'firmware')}",
        f"       {calibrated or 'calibration unknown'}",
        f"limits version {_field(context, 'limits_version')}, {screened}, factor {_field(context, 'factor_k')}",
        f"by     {words.plain(about.opened.software, 40)}; stored then, only a replay judges anew",
    ]
    if about.curve.damaged:
        lines.append(f"{about.curve.damaged} unreadable parts of the samples are not counted")
    return [f"        {line}" for line in lines]


def _field(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return words.UNKNOWN if value in (None, "") else words.plain(value, 20)


def _or_unknown(value: int | None) -> str:
    return words.UNKNOWN if value is None else str(value)


def _is_routine(event: Event) -> bool:
    """The ball says how it is every few seconds, and a program counts."""
    return (isinstance(event, Notice) and event.kind == "status") or (isinstance(event, Cue) and event.kind in _ROUTINE)


def log_lines(happened: Sequence[Event]) -> list[str]:
    """The events that are no measurement, one line each, with their session time."""
    shown = [event for event in happened if not (isinstance(event, Reading | Totals) or _is_routine(event))]
    lines = [f"{words.clock(event.t_s):>7} {words.event(event)}" for event in shown[:LINES_MAX]]
    if len(shown) > LINES_MAX:
        lines.append(f"        and {len(shown) - LINES_MAX} more")
    return lines
