"""Seven days as a page: what was done, how it felt; how many told, and no word on what caused what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean

from sessions.events import Json
from sessions.paper import Bars, Grid, Judged, Paper
from sessions.report import count, score
from sessions.session import SessionRow
from sessions.store import RegionRecord, Store
from sessions.wording import amount, clean, number, place, span

DAYS = 7
BARS_MOST = 5  # regions told apart in the chart; the least are put together


@dataclass(frozen=True, slots=True)
class Week:
    """The sessions of seven days of one person."""

    first: date
    rows: Sequence[SessionRow]  # the oldest first, none simulated
    records: Sequence[RegionRecord]
    simulated: int  # left out
    contexts: Sequence[tuple[str, dict[str, Json]]]  # region, guard context; later ones follow

    def paper(self, judged: Judged, *, person: str = "", software: str = "") -> Paper:
        last = self.first + timedelta(days=DAYS - 1)
        left_out = f"; {count(self.simulated, 'simulated session')} left out" if self.simulated else ""
        return Paper(
            title=f"Week from {self.first:%Y-%m-%d} to {last:%Y-%m-%d}",
            subtitle=f"{count(len(self.rows), 'session')}{left_out}",
            person=clean(person, 80),
            figures=list(self._figures()),
            chart=self._bars() if self.records else None,
            chart_words="Minutes of contact on each day, by region.",
            grids=[self._regions(), self._sessions()],
            words=[("Pain", self._pain())],
            facts=[("Report by", clean(software, 40))] if software else [],
            judged=judged,
        )

    def _figures(self) -> list[tuple[str, str, str]]:
        contact = [row.contact_s for row in self.rows if row.contact_s is not None]
        days = len({row.started_at.date() for row in self.rows})
        levels = [row.alerts_by_level for row in self.rows]
        stops, cautions = (sum(level.get(name, 0) for level in levels) for name in ("stop", "caution"))
        peaks = [row.peak_kpa for row in self.rows if row.peak_kpa is not None]
        change = self._change()
        unknown = len(self.rows) - len(contact)
        return [
            ("Sessions", str(len(self.rows)), f"on {days} of {DAYS} days"),
            ("Contact", span(sum(contact)) if contact else "unknown", f"{unknown} unknown" if unknown else "in all"),
            ("Highest peak", amount(max(peaks, default=None), "kPa"), "of all sessions"),
            ("Warnings", count(stops, "stop"), count(cautions, "caution")),
            (
                "Pain change",
                f"{fmean(change):+.1f}" if change else "unknown",
                f"mean of {len(change)} of {len(self.rows)} that told both",
            ),
        ]

    def _change(self) -> list[int]:
        return [
            row.pain_after - row.pain_before
            for row in self.rows
            if row.pain_before is not None and row.pain_after is not None
        ]

    def _bars(self) -> Bars:
        days = [self.first + timedelta(days=day) for day in range(DAYS)]
        minutes: dict[str, list[float]] = {}
        for record in self.records:
            day = (record.started_at.date() - self.first).days
            seconds = record.totals.contact_s
            row = minutes.setdefault(record.totals.region, [0.0] * DAYS)
            row[day] += seconds / 60 if seconds > 0 else 0.0
        ranked = sorted(minutes.items(), key=lambda item: (-sum(item[1]), item[0]))
        shown, rest = ranked, []
        if len(ranked) > BARS_MOST:
            shown, rest = ranked[: BARS_MOST - 1], ranked[BARS_MOST - 1 :]
        series = [(clean(name, 30), amounts) for name, amounts in shown]
        if rest:
            series.append(("others", [sum(day) for day in zip(*(amounts for _, amounts in rest), strict=True)]))
        return Bars("Contact, min", [f"{day:%a} {day:%m-%d}" for day in days], series)

    def _regions(self) -> Grid:
        found: dict[tuple[str, str], list[RegionRecord]] = {}
        for record in self.records:
            found.setdefault((record.totals.region, record.totals.side), []).append(record)
        rows = []
        for (region, side), records in sorted(found.items()):
            each = [record.totals for record in records]
            over = sum(total.zone_s[4] for total in each)
            rows.append(
                (
                    clean(place(region, side), 40),
                    str(len({record.session_id for record in records})),
                    span(sum(total.contact_s for total in each)),
                    number(sum(total.dose_kpa_s for total in each)),
                    str(sum(total.holds for total in each)),
                    amount(max(total.peak_kpa for total in each), "kPa"),
                    span(over),
                )
            )
        heads = ("Place", "Sessions", "Contact", "Dose, kPa s", "Holds", "Peak", "Over the limit")
        return Grid("By region", heads, rows, "nothing was judged in these days", kept=8)

    def _sessions(self) -> Grid:
        rows = [
            (
                f"{row.started_at:%a %m-%d %H:%M}",
                clean(place(row.region, row.side), 40),
                span(row.duration_s),
                span(row.contact_s),
                amount(row.peak_kpa, "kPa"),
                _warned(row),
                f"{score(row.pain_before)} → {score(row.pain_after)}",
            )
            for row in self.rows
        ]
        heads = ("Begun", "Place at first", "Length", "Contact", "Peak", "Warnings", "Pain, before → after")
        return Grid("Sessions", heads, rows, "none in these days", kept=12)

    def _pain(self) -> str:
        told = self._change()
        missing = len(self.rows) - len(told)
        if not told:
            return "Nobody gave a score both before and after a session in these days."
        lower, higher = sum(change < 0 for change in told), sum(change > 0 for change in told)
        return (
            f"Both scores are known of {count(len(told), 'session')}, missing of {missing}. After it the score was "
            f"lower in {lower}, the same in {len(told) - lower - higher}, higher in {higher}. "
            "That does not say what caused it."
        )


def _warned(row: SessionRow) -> str:
    levels = row.alerts_by_level
    return ", ".join(count(levels[name], name) for name in ("stop", "caution") if levels.get(name)) or "none"


def week_of(store: Store, person: str, until: date | datetime | None = None) -> Week:
    """The seven days that end with `until` (default: today), by the days of the places where sessions began."""
    last = until.date() if isinstance(until, datetime) else until or datetime.now().astimezone().date()
    first = last - timedelta(days=DAYS - 1)
    early = datetime(first.year, first.month, first.day).astimezone() - timedelta(days=2)  # wherever it was begun
    within = [row for row in store.list(person=person, since=early) if first <= row.started_at.date() <= last]
    rows = [row for row in reversed(within) if not row.simulated and row.state != "recording"]
    ids = {row.id for row in rows}
    records = [record for record in store.region_records(person=person, since=early) if record.session_id in ids]
    latest: Mapping[str, str] = {record.totals.region: record.session_id for record in records}
    contexts = [(region, dict(store.opened(session).context)) for region, session in latest.items()]
    return Week(first, rows, records, sum(row.simulated for row in within), contexts)
