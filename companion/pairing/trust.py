"""The trust check: ten seconds of a ball that lies free, and what they say of it.

Fed with a session's events; each finding has a word and a number. Pure. The ball's own values are looked at (`values`
times `lsb`), not what trust or zero made of them.
"""

import numpy as np
from numpy.typing import NDArray

from companion.pairing.findings import Finding as Finding
from companion.pairing.findings import of_battery, of_calibration, of_free_ball, of_rate, unknown
from companion.pairing.footing import Calibration
from companion.pairing.freeball import SCANS_LEAST, FreeBall
from sessions.events import Event, Fields, Floats, Notice, Opened, Reading

CHECK_S = 10.0
SCANS_MOST = 20_000  # of one check: 40 s at the fastest rate; more is not kept


class TrustCheck:
    """Feed it the events of a session from its beginning; ask for the findings once it is `done`."""

    def __init__(self, seconds: float = CHECK_S) -> None:
        self.seconds = seconds
        self._opened: Opened | None = None
        self.status: Fields = {}
        self.begin()

    def begin(self) -> None:
        """From the next scan on, anew: what was seen so far does not count."""
        self._t_s: list[Floats] = []
        self._values: list[NDArray[np.int16]] = []
        self._scans = 0
        self._lost = 0

    def feed(self, event: Event) -> None:
        match event:
            case Opened():
                self._opened = event
            case Reading(late=False) if self._scans < SCANS_MOST:
                if self._t_s:
                    self._lost += event.lost
                self._t_s.append(event.t_s)
                self._values.append(event.values)
                self._scans += len(event.t_s)
            case Notice(kind="status"):
                self.status = event.fields
            case _:
                pass

    @property
    def seen_s(self) -> float:
        """How much of it is done."""
        return float(self._t_s[-1][-1] - self._t_s[0][0]) if self._t_s else 0.0

    @property
    def done(self) -> bool:
        return self.seen_s >= self.seconds or self._scans >= SCANS_MOST

    @property
    def noise_n(self) -> float | None:
        """Standard deviation of the free ball's load, where it gives newtons and was left alone."""
        measured = self._measured()
        return None if measured is None or measured.unit != "N" or measured.touched else measured.noise

    @property
    def touched(self) -> bool:
        """Something pressed: what was measured is not the free ball."""
        measured = self._measured()
        return measured is not None and measured.touched

    def findings(self, calibration: Calibration) -> tuple[Finding, ...]:
        measured = self._measured()
        return (
            *(unknown("noise", "zero", "drift", "stuck") if measured is None else of_free_ball(measured)),
            of_rate(self._scans, self._lost, self.seen_s),
            of_battery(self.status),
            of_calibration(calibration),
        )

    def _measured(self) -> FreeBall | None:
        if self._opened is None or self._scans < SCANS_LEAST:
            return None
        return FreeBall(self._opened.device, np.concatenate(self._t_s), np.concatenate(self._values))
