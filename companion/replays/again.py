"""The pipeline from placed scans on, for a session whose driver and host clock are only remembered."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from companion.blocks import BlockPipeline
from companion.errors import ConfigError
from companion.handsfree.terms import Terms
from companion.measuring import Measure
from companion.programs.program import Routine
from companion.route import Route
from companion.safety.limits import GuardContext
from companion.safety.scans import unknown_us
from companion.smoothing import MAX_GAIN, TAP_ONE, VERSION, Smoother, Taps
from companion.stages import Output, Plan
from companion.timeline import Placed
from firmware_protocol.driver import Chunk, Continuity, DriverEvent, Profile, Started, Unit, ZeroChanged
from firmware_protocol.messages import Request
from sessions.errors import UnreadableError
from sessions.events import Action, Alert, Cue, Event, Fields, Json, Notice, Opened
from sessions.session import Course


class Absent:
    """A driver without a ball: it is asked, and never answers."""

    damage: Mapping[str, int] = {}

    def opened(self, now_s: float) -> list[DriverEvent]:
        return []

    def closed(self, now_s: float) -> list[DriverEvent]:
        return []

    def feed(self, chunk: Chunk) -> list[DriverEvent]:
        return []

    def tick(self, now_s: float) -> list[DriverEvent]:
        return []

    def ask(self, request: Request, now_s: float) -> list[DriverEvent]:
        return []

    def deadline(self) -> float | None:
        return None


class StoredRoute(Route):
    """The stages behind scans that the log has placed: host time is session time."""

    def __init__(self, plan: Plan, opened: Opened) -> None:
        super().__init__(plan)
        self._opened = opened

    def session_s(self, now_s: float) -> float:
        return now_s

    def _opening(self, placed: Placed) -> Opened:
        return self._opened

    @property
    def period_s(self) -> float:
        """Nominal, of the scans to come."""
        smoother = self._measured.smoother
        assert smoother is not None
        return smoother.period_s

    @property
    def coached(self) -> bool:
        """A coach leads."""
        return self._leading is not None and self._leading.view is not None

    def scanning(self, period_s: float, continuity: Continuity, boot_id: int = 0, t_s: float = 0.0) -> list[Output]:
        """As the ball's own START."""
        return self.started(Started(continuity, boot_id, 0, period_s, 0, 0, 0, 0.0), t_s)

    def smooth_by(self, smoother: Smoother) -> None:
        """The taps of then, which need not be those of now."""
        self._measured.smoother = smoother

    def miss(self, seconds: float) -> None:
        """So much is missing before the next scan."""
        self._measured.gap_s = seconds

    def aged(self, age_s: float, t_s: float) -> list[Event]:
        """As `tick`, where the age of the newest value is known."""
        if self._guard is None or self._leading is None:
            return []
        return [*self._leading.hear(self._guard.aged(age_s, t_s)), *self._leading.aged(age_s, t_s)]

    @property
    def _measured(self) -> Measure:
        assert self._measure is not None
        return self._measure


