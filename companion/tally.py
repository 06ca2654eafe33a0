"""Damaged frames, told as they come but not one by one: a flood of them must not fill the log."""

from collections import Counter

from companion import notices
from firmware_protocol.driver import Damaged
from sessions.events import Notice

TELL_S = 1.0  # the first of its kind at once, the rest in sums this far apart


class DamageTally:
    """Damage by reason, all of it counted. `now_s` is the caller's clock, `t_s` the same moment in session time."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()
        self._told_s: dict[str, float] = {}

    def take(self, damaged: Damaged, now_s: float, t_s: float) -> list[Notice]:
        self._waiting[damaged.reason] += damaged.count
        return self.due(now_s, t_s)

    def due(self, now_s: float, t_s: float) -> list[Notice]:
        """What is to be told by now."""
        return self._tell([reason for reason in self._waiting if now_s >= self._due_s(reason)], now_s, t_s)

    def rest(self, now_s: float, t_s: float) -> list[Notice]:
        """All that waits: the end of the session."""
        return self._tell(list(self._waiting), now_s, t_s)

    def deadline(self) -> float | None:
        return min((self._due_s(reason) for reason in self._waiting), default=None)

    def _due_s(self, reason: str) -> float:
        told_s = self._told_s.get(reason)
        return float("-inf") if told_s is None else told_s + TELL_S

    def _tell(self, reasons: list[str], now_s: float, t_s: float) -> list[Notice]:
        for reason in reasons:
            self._told_s[reason] = now_s
        return [notices.of_damage(Damaged(reason, self._waiting.pop(reason)), t_s) for reason in sorted(reasons)]
