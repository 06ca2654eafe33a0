"""What is said: each cause's level, the stop that latches, silencing, and the words.

condition        OK -> NOTICE -> CAUTION -> STOP   one event per transition; downwards only a clear is told as such,
                                                   an easing is the lower level raised
a stop           sounding --free 2 s--> latched --confirm--> OK, quiet until pressed again
                    ^------press--------'          a stop that sounds again is no new stop
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from companion.safety.causes import (
    AGAIN_TEXT,
    CAUSES,
    CONFIRM_TEXT,
    FIRM_TEXT,
    SILENCE_S,
    STOPS_MAX,
    WORDS_MAX,
    WORDS_WINDOW_S,
    Cause,
    text_of,
)
from sessions.events import Alert, Fields, Level, Notice, Phase

Event = Alert | Notice


class Stop(Enum):
    """Where the session's stop stands."""

    NONE = "none"
    SOUNDING = "sounding"
    LATCHED = "latched"


@dataclass(frozen=True, slots=True)
class Moment:
    """When and where."""

    t_s: float
    t_us: float
    region: str
    side: str


@dataclass(frozen=True, slots=True)
class Value:
    """What was measured against which limit. None is unknown, or has no number. `text` replaces the table's."""

    value: float | None = None
    limit: float | None = None
    text: str | None = None


NO_VALUE = Value()
_LATCHED, _AGAIN = Value(text=CONFIRM_TEXT), Value(text=AGAIN_TEXT)


@dataclass(slots=True, eq=False)
class _State:
    cause: Cause
    level: Level = Level.OK  # as told last
    condition: Level = Level.OK
    region: str = ""
    side: str = ""
    cautions_us: deque[float] = field(default_factory=lambda: deque(maxlen=WORDS_MAX))
    hinted_us: float | None = None