class StoredPipeline(BlockPipeline):
    """Where others are told host time, this one is told session time. UnreadableError where the session lacks it."""

    def __init__(self, course: Course) -> None:
        self._stored = course.opened
        self._name = f"Session {course.row.id}"
        told: tuple[object, ...] = (self._stored.context, self._stored.device, self._stored.smoothing)
        if not all(isinstance(item, Mapping) for item in told):
            raise self._unreadable("what it was judged by is damaged")
        context, profile = self._context_of(self._stored.context), self._profile_of(self._stored.device)
        if course.part.index.size and course.part.channels != profile.channels:
            raise self._unreadable("its values do not fit its ball")
        plan = Plan(
            person=self._stored.person,
            region=self._stored.region,
            side=self._stored.side,
            program=self._stored.program,
            context=lambda _profile: context,
            wall=lambda _at_s: self._stored.started_at,
            software=self._stored.software,
            routine=self._routine_of(self._stored.routine),
            hands=self._hands_of(self._stored.context.get("hands")),
        )
        route = self._placed = StoredRoute(plan, self._stored)
        super().__init__(Absent(), plan, route)
        period_s, taps = self._smoothing_of(self._stored.smoothing)
        self._profiled(profile, 0.0)
        route.scanning(period_s, Continuity.FIRST)
        route.smooth_by(Smoother(1 + profile.channels, period_s, taps))

    @property
    def period_s(self) -> float:
        """Nominal, of the scans to come."""
        return self._placed.period_s

    @property
    def unknown_after_s(self) -> float:
        """How old a value was when it became unknown; the log says only that it was so old."""
        return unknown_us(self.period_s) * 1e-6

    def silence(self, age_s: float, t_s: float) -> list[Output]:
        """The newest value is so old now."""
        return [*self._placed.aged(age_s, t_s)]

    @property
    def coached(self) -> bool:
        """A coach leads."""
        return self._placed.coached

    def say(self, notice: Notice) -> list[Output]:
        """What driver or host clock said then: told to the stages where it matters to them, and said again."""
        route, known = self._placed, notice.fields
        match notice.kind:
            case "zero":
                value, index = known.get("value"), known.get("from_index")
                zero = ZeroChanged(_whole(value), _whole(index), known.get("trusted") is True)
                return [route.zeroed(zero, notice.t_s)]
            case "segment" if known.get("cause") == "reboot":
                boot_id = _whole(known.get("boot_id")) or 0
                return route.scanning(route.period_s, Continuity.NEW_CLOCK, boot_id, notice.t_s)
            case "rate":
                period_s = known.get("period_s")
                if not isinstance(period_s, int | float) or not 0 < period_s < 1e6:
                    raise self._unreadable("a rate that is none")
                return route.scanning(float(period_s), Continuity.SAME_RUN, 0, notice.t_s)
            case "status":
                route.battery(known.get("battery_low") is True)
            case "calibration":
                route.recalibrated()
            case "gap":
                route.miss(_number(known.get("to_s")) - _number(known.get("from_s")))
        return [notice]

    def _tare(self, action: Action, now_s: float) -> list[Output]:
        """Whether it was granted, and when that was known, is in the log."""
        self._placed.may_tare(action.fields.get("free") is True)
        return []

    # --- what was stored ---

    def _context_of(self, told: Fields) -> GuardContext:
        try:
            return GuardContext.from_json(told)
        except ConfigError as error:
            raise self._unreadable(str(error)) from error

    def _routine_of(self, told: object) -> Routine | None:
        try:
            return Routine.from_json(told) if isinstance(told, Mapping) else None
        except ValueError as error:
            raise self._unreadable(str(error)) from error

    def _hands_of(self, told: Json) -> Terms | None:
        if told is None:
            return None
        if not isinstance(told, Mapping):
            raise self._unreadable("how it was led is damaged")
        try:
            return Terms.from_json(told)
        except ValueError as error:
            raise self._unreadable(str(error)) from error

    def _profile_of(self, told: Fields) -> Profile:
        newer = {field.name: field.default for field in fields(Profile) if field.default is not MISSING}
        known: dict[str, Any] = {field.name: told.get(field.name, newer.get(field.name)) for field in fields(Profile)}
        texts = ("kind", "serial", "model", "vendor", "firmware")
        for name, value in known.items():
            kinds: tuple[type, ...] = (str,) if name in texts else (int, float) if name == "lsb" else (int,)
            if not isinstance(value, kinds):
                raise self._unreadable(f"the {name} of its ball is not known")
        try:
            return Profile(**known | {"unit": Unit(known["unit"])})
        except ValueError as error:
            raise self._unreadable("the unit of its ball is not known") from error

    def _smoothing_of(self, told: Fields) -> tuple[float, Taps]:
        """The period it was made for, and the very taps."""
        version = told.get("version")
        if version != VERSION:
            raise self._unreadable(f"it was smoothed in a way (version {version}) that this knead does not know")
        period_s = told.get("scan_s", told.get("period_s"))
        taps = tuple(_taps(told.get(name)) for name in ("lowpass_taps", "ramp_taps"))
        lengths = {len(row) for row in taps}
        largest = max(sum(map(abs, row)) for row in taps)
        fine = isinstance(period_s, int | float) and 0 < period_s < 1e6
        if not fine or len(lengths) != 1 or min(lengths) % 2 == 0 or largest > MAX_GAIN * TAP_ONE:
            raise self._unreadable("its smoothing is damaged")
        return float(str(period_s)), taps

    def _unreadable(self, what: str) -> UnreadableError:
        return UnreadableError(f"{self._name} cannot be replayed: {what}.", "See it with: knead sessions show.")


def place_of(event: Event) -> tuple[object, ...]:
    """What tells one event from another, whether it was made now or read from the log."""
    match event:
        case Alert():
            return ("alert", event.t_s, event.cause, event.phase, event.level, event.region, event.side)
        case Notice():
            return ("notice", event.t_s, event.kind, event.text)
        case Cue():
            return ("cue", event.t_s, event.kind, event.step)
        case Action():
            return ("action", event.t_s, event.kind)
    return (type(event).__name__,)


def _taps(told: Json) -> tuple[int, ...]:
    row = told if isinstance(told, list) else []
    return tuple(tap for tap in row if isinstance(tap, int)) if len(row) < 10_000 else ()


def _whole(value: Json) -> int | None:
    return value if isinstance(value, int) else None


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
