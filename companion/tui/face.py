"""What the live screen says, as rows of spans: a snapshot in, text out. Knows no Textual.

Every word has its reason to stand first: what to do, then why, then the numbers.
"""

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from companion.safety.scale import ZONES
from companion.tui import words
from companion.tui.snapshot import PATTERNS, Snapshot
from companion.tui.tones import ZONE_TONES, Row, Rows, Span, Tone
from sessions.events import Level

if TYPE_CHECKING:
    from companion.programs.view import CoachView
    from companion.tui.deck import Live

LEVEL_TONES = {
    Level.OK: Tone.PLAIN,
    Level.NOTICE: Tone.NOTICE,
    Level.CAUTION: Tone.CAUTION,
    Level.TECHNICAL: Tone.TECHNICAL,
    Level.STOP: Tone.STOP,
}
LEVEL_SIGNS = {Level.OK: "   ", Level.NOTICE: "[i]", Level.CAUTION: "[!]", Level.TECHNICAL: "[?]", Level.STOP: "[X]"}
SIGNAL_LOST = ("SIGNAL LOST", "EASE OFF")  # the large banner of a technical alert under load
STOPPED = "STOPPED: press any key to go on"
TOO_SLOW_S = 0.13  # between two scans: a 10 Hz ball may be 20 % slower than it says, and is not meant
_BAR, _REST_OF_BAR = "▰", "▱"
_BAR_CELLS = 12


class Now:
    """A snapshot at the moment it is looked at: how old its value is, and what may still be said of it."""

    def __init__(
        self,
        snapshot: Snapshot,
        age_s: float,
        *,
        speed: float = 1.0,
        title: str = "",
        recorded: bool = True,
        coach: "CoachView | None" = None,
    ) -> None:
        """`age_s`: real seconds since the newest scan came; NaN before the first. `speed`: of the engine's clock.

        `coach`: where a program leads, what it is at.
        """
        self.snapshot = snapshot
        self.age_s = age_s
        self.speed = speed
        self.title = title
        self.recorded = recorded
        self.coach = coach

    @property
    def session_s(self) -> float:
        """Session time by now, with or without data; NaN before the first."""
        return self.snapshot.t_s + self.age_s * self.speed

    @property
    def stale(self) -> bool:
        return not self.age_s <= self.snapshot.stale_after_s

    @property
    def known(self) -> bool:
        """Whether there is a number to show."""
        return self.snapshot.known and not self.stale and math.isfinite(self.snapshot.value)

    @property
    def at_end_of_scale(self) -> bool:
        return self.snapshot.saturated and not self.stale

    @property
    def lost_under_load(self) -> bool:
        return self.snapshot.level is Level.TECHNICAL and not self.known and not self.at_end_of_scale

    @property
    def number(self) -> str:
        """The large number, or two dashes."""
        if self.at_end_of_scale:
            return "MAX"
        return words.number(self.snapshot.value) if self.known else words.UNKNOWN

    @property
    def zone(self) -> int | None:
        return self.snapshot.zone if self.known else None

    @property
    def word(self) -> str:
        """The one word that goes with the number."""
        if self.at_end_of_scale:
            return "FULL SCALE"
        if not self.known:
            return "UNKNOWN" if self.snapshot.count else "WAITING"
        if not self.snapshot.judged:
            return "NO LIMITS"
        return ZONES[self.zone] if self.zone is not None else "NO ZONES"

    @property
    def tone(self) -> Tone:
        if self.at_end_of_scale:
            return Tone.OVER
        return ZONE_TONES[self.zone] if self.zone is not None else Tone.STRONG

    @property
    def unit(self) -> str:
        return "kPa" if self.snapshot.judged else words.plain(self.snapshot.unit, 10)


def look(live: "Live") -> Now:
    """This moment of a run."""
    snapshot = live.view.snapshot()
    return Now(
        snapshot,
        live.age_s(snapshot),
        speed=live.run.clock.speed,
        title=live.title,
        recorded=live.recorded,
        coach=live.coach(),
    )


