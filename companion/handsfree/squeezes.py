"""Two short squeezes of an unloaded ball: one word of the language a ball understands."""

from companion.handsfree.terms import BETWEEN_S, PAUSE_S, SQUEEZE_S
from companion.handsfree.touch import Press


class Pair:
    """Told every press that ends; says which one is the second of two."""

    def __init__(self) -> None:
        self._free_s: float | None = None  # the end of the press before
        self._first_s: float | None = None  # the end of the first squeeze of two

    def hear(self, press: Press) -> bool:
        before, self._free_s = self._free_s, press.to_s
        first, self._first_s = self._first_s, None
        if not SQUEEZE_S[0] <= press.seconds < SQUEEZE_S[1]:
            return False
        if first is not None and press.from_s - first <= BETWEEN_S:
            return True
        if before is None or press.from_s - before >= PAUSE_S:
            self._first_s = press.to_s
        return False

    def doubt(self, t_s: float) -> None:
        """Not known what happened up to here: it counts as touched."""
        self._free_s, self._first_s = t_s, None
