"""What a ball tells too often: so many a second as they come, then only the newest, with how many there were.

A button that rattles, or a ball that means harm, must not fill the log; nobody presses faster than this lets through.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

ONE_BY_ONE = 5  # of a key, each second
WITHIN_S = 1.0

T = TypeVar("T")


@dataclass(slots=True)
class _Key(Generic[T]):
    since_s: float
    passed: int = 0
    held: int = 0
    newest: T | None = None


class Often(Generic[T]):
    """`now_s` is the caller's clock. What is given out is (item, how many it stands for)."""

    def __init__(self) -> None:
        self._keys: dict[Hashable, _Key[T]] = {}

    def take(self, key: Hashable, item: T, now_s: float, most: int = ONE_BY_ONE) -> bool:
        """Whether it passes at once, as `most` a second do; else it, or a newer one, is `due` within a second."""
        known = self._keys.get(key)
        if known is None or (now_s - known.since_s >= WITHIN_S and not known.held):
            known = self._keys[key] = _Key(now_s)
        if known.passed < most:
            known.passed += 1
            return True
        known.held, known.newest = known.held + 1, item
        return False

    def held(self, key: Hashable) -> int:
        """How many wait."""
        known = self._keys.get(key)
        return 0 if known is None else known.held

    def due(self, now_s: float) -> list[tuple[T, int]]:
        """The newest of each key, once its second is over."""
        return self._give([known for known in self._keys.values() if now_s >= known.since_s + WITHIN_S], now_s)

    def rest(self, now_s: float) -> list[tuple[T, int]]:
        """All that waits: the end of the session."""
        return self._give([*self._keys.values()], now_s)

    def deadline(self) -> float | None:
        return min((known.since_s + WITHIN_S for known in self._keys.values() if known.held), default=None)

    def _give(self, keys: list[_Key[T]], now_s: float) -> list[tuple[T, int]]:
        out: list[tuple[T, int]] = []
        for known in keys:
            if known.newest is not None:
                out.append((known.newest, known.held))
                # Where it goes on, the next second has its one line, too.
                known.since_s, known.held, known.newest = now_s, 0, None
        return out
