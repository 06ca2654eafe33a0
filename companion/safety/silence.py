"""How old the value is: known or unknown, and when that becomes an alarm. Unknown is never shown as zero."""

from collections import deque

from companion.safety.scans import unknown_us
from sessions.events import Fields, Notice

ALARM_S, ALARM_PERIODS = 1.0, 6.0  # without a value for this long, whichever is longer, a technical alarm
CLOSE_S = 60.0  # without a value under load for longer: what the region got is unknown
UNTRUSTED_ALARM_US = 0.25e6
_CLOCK_STEP_S = 1e-6  # a tick at the deadline is due, whatever rounding did to the difference
DROP_WINDOW_US, DROP_PART = 1e6, 0.20  # more than this part dropped within a second is a technical alarm


class ValueAge:
    """Whether there is a value, by the host's clock and by the scans' own. Reasons: "silence", "zero"."""

    def __init__(self) -> None:
        self.period_s = 0.0
        self.silent = False  # the silence alarm stands
        self._arrival_s: float | None = None  # of the last value, host clock
        self._reasons: dict[str, None] = {}

    @property
    def known(self) -> bool:
        return not self._reasons

    def unknown_after_s(self) -> float:
        return unknown_us(self.period_s) * 1e-6

    def alarm_after_s(self) -> float:
        return max(ALARM_S, ALARM_PERIODS * self.period_s)

    def heard(self, arrival_s: float) -> None:
        """A value has come."""
        self._arrival_s = arrival_s

    def wait(self, arrival_s: float) -> None:
        """The ball talks, but no value has come yet: from now on one is missed."""
        if self._arrival_s is None:
            self._arrival_s = arrival_s

    def age_s(self, now_s: float) -> float | None:
        """By the host's clock; None before the first value."""
        return None if self._arrival_s is None else now_s - self._arrival_s + _CLOCK_STEP_S

    def lose(self, reason: str, t_s: float) -> list[Notice]:
        """The value is unknown for this reason, too."""
        said = self.known
        self._reasons[reason] = None
        if not said:
            return []
        text = "value unknown: the zero is not trusted" if reason == "zero" else "value unknown: no data"
        fields: Fields = {"state": "unknown", "cause": reason}
        return [Notice(t_s, "value", text, fields)]

    def find(self, reason: str, t_s: float) -> list[Notice]:
        """This reason is gone."""
        if reason not in self._reasons:
            return []
        del self._reasons[reason]
        if self._reasons:
            return []
        return [Notice(t_s, "value", "value known again", {"state": "known", "cause": reason})]

    def deadline_s(self, *, may_close: bool) -> float | None:
        """When `tick` has something to say next, by the host's clock. `may_close`: a long silence closes the region."""
        if self._arrival_s is None:
            return None
        if "silence" not in self._reasons:
            return self._arrival_s + self.unknown_after_s()
        if not self.silent:
            return self._arrival_s + self.alarm_after_s()
        return self._arrival_s + CLOSE_S if may_close else None


class DropRate:
    """How many scans of the last second had to be dropped."""

    def __init__(self) -> None:
        self._times_us: deque[float] = deque()
        self.clear_us: float | None = None  # the alarm stands until then, unless more are dropped

    def drop(self, t_us: float, period_s: float) -> float:
        """One more; the part of a second's scans that were dropped."""
        self._times_us.append(t_us)
        while self._times_us[0] <= t_us - DROP_WINDOW_US:
            self._times_us.popleft()
        if self.clear_us is not None:
            self.clear_us = t_us + DROP_WINDOW_US
        return min(1.0, len(self._times_us) * period_s)

    def alarm(self, t_us: float) -> None:
        self.clear_us = t_us + DROP_WINDOW_US
