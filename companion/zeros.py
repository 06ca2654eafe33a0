"""The zero of a ball that cannot keep one itself: taken here, kept in its profile, and told to its driver again."""

import contextlib

from companion import whereabouts
from companion.config import Paths
from sessions.errors import SessionError
from sessions.events import Event, Fields, Json, Notice, Opened


class Zeros:
    """An observer. `keep` after the session, by the name that drivers know a zero by."""

    def __init__(self, paths: Paths, address: str) -> None:
        self._paths, self._address = paths, address
        self._device: Fields | None = None
        self._numbers: list[Json] | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Opened):
            self._device = event.device
        elif isinstance(event, Notice) and event.kind == "zero":
            numbers = event.fields.get("numbers")
            if isinstance(numbers, list):
                self._numbers = numbers

    def keep(self) -> None:
        """Quiet: without it the ball is zeroed anew, and that a store is damaged is said by others."""
        device, numbers = self._device, self._numbers
        if device is None or numbers is None or self._address.partition(":")[0] in whereabouts.NOBODY:
            return
        with contextlib.suppress(SessionError, OSError):
            whereabouts.settle(self._paths, device, self._address, lambda kept: {**kept, "zero": numbers})
