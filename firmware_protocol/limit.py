"""What a ball watches by itself, and how it buzzes and blinks (R33 to R35). Time is the ball's own."""

from dataclasses import replace

from firmware_protocol.messages import Alert, LimitSettings, Pattern

OFF = LimitSettings(False, Pattern.NONE, 0, 0, 0)
LONGEST_US = 60_000_000  # R33: a pattern repeats for this long at most


class LimitWatch:
    """Judges the total of every scan; fails safe (R34)."""

    def __init__(self, highest: int) -> None:
        self._highest = highest
        self.settings = OFF
        self.tripped_us: int | None = None  # since when
        self._over_us: int | None = None  # since when at or above high

    @property
    def armed(self) -> bool:
        return self.settings.enable

    def set(self, settings: LimitSettings) -> LimitSettings:
        """What is now in force: high may be lowered, and clear with it in proportion, never raised."""
        if settings.high > self._highest and settings.enable:
            clear = settings.clear * self._highest // settings.high
            settings = replace(settings, high=self._highest, clear=max(1, clear))
        self.settings = settings if settings.enable else OFF
        self.tripped_us = self._over_us = None
        return self.settings

    def judge(self, total: int, saturated: bool, unknown: bool, t_us: int) -> bool | None:
        """One scan: True if the limit is exceeded now, False if cleared now, else None."""
        limit = self.settings
        if not limit.enable:
            return None
        if saturated or total >= limit.high:
            if self._over_us is None:
                self._over_us = t_us
            if self.tripped_us is None and t_us - self._over_us >= 1000 * limit.hold_ms:
                self.tripped_us = t_us
                return True
        elif not unknown:
            self._over_us = None
            if self.tripped_us is not None and total < limit.clear:
                self.tripped_us = None
                return False
        return None

    def pattern(self, t_us: int) -> int:
        tripped = self.tripped_us is not None and t_us < self.tripped_us + LONGEST_US
        return self.settings.pattern if tripped else Pattern.NONE


class Signals:
    """The running ALERT. A tripped limit goes before it."""

    def __init__(self) -> None:
        self._alert = Alert(Pattern.NONE, Pattern.NONE, 0)
        self._until_us = 0

    def alert(self, alert: Alert, t_us: int) -> None:
        self._alert = alert
        self._until_us = t_us + 1000 * alert.duration_ms

    def shown(self, tripped: int, t_us: int) -> tuple[int, int]:
        """Patterns of the buzzer and of the LED, before parts the ball lacks are skipped."""
        if tripped:
            return tripped, tripped
        return (self._alert.haptic, self._alert.led) if t_us < self._until_us else (Pattern.NONE, Pattern.NONE)
