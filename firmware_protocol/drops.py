"""When a ball drops scans for too long: its link is too slow for the rate (R53)."""

BUCKET_US = 1_000_000
SHARE = 0.01  # R53
BUCKETS = 5  # R53: so many seconds in a row
MIN_HZ = 10  # no ball scans slower


class DropWatch:
    """Counts, per second of device time, scans that came and scans the ball itself dropped."""

    __slots__ = ("_bucket", "_came", "_dropped", "_streak", "_tag")

    def __init__(self) -> None:
        self._tag: int | None = None
        self.start()

    def start(self) -> None:
        """START was answered: count anew."""
        self._bucket = -1
        self._came = self._dropped = self._streak = 0

    def new_link(self) -> None:
        self._tag = None

    def unbroken(self, tag: int) -> bool:
        """Whether nothing unsolicited was lost on the link before this tag; call it for each (R11)."""
        unbroken = self._tag is None or tag == (self._tag + 1) & 0xFF
        self._tag = tag
        return unbroken

    def feed(self, t_us: int, scans: int, dropped: int) -> bool:
        """One batch; `dropped` scans before it. True when over 1 % were dropped in each of the last 5 seconds."""
        bucket = t_us // BUCKET_US
        if bucket != self._bucket:
            if self._bucket >= 0:
                over = self._dropped > SHARE * (self._came + self._dropped)
                self._streak = self._streak + 1 if over else 0
            self._bucket, self._came, self._dropped = bucket, 0, 0
        self._came += scans
        self._dropped += dropped
        return self._streak >= BUCKETS


def slower(asked_hz: int, period_us: int) -> int | None:
    """Half of the rate that runs, or of the one asked for if the ball could not go that low; None: no slower one."""
    running = round(1_000_000 / period_us)
    now = min(running, asked_hz) if asked_hz else running
    return max(MIN_HZ, now // 2) if now > MIN_HZ else None