class Alarms:
    """Turns conditions into events, in the order they are told."""

    def __init__(self) -> None:
        self.stop = Stop.NONE
        self._states = {cause.key: _State(cause) for cause in CAUSES}
        self._stopped: list[_State] = []  # the causes of the present stop
        self._quiet: set[_State] = set()  # confirmed: silent until pressed again, or until the condition rises
        self._silenced_us: dict[_State, float] = {}  # and until when
        self._pressure_stops = 0

    # --- what is asked ---

    def stands(self, cause: str) -> bool:
        """Whether it is one of the present stop's causes."""
        return self._states[cause] in self._stopped

    def quiet(self, cause: str) -> bool:
        return self._states[cause] in self._quiet

    @property
    def any_quiet(self) -> bool:
        return bool(self._quiet)

    @property
    def any_silenced(self) -> bool:
        return bool(self._silenced_us)

    def unsilenced_us(self) -> list[float]:
        """When silenced causes may sound again."""
        return list(self._silenced_us.values())

    # --- conditions ---

    def change(self, cause: str, level: Level, at: Moment, value: Value, *, again: bool = False) -> list[Event]:
        """The cause's condition is now of this level; `again` tells it even if it was so before. A rise ends quiet."""
        state = self._states[cause]
        rises, state.condition = level > state.condition, level
        if rises or again:
            self._quiet.discard(state)
        if state in self._quiet or state in self._stopped:
            return []
        if level is Level.STOP:
            return self.raise_stop(cause, at, value)
        return self._tell(state, level, at, value, again)

    def raise_stop(self, cause: str, at: Moment, value: Value = NO_VALUE) -> list[Event]:
        """A stop: one more, unless one stands already."""
        state = self._states[cause]
        if state in self._stopped:
            return []
        phase = Phase.RAISED if state.level is Level.OK else Phase.ESCALATED
        if state.cause.pressure and not any(other.cause.pressure for other in self._stopped):
            self._pressure_stops += 1  # once in a stop, whatever else stopped with it
        self.stop = Stop.SOUNDING
        self._stopped.append(state)
        self._set(state, Level.STOP, at)
        return [self._alert(state, phase, at, value)]

    def forget(self, causes: Iterable[str], at: Moment) -> list[Event]:
        """These begin anew: what they said, except a stop, is cleared."""
        out: list[Event] = []
        for cause in causes:
            state = self._states[cause]
            self._quiet.discard(state)
            out += self.change(cause, Level.OK, at, NO_VALUE)
        return out

    # --- the stop ---

    def freed(self, at: Moment) -> list[Event]:
        """The ball has been free for a while (squeezes.py)."""
        if self.stop is not Stop.SOUNDING:
            return []
        self.stop = Stop.LATCHED
        out: list[Event] = [self._alert(state, Phase.LATCHED, at, _LATCHED) for state in self._stopped]
        if self._pressure_stops >= STOPS_MAX:
            fields: Fields = {"cause": "stops", "count": self._pressure_stops}
            out.append(Notice(at.t_s, "end", "stopped by pressure three times: end this session", fields))
        return out

    def touched(self, at: Moment) -> list[Event]:
        """The ball is pressed again."""
        if self.stop is not Stop.LATCHED:
            return []
        self.stop = Stop.SOUNDING
        for state in self._stopped:
            self._silenced_us.pop(state, None)
        return [self._alert(state, Phase.RAISED, at, _AGAIN) for state in self._stopped]

    def confirm(self, at: Moment) -> list[Event]:
        if self.stop is Stop.SOUNDING:
            fields: Fields = {"request": "confirm", "status": None}
            return [Notice(at.t_s, "refused", "come off first, then confirm", fields)]
        stopped, self._stopped, self.stop = self._stopped, [], Stop.NONE
        out: list[Event] = []
        for state in stopped:
            self._set(state, Level.OK, at)
            out.append(self._alert(state, Phase.CONFIRMED, at, NO_VALUE))
            self._quiet.add(state)
        return out

    def pressed(self, cause: str, at: Moment, value: Value) -> list[Event]:
        """Pressed after a confirmed stop: what still holds is told."""
        state = self._states[cause]
        self._quiet.discard(state)
        return self.change(cause, state.condition, at, value)

    # --- silence ---

    def silence(self, cause: str, at: Moment) -> list[Event]:
        """No sound from this cause for a minute, or the most urgent one; a higher level always sounds."""
        state = self._states.get(cause) if cause else max(self._states.values(), key=lambda item: item.level)
        if state is None or state.level is Level.OK:
            return []
        self._silenced_us[state] = at.t_us + SILENCE_S * 1e6
        return [self._alert(state, Phase.SILENCED, at, NO_VALUE)]

    def unsilence(self, at: Moment) -> list[Event]:
        """What has been silent for its minute and still stands sounds again."""
        out: list[Event] = []
        for state in self._states.values():
            until_us = self._silenced_us.get(state)
            if until_us is not None and at.t_us >= until_us:
                del self._silenced_us[state]
                if self.stop is Stop.LATCHED and state in self._stopped:
                    continue
                out.append(self._alert(state, Phase.RAISED, at, NO_VALUE))
        return out

    # --- telling ---

    def _tell(self, state: _State, level: Level, at: Moment, value: Value, again: bool) -> list[Event]:
        before = state.level
        if level is Level.OK:
            if before is Level.OK:
                return []
            self._set(state, level, at)
            return [self._alert(state, Phase.CLEARED, at, value)]
        if level > before:
            phase = Phase.RAISED if before is Level.OK else Phase.ESCALATED
        elif level < before or again:
            phase = Phase.RAISED
        else:
            return []
        self._set(state, level, at)
        if level is Level.CAUTION:
            value = Value(value.value, value.limit, self._words(state, at.t_us, value.text))
        return [self._alert(state, phase, at, value)]

    def _set(self, state: _State, level: Level, at: Moment) -> None:
        if state.level is Level.OK:
            state.region, state.side = at.region, at.side
        if level > state.level or level is Level.OK:
            self._silenced_us.pop(state, None)
        state.level = level

    @staticmethod
    def _words(state: _State, t_us: float, text: str | None) -> str | None:
        """The same words at most three times a minute, then one hint, then none. None: the table's."""
        window_us = WORDS_WINDOW_S * 1e6
        said = state.cautions_us
        if len(said) < WORDS_MAX or t_us - said[0] >= window_us:
            said.append(t_us)
            return text
        if state.hinted_us is None or t_us - state.hinted_us >= window_us:
            state.hinted_us = t_us
            return FIRM_TEXT if state.cause.pressure else ""
        return ""

    @staticmethod
    def _alert(state: _State, phase: Phase, at: Moment, value: Value) -> Alert:
        text = value.text if value.text is not None else text_of(state.cause, state.level, phase)
        return Alert(
            t_s=at.t_s,
            cause=state.cause.key,
            level=state.level,
            phase=phase,
            value=value.value,
            limit=value.limit,
            unit=state.cause.unit,
            region=state.region,
            side=state.side,
            text=text,
        )
