"""What a ball and its link may tell as often as they like: what of it is worth a word, for how many. Pure.

A button that rattles, a battery that flickers, a ball that answers and ends again without pause: a few a second are
told one by one, then the newest with their count.
"""

from companion.often import Often
from firmware_protocol.driver import BallEvent, BallEventCode, PhaseChanged, Status, ZeroChanged

Told = BallEvent | Status | ZeroChanged | PhaseChanged
Counted = list[tuple[Told, int]]  # each with how many it stands for

SAME_STATUS_S = 1.0
LINKS = 12  # changes of the link's state told one by one each second: a link lost and made again twice
KNOWN_EVENTS = frozenset(BallEventCode)  # those that are not are counted as one kind
UNSEEN = ZeroChanged(None, None, False)  # a change of zero whose value is not known


class News:
    """One session's. `now_s` is the caller's clock."""

    def __init__(self) -> None:
        self._often = Often[Told]()
        self._status: Status | None = None  # as last told,
        self._status_s = 0.0  # and when

    def take(self, item: Told, now_s: float) -> Counted:
        """What is to be told at once."""
        match item:
            case PhaseChanged():
                return [(item, 1)] if self._often.take("link", item, now_s, LINKS) else []
            case Status():
                return self._state(item, now_s)
            case ZeroChanged():
                return self._zero(item, now_s)
            case BallEvent():
                known = item.code if item.code in KNOWN_EVENTS else None
                return [(item, 1)] if self._often.take(known, item, now_s) else []

    def due(self, now_s: float) -> Counted:
        return self._noted(self._often.due(now_s), now_s)

    def rest(self, now_s: float) -> Counted:
        """All that waits: the end of the session."""
        return self._noted(self._often.rest(now_s), now_s)

    def deadline(self) -> float | None:
        return self._often.deadline()

    def _state(self, status: Status, now_s: float) -> Counted:
        """The same again within a second is not worth a word."""
        if status == self._status and now_s - self._status_s < SAME_STATUS_S:
            return []
        return self._noted([(status, 1)], now_s) if self._often.take("status", status, now_s) else []

    def _zero(self, zero: ZeroChanged, now_s: float) -> Counted:
        """Of a flood none is believed."""
        if self._often.take("zero", UNSEEN, now_s):
            return [(zero, 1)]
        return [(UNSEEN, 1)] if self._often.held("zero") == 1 else []

    def _noted(self, told: Counted, now_s: float) -> Counted:
        for item, _ in told:
            if isinstance(item, Status):
                self._status, self._status_s = item, now_s
        return told