def title_row(now: Now) -> tuple[Row, Row]:
    """Left and right halves of the top line."""
    snapshot = now.snapshot
    opened = snapshot.opened
    name = words.device(opened.device) if opened is not None else words.plain(now.title)
    what = "Replay  " if now.title.startswith("replay:") else "Live  "
    left: list[Span] = [(what, Tone.STRONG), (name, Tone.PLAIN)]
    if opened is not None and opened.simulated:
        left.append(("  (simulated)", Tone.QUIET))
    mute: Row = ((f"{snapshot.mute.upper()}  ", Tone.CAUTION),) if snapshot.mute else ()
    return tuple(left), (*mute, _recording(now))


def _recording(now: Now) -> Span:
    snapshot = now.snapshot
    if not now.recorded:
        return ("NOT RECORDED ", Tone.CAUTION)
    length = words.clock(snapshot.t_s)
    if snapshot.storage == "waiting":
        return (f"NOT ON DISK for {max(0.0, snapshot.t_s - snapshot.stored_to_s):.0f} s  {length} ", Tone.CAUTION)
    if snapshot.closed is not None:
        return (f"ended {length} ", Tone.STRONG)
    return (f"● REC {length} ", Tone.STRONG)


def alert_rows(now: Now, height: int, width: int, said: str = "", led: Sequence[str] = ()) -> Rows:
    """The most urgent alerts in words, at most `height` rows.

    `said` is what the screen itself has to say; `led`, what a program is at, has what room is left.
    """
    snapshot = now.snapshot
    rows: list[Row] = []
    if said:
        room = max(1, height - len(snapshot.alerts) - snapshot.stopped)
        lines = textwrap.wrap(said, max(20, width - 2))[:room]
        rows += [((f" {line} ".ljust(width), Tone.CURSOR),) for line in lines]
    if snapshot.stopped:
        causes = ", ".join(words.plain(alert.cause, 20) for alert in snapshot.latched)
        rows.append(((f" {LEVEL_SIGNS[Level.STOP]} {STOPPED}   (stop by {causes})".ljust(width), Tone.STOP),))
    for alert in snapshot.alerts:
        muted = " (sound off)" if alert.cause in snapshot.silenced else ""
        text = f" {LEVEL_SIGNS[alert.level]} {words.alert(alert)}{muted} "
        rows.append(((text, LEVEL_TONES[alert.level]),))
    if snapshot.paused and now.coach is None:
        rows.append(((" PAUSED by you: warnings go on; space goes on", Tone.STRONG),))
    elif snapshot.hands in ("paused", "unanswered", "held") and now.coach is None:
        rows.append(((" PAUSED: lie on the ball to go on; warnings go on", Tone.STRONG),))
    rows += [((f" {line}"[:width], Tone.STRONG),) for line in led[: max(0, height - len(rows))]]
    if len(rows) > height:
        more = len(rows) - height
        last = rows[height - 1]
        rows[height - 1] = (*last, (f" and {more} more", Tone.QUIET))
    return tuple(rows[:height])


def start_rows(now: Now, known: Sequence[str], width: int) -> Rows:
    """What holds for this session: known of the person, and by which limits it is judged."""
    opened = now.snapshot.opened
    lines = [*known]
    if opened is not None:
        factor, screened = opened.context.get("factor_k"), opened.context.get("screened")
        why = "" if screened is not False else "nobody was screened: "
        times = f"limits are times {factor:g}, " if isinstance(factor, int | float) else "limits are "
        tool = f"{words.plain(opened.tool, 20)} ({opened.area_cm2:g} cm2)"
        if now.snapshot.judged:
            lines.append(f"{why}{times}for {words.place(opened.region, opened.side)}, {tool}; they rest on judgement")
        else:
            lines.append("no limit judges what it reads: no newtons are known of this ball; knead calibrate")
        if now.recorded and now.snapshot.totals is None:
            lines.append("how much does it hurt now, before it? 0 to 9, t for ten")
    parts = [part for line in lines for part in textwrap.wrap(words.plain(line, 300), max(20, width - 5))]
    return tuple(
        ((" [i] " if number == 0 else "     ", Tone.NOTICE), (part, Tone.PLAIN)) for number, part in enumerate(parts)
    )


