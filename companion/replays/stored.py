"""A session from the log: its values and its actions are judged again by the stages that judged them then.

What only the driver and the host's clock knew (links, gaps, zeros, restarts, and how long it was silent) is in the
log as notices and alerts, and is fed from there, each behind as many batches as came before it. What the stages say
themselves is not read but made again.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from companion.blocks import MAX_SCANS, Block
from companion.programs.pauses import UNKNOWN_US
from companion.replays.again import StoredPipeline, place_of
from companion.replays.script import OF_THIS_COMPUTER, Step, Verdict, versions
from companion.safety.silence import CLOSE_S
from companion.stages import Output
from companion.timeline import Placed
from sessions.batches import Column, Part
from sessions.events import Action, Alert, Cue, Event, Floats, Notice
from sessions.session import Course, Told

_Place = tuple[object, ...]


class StoredScript:
    """`joined` as in CapturedScript."""

    def __init__(self, course: Course, *, joined: bool) -> None:
        self._course = course
        self._pipeline = StoredPipeline(course)
        self._blocks = _Blocks(course.part, _told_after(course), joined=joined)
        self._made: Counter[_Place] = Counter()  # said by the stages, not yet met in the log
        self._alerts: Counter[_Place] = Counter()  # likewise, and all of them
        self._clock_s = 0.0  # the host's clock, then
        self._t_s = 0.0  # and session time
        self._whole = False

    @property
    def warning(self) -> str:
        opened = self._course.opened
        return versions(opened.smoothing.get("version"), opened.context.get("limits_version"), opened.software)

    def steps(self) -> Iterator[Step]:
        told = _told_after(self._course)
        batches = len(self._course.part.index)
        at = 0
        for event in told.get(0, ()):
            yield self._happens(event)
        while at < batches:
            block, stop = self._blocks.next(at, self._pipeline.period_s)
            self._clock_s = max(self._clock_s, block.placed.arrival_s)
            yield Step(self._clock_s, partial(self._judge, block))
            self._t_s = max(self._t_s, float(block.placed.t_s[-1]))
            for after in range(at + 1, stop + 1):
                for event in told.get(after, ()):
                    yield self._happens(event)
            at = stop
        self._whole = True

    def finish(self, cause: str) -> list[Event]:
        return self._pipeline.finish(self._end_s() if self._whole else self._t_s, cause)

    def verdict(self) -> Verdict:
        """The alerts that were made again, beside those of the log."""
        if not self._whole:
            return Verdict()
        stored = Counter(place_of(told.event) for told in self._course.told if isinstance(told.event, Alert))
        missing, new = (stored - self._alerts).total(), (self._alerts - stored).total()
        if missing or new:
            return Verdict(remark=f"the alerts differ from those recorded: {missing} did not come, {new} are new")
        return Verdict(remark=f"{stored.total()} alerts, the same as were recorded")

    def _end_s(self) -> float:
        course = self._course
        if course.row.state == "complete" and course.end_s > 0:
            return course.end_s
        times = [told.event.t_s for told in course.told if told.event.t_s is not None]
        return max([self._t_s, course.end_s, *times])

    def _judge(self, block: Block) -> list[Output]:
        return self._note(self._pipeline.judge(block))

    def _happens(self, event: Event) -> Step:
        t_s = getattr(event, "t_s", None)
        if t_s is not None and t_s > self._t_s:
            self._clock_s += t_s - self._t_s
            self._t_s = t_s
        return Step(self._clock_s, partial(self._happen, event))

    def _happen(self, event: Event) -> list[Output]:
        if self._met(event):
            return []
        out = self._again(event)
        self._note(out)
        self._met(event)
        return out

    def _again(self, event: Event) -> list[Output]:
        """What the stages or, for want of a driver, the log itself say to it."""
        line = self._pipeline
        match event:
            case Action(fields={"by": "program"}) if line.coached:
                return []
            case Action():
                return line.act(Action(event.kind, event.fields), event.t_s or 0.0)
            case Cue(kind="pause", fields={"cause": "silence"}):
                return line.silence(UNKNOWN_US * 1e-6, event.t_s)
            case Alert(cause="silence", value=float() | int() as age_s):
                return line.silence(age_s, event.t_s)
            case Notice(kind=kind) if kind in OF_THIS_COMPUTER:
                return []
            case Notice(kind="value"):
                return line.silence(line.unknown_after_s, event.t_s)
            case Notice(kind="region", fields={"state": "closed"}):
                return line.silence(CLOSE_S, event.t_s)
            case Notice():
                return line.say(event)
        return []

    def _met(self, event: Event) -> bool:
        """The log has come to what the stages have said already. Once for each time they said it."""
        place = place_of(event)
        if self._made[place] <= 0:
            return False
        self._made[place] -= 1
        return True

    def _note(self, out: list[Output]) -> list[Output]:
        """What was said now is not to be said again when the log comes to it."""
        places = [place_of(event) for event in out if isinstance(event, Alert | Notice | Cue | Action)]
        self._made.update(places)
        self._alerts.update(place_of(event) for event in out if isinstance(event, Alert))
        return out


class _Blocks:
    """The batches, as many at a time as may be judged as one."""

    def __init__(self, part: Part, told: dict[int, list[Event]], *, joined: bool) -> None:
        self._part = part
        self._ends = np.cumsum(part.scans)
        self._t_s = _times(part)
        self._arrival_s = part.from_us * 1e-6 + part.delay_ms * 1e-3
        late = part.late != 0
        self._fresh = _fresh(part, np.flatnonzero(~late))
        gaps = [after for after, events in told.items() if any(map(_is_gap, events)) and after < len(late)]
        self._fresh[gaps] = True
        self._fresh &= ~late
        heads = self._fresh | late | np.roll(late, 1) | (part.lost > 0)
        heads[[after for after, events in told.items() if any(map(_drives, events)) and after < len(heads)]] = True
        heads[np.flatnonzero(~late)[1:2]] = True  # the first one opens the session, alone
        if not joined:
            heads[:] = True
        self._heads = np.append(np.flatnonzero(heads), len(part.index))

    def next(self, at: int, period_s: float) -> tuple[Block, int]:
        """The block that begins with batch `at`, and the batch behind it."""
        part = self._part
        head = int(self._heads[self._heads.searchsorted(at, side="right")])
        first = int(self._ends[at - 1]) if at else 0
        full = int(self._ends.searchsorted(first + MAX_SCANS, side="right"))
        stop = min(head, max(full, at + 1))
        run, scans = slice(at, stop), slice(first, int(self._ends[stop - 1]))
        placed = Placed(
            t_s=self._t_s[scans],
            values=part.values[scans],
            index=int(part.index[at]),
            t_us=int(part.t_us[at]),
            span_us=int(part.t_us[stop - 1] + part.span_us[stop - 1] - part.t_us[at]),
            segment=int(part.segment[at]),
            lost=int(part.lost[at]),
            fresh=bool(self._fresh[at]),
            arrival_s=float(self._arrival_s[stop - 1]),
            period_s=period_s,
            late=bool(part.late[at]),
        )
        stops = self._ends[run] - first
        return Block(placed, stops, part.t_us[run], part.span_us[run], self._arrival_s[run]), stop


def _fresh(part: Part, live: Column) -> NDArray[np.bool_]:
    """(batches,) whether a batch does not follow the one before; of the back-filled ones, none."""
    fresh = np.zeros(len(part.index), np.bool_)
    index, segment = part.index[live], part.segment[live]
    fresh[live[:1]] = True
    fresh[live[1:]] = (index[1:] != (index + part.scans[live])[:-1]) | (segment[1:] != segment[:-1])
    return fresh


def _times(part: Part) -> Floats:
    """(scans,) as the timeline made them: whole microseconds, rounded down."""
    starts = np.cumsum(part.scans) - part.scans
    within: Column = np.arange(len(part.values)) - np.repeat(starts, part.scans)
    scan_us = within * np.repeat(part.length_us, part.scans)
    scan_us //= np.repeat(np.maximum(part.scans - 1, 1), part.scans)
    scan_us += np.repeat(part.from_us, part.scans)
    t_s: Floats = np.multiply(scan_us, 1e-6)
    t_s.setflags(write=False)
    return t_s


def _told_after(course: Course) -> dict[int, list[Event]]:
    """What was told behind so many batches, in order. Where that was not stored, time must do."""
    part = course.part
    live = np.flatnonzero(part.late == 0)
    to_s: Floats = np.multiply((part.from_us + part.length_us)[live], 1e-6)
    found: dict[int, list[Event]] = {}
    last = 0
    for told in course.told:
        after = told.after if told.after is not None else _by_time(told, live, to_s)
        last = max(last, min(after, len(part.index)))
        found.setdefault(last, []).append(told.event)
    return found


def _by_time(told: Told, live: Column, to_s: Floats) -> int:
    t_s = told.event.t_s
    count = 0 if t_s is None else int(to_s.searchsorted(t_s + 5e-7, side="right"))
    return int(live[count - 1]) + 1 if count else 0


def _is_gap(event: Event) -> bool:
    return isinstance(event, Notice) and event.kind == "gap"


def _drives(event: Event) -> bool:
    """Whether it may be more than what the stages say themselves."""
    if isinstance(event, Cue):
        return event.fields.get("cause") == "silence"
    return not isinstance(event, Alert) or event.cause == "silence"
