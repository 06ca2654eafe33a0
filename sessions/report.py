"""A session as a page for reading: what is worth saying of it, and how sure one can be."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from sessions.events import Action, Alert, Notice, Phase, RegionTotals, Totals
from sessions.paper import Curve, Grid, Hole, Judged, Paper, Sign
from sessions.session import SessionData
from sessions.summary import envelope, statistics
from sessions.wording import amount, clean, number, place, span

BINS = 700  # more than the pixels of a column on paper
CONTACT_KPA = 5.0  # below it nothing lies on the ball; statistics are of the time above
NOTE_SIGNS = 1500
ZONES = ("light", "work", "high", "over")


def session_paper(data: SessionData, judged: Judged, *, person: str = "", software: str = "") -> Paper:
    """The page of one session; `person` as typed for it."""
    row = data.row
    regions = _regions(data)
    where = " and ".join(dict.fromkeys(place(each.region, each.side) for each in regions)) or place(
        row.region, row.side
    )
    simulated = "; simulated, not a person" if row.simulated else ""
    return Paper(
        title=f"Session of {row.started_at:%Y-%m-%d, %H:%M}",
        subtitle=f"{clean(where, 120)}, {span(row.duration_s)}, tool {clean(row.tool, 40)}{simulated}",
        person=clean(person, 80),
        figures=list(_figures(data, regions)),
        chart=_curve(data, judged),
        chart_words=_chart_words(data),
        grids=[_doses(regions), _warnings(data), _gaps(data)],
        words=list(_words(data)),
        facts=list(_facts(data, software)),
        judged=judged,
    )


def _regions(data: SessionData) -> Sequence[RegionTotals]:
    last: Sequence[RegionTotals] = ()
    for event in data.events:
        if isinstance(event, Totals):
            last = event.regions
    return last


def _figures(data: SessionData, regions: Sequence[RegionTotals]) -> Iterable[tuple[str, str, str]]:
    row = data.row
    on = np.where(data.pressure_kpa >= CONTACT_KPA, data.pressure_kpa, np.nan)
    told = statistics(data.t_s, on)
    yield "Peak pressure", amount(row.peak_kpa, "kPa"), amount(row.peak_force_n, "N")
    yield "Mean in contact", amount(told.mean, "kPa"), f"95 % of it below {amount(told.p95, 'kPa')}"
    yield "Contact", span(row.contact_s), f"of {span(row.duration_s)}"
    shares = [each.dose_kpa_s / each.dose_limit_kpa_s for each in regions if each.dose_limit_kpa_s > 0]
    highest = f"{100 * max(shares):.0f} %" if shares else "unknown"
    yield "Dose", highest, "of the limit of a session" + (", highest region" if len(shares) > 1 else "")
    stops, cautions = (row.alerts_by_level.get(level, 0) for level in ("stop", "caution"))
    yield "Warnings", count(stops, "stop"), count(cautions, "caution")
    told_pain = (row.pain_before, row.pain_after) != (None, None)
    pain = f"{score(row.pain_before)} → {score(row.pain_after)}" if told_pain else "unknown"
    yield "Pain, 0 to 10", pain, "before → after" if told_pain else "no score was given"


def _curve(data: SessionData, judged: Judged) -> Curve | None:
    if len(data.t_s) == 0:
        return None
    newtons = data.unit == "N"
    values = data.pressure_kpa if newtons else data.load
    start, end = float(data.t_s[0]), max(float(data.t_s[-1]), data.row.duration_s)
    low, high = envelope(data.t_s, values, BINS, from_s=start, to_s=end)
    return Curve(
        label="Mean contact pressure, kPa" if newtons else f"Load, {clean(data.unit, 20)} (not judged)",
        from_s=start,
        to_s=end,
        low=low,
        high=high,
        edges=judged.edges if newtons else (),
        holes=[Hole(gap.from_s, gap.to_s, clean(gap.cause, 40)) for gap in data.gaps],
        signs=list(_signs(data)),
        moves=list(_moves(data)),
    )


def _signs(data: SessionData) -> Iterable[Sign]:
    for event in data.events:
        match event:
            case Alert() if event.phase in (Phase.RAISED, Phase.ESCALATED):
                yield Sign(event.t_s, event.level, clean(event.text, 60))
            case Action(kind="mark") if event.t_s is not None:
                yield Sign(event.t_s, None, clean(str(event.fields.get("text") or "mark"), 60))
            case _:
                pass


def _moves(data: SessionData) -> Iterable[tuple[float, str]]:
    for event in data.events:
        if isinstance(event, Action) and event.kind in ("region", "side") and event.t_s is not None:
            told = [event.fields.get(name) for name in ("region", "side")]
            words = " ".join(clean(str(word), 30) for word in told if word and word != "both")
            if words:
                yield event.t_s, words


def _chart_words(data: SessionData) -> str:
    row = data.row
    gaps = f"; {count(len(data.gaps), 'gap')} in which nothing was received" if data.gaps else ""
    return f"Pressure over {span(row.duration_s)}: peak {amount(row.peak_kpa, 'kPa')}{gaps}."


def _doses(regions: Sequence[RegionTotals]) -> Grid:
    heads = ("Place", "Contact", "Dose, kPa s", "of limit", "Holds", "Peak", *(f"{zone}" for zone in ZONES))
    rows = []
    for each in regions:
        limit = each.dose_limit_kpa_s
        share = f"{100 * each.dose_kpa_s / limit:.0f} %" if limit > 0 else "unknown"
        rows.append(
            (
                clean(place(each.region, each.side), 40),
                span(each.contact_s),
                number(each.dose_kpa_s),
                share,
                str(each.holds),
                amount(each.peak_kpa, "kPa"),
                *(span(seconds) for seconds in each.zone_s[1:]),
            )
        )
    guessed = sum(each.estimated_s for each in regions if each.estimated_s > 0)
    note = f"{span(guessed)} of contact are estimated: the ball was not heard then." if guessed else ""
    return Grid("Dose, and time in each zone", heads, rows, "unknown: nobody judged this session", kept=4, note=note)


def _warnings(data: SessionData) -> Grid:
    rows = []
    for event in data.events:
        if isinstance(event, Alert) and event.phase in (Phase.RAISED, Phase.ESCALATED):
            value = _measured(event)
            words = clean(event.text, 70)
            where = clean(place(event.region, event.side), 40)
            rows.append((_clock(event.t_s), event.level.name.lower(), words, value, where))
    levels = data.row.alerts_by_level
    told = ", ".join(
        count(levels[name], name) for name in ("stop", "technical", "caution", "notice") if levels.get(name)
    )
    return Grid("Warnings", ("At", "Level", "Said", "Value", "Place"), rows, kept=6, note=told)


def _measured(alert: Alert) -> str:
    """`81.2 of 72.2 kPa`; a part of a limit without a unit as `82 %`."""
    if alert.value is None:
        return ""
    if alert.limit == 1.0 and not alert.unit:
        return f"{100 * alert.value:.0f} % of the limit"
    limit = "" if alert.limit is None else f" of {number(alert.limit, 1)}"
    return f"{number(alert.value, 1)}{limit} {clean(alert.unit, 12)}".rstrip()


def _gaps(data: SessionData) -> Grid:
    rows = [
        (
            f"{_clock(gap.from_s)} to {_clock(gap.to_s)}",
            f"{gap.to_s - gap.from_s:.1f} s",
            str(gap.lost) if gap.lost else "unknown",
            clean(gap.cause, 60) or "unknown",
        )
        for gap in data.gaps
    ]
    return Grid(
        "Gaps: what was not received, and is not filled in", ("From, to", "Length", "Scans lost", "Cause"), rows, kept=3
    )


def _words(data: SessionData) -> Iterable[tuple[str, str]]:
    row = data.row
    symptoms = [
        f"{clean(str(event.fields.get('symptom') or 'pain'), 40)} at {_clock(event.t_s or 0.0)}"
        for event in data.events
        if isinstance(event, Action) and event.kind == "symptom"
    ]
    if symptoms:
        yield "Symptoms told during the session", "; ".join(symptoms[:10])
    if row.note:
        lines = [clean(line, NOTE_SIGNS) for line in row.note[: 2 * NOTE_SIGNS].splitlines()]
        text = "\n".join(line for line in lines if line)
        yield (
            "Note",
            text if len(text) <= NOTE_SIGNS and len(row.note) <= 2 * NOTE_SIGNS else text[:NOTE_SIGNS] + " [cut]",
        )
    if row.tags:
        yield "Tags", ", ".join(clean(tag, 40) for tag in row.tags[:20])


def _facts(data: SessionData, software: str) -> Iterable[tuple[str, str]]:
    row, opened = data.row, data.opened
    device = opened.device
    links = sum(
        isinstance(event, Notice) and event.kind == "link" and event.fields.get("state") == "lost"
        for event in data.events
    )
    yield "Session", row.id + ("" if row.state == "complete" else f", {row.state}")
    told = [clean(str(device.get(name) or ""), 40) for name in ("vendor", "model", "serial")]
    firmware = device.get("firmware")
    yield (
        "Ball",
        " ".join(filter(None, [*told, f"firmware {clean(str(firmware), 20)}" if firmware else ""])) or "unknown",
    )
    calibration = device.get("cal_crc")
    yield "Calibration", f"{calibration:08x}" if isinstance(calibration, int) and calibration else "unknown"
    yield "Contact area", amount(opened.area_cm2, "cm²", 1)
    lost = max(row.lost or 0, sum(gap.lost for gap in data.gaps))  # a link that was away is a gap, and no count
    yield "Samples", f"{len(data.t_s)} received, {lost} known to be lost; the link was lost {count(links, 'time')}"
    if row.program:
        yield "Program", clean(row.program, 60)
    yield "Limits version", clean(str(opened.context.get("limits_version", "unknown")), 20)
    yield "Recorded by", clean(opened.software, 40) or "unknown"
    if software:
        yield "Report by", clean(software, 40)


def _clock(t_s: float) -> str:
    """`1:05`, `1:02:03`."""
    whole = max(math.floor(t_s), 0)
    return (
        f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
        if whole >= 3600
        else f"{whole // 60}:{whole % 60:02}"
    )


def score(score: int | None) -> str:
    return "unknown" if score is None else str(score)


def count(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 or word == 'technical' else 's'}"