def panel_rows(now: Now) -> Rows:
    """The column beside the number, most important first."""
    return tuple(build(now) for build in _PANEL)


def _zone_row(now: Now) -> Row:
    pattern = PATTERNS[now.zone] * 3 + " " if now.zone is not None else ""
    return ((pattern + now.word, now.tone), (f"  {now.unit}", Tone.QUIET))


def _hold_row(now: Now) -> Row:
    here = now.snapshot.here
    if here is None:
        return (("hold      --", Tone.QUIET),)
    if not now.snapshot.judged:
        return ((f"hold      {words.UNKNOWN}", Tone.QUIET),)
    filled = min(_BAR_CELLS, round(here.hold_load * _BAR_CELLS))
    bar = _BAR * filled + _REST_OF_BAR * (_BAR_CELLS - filled)
    return (
        (f"hold   {words.clock(here.hold_s):>5} ", Tone.STRONG),
        (f"{bar} {here.hold_load * 100:.0f} %", Tone.PLAIN),
    )


def _dose_row(now: Now) -> Row:
    here = now.snapshot.here
    if here is None:
        return (("contact   --", Tone.QUIET),)
    counted = now.snapshot.judged and here.dose_limit_kpa_s > 0
    dose = here.dose_kpa_s / here.dose_limit_kpa_s * 100 if counted else math.nan
    return ((f"contact{words.clock(here.contact_s):>6} dose {words.number(dose)} % of its limit", Tone.PLAIN),)


def _peak_row(now: Now) -> Row:
    here = now.snapshot.here
    peak = here.peak_kpa if here is not None else math.nan
    raw = now.snapshot.pressure_kpa if now.known else math.nan
    return ((f"peak    {words.number(peak):>5} kPa  raw {words.number(raw)}", Tone.PLAIN),)


def _place_row(now: Now) -> Row:
    snapshot = now.snapshot
    where = words.place(snapshot.region, snapshot.side) or "--"
    return ((f"on      {where}, {words.plain(snapshot.tool, 12) or '--'}", Tone.PLAIN),)


def _link_row(now: Now) -> Row:
    snapshot = now.snapshot
    state = words.LINKS.get(snapshot.link, words.plain(snapshot.link, 12))
    age = f"{now.age_s:.1f} s old" if math.isfinite(now.age_s) else "no data yet"
    return ((f"link    {state}, ", Tone.PLAIN), (age, Tone.CAUTION if now.stale else Tone.PLAIN))


def _flow_row(now: Now) -> Row:
    snapshot = now.snapshot
    rate = math.nan if now.stale else snapshot.rate_hz
    loss = snapshot.loss * 100
    charge = "--" if snapshot.battery_pct is None else str(snapshot.battery_pct)
    return ((f"rate    {words.number(rate)} Hz  lost {words.number(loss, 1)} %  battery {charge} %", Tone.PLAIN),)


def _caution_row(now: Now) -> Row:
    """What holds all the session long: limits that are halved, or missing."""
    snapshot = now.snapshot
    if not snapshot.judged:
        return (("no limits: this ball gives no newtons", Tone.CAUTION),)
    opened = snapshot.opened
    if snapshot.period_s > TOO_SLOW_S:
        return (("too slow to warn you in time", Tone.CAUTION),)
    if opened is None:
        return ()
    if opened.context.get("calibrated") is False:
        return (("not calibrated: limits lowered, by judgement", Tone.CAUTION),)
    if opened.context.get("screened") is False:
        return (("not screened: limits halved, by judgement", Tone.CAUTION),)
    return (("within your set comfort limit, by judgement" if now.zone in (0, 1, 2) else "", Tone.QUIET),)


_PANEL: tuple[Callable[[Now], Row], ...] = (
    _zone_row,
    _hold_row,
    _dose_row,
    _peak_row,
    _place_row,
    _link_row,
    _flow_row,
    _caution_row,
)
