"""Changes of a ball's zero, so that none goes unsaid (R28, R52)."""

from firmware_protocol.driver import ZeroChanged
from firmware_protocol.messages import MAX_VALUE

TRUST = 0.05  # R28: beyond this share of full scale it was tared under load
COUNTS = 256  # STATUS counts mod 256


class ZeroWatch:
    """Follows STATUS's count of zero changes, boot by boot."""

    __slots__ = ("_boot_id", "_count")

    def __init__(self) -> None:
        self._boot_id: int | None = None
        self._count: int | None = None  # as we know it; None before the first STATUS of this boot

    def booted(self, boot_id: int) -> None:
        """HELLO was answered: another boot counts anew, from 0. Only before the first one nobody was there to see."""
        if boot_id != self._boot_id:
            self._count = None if self._boot_id is None else 0
            self._boot_id = boot_id

    def changed(self, value: int, from_index: int | None, full_scale: int) -> ZeroChanged:
        """TARE was answered, or the button tared. `full_scale` in counts, 0 unknown."""
        if self._count is not None:
            self._count = (self._count + 1) % COUNTS
        return ZeroChanged(value, from_index, abs(value) <= TRUST * (full_scale or MAX_VALUE))

    def counted(self, count: int) -> ZeroChanged | None:
        """STATUS came: a change nobody told of, if its count is not ours."""
        unseen = self._count is not None and self._count != count
        self._count = count
        return ZeroChanged(None, None, False) if unseen else None
