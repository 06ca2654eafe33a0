"""How fast it ticks: by where the pressure lies beside the band. Fed every event, in the engine's thread.

below the band, or unknown   no tick
in it                        a tick a second
above it                     twice, then three times; past the limit four times a second
"""

import math
from contextlib import suppress

from companion.cues.pressing import Pressing
from companion.errors import ConfigError
from companion.safety.limits import zone_edges_kpa
from sessions.events import Action, Cue, Event, Notice, Opened, Reading

RATES = 5  # 0, silent, to 4
STICKY = 0.04  # a rate is left downwards only so far below its edge: no stutter at it
_LEADING = ("started", "resumed", "back")  # of a hands-free session; in other states nobody is led
_RESTING = ("armed", "ready", "paused", "held", "finished", "scoring")


class Band:
    """`pressing` is fed before it. The band is the program's step's, else the working range of the place."""

    def __init__(self, pressing: Pressing) -> None:
        self.rate = 0
        self._pressing = pressing
        self._edges: tuple[float, ...] = ()  # of the rates 1 to 4
        self._step: tuple[float, float] | None = None
        self._led = True

    def feed(self, event: Event) -> bool:
        """True if the rate has changed."""
        before = self.rate
        match event:
            case Reading(late=False) if len(event.t_s):
                smooth = float(event.smooth_kpa[-1])
                self.rate = self._rate(float(event.pressure_kpa[-1]) if math.isnan(smooth) else smooth)
            case Opened() | Action(kind="region" | "side" | "tool"):
                self._settle()
            case Cue():
                self._follow(event)
            case Notice(kind="hands"):
                state = event.fields.get("state")
                self._led = state in _LEADING or (self._led and state not in _RESTING)
            case Notice(kind="value") if event.fields.get("state") == "unknown":
                self.rate = 0
            case _:
                return False
        self.rate = self.rate if self._led else 0
        return self.rate != before

    def _follow(self, cue: Cue) -> None:
        match cue.kind:
            case "step" | "start":
                band = cue.fields.get("band_kpa")
                if isinstance(band, list | tuple) and len(band) == 2:
                    low, high = (float(edge) if isinstance(edge, int | float) else math.nan for edge in band)
                    self._step = (low, high)
                self._led = True
            case "resume" | "rested":
                self._led = True
            case "rest" | "pause":
                self._led = False
            case "finish":
                self._led, self._step = False, None
        self._settle()

    def _settle(self) -> None:
        context = self._pressing.context
        if context is None or not context.judged:
            self._edges = ()
            return
        with suppress(ConfigError):
            _, low, high, over = zone_edges_kpa(context.limits())
            if self._step is not None:
                low, high = self._step
            self._edges = (low, high, high + 0.5 * max(0.0, over - high), max(over, high))

    def _rate(self, kpa: float) -> int:
        if not math.isfinite(kpa):
            return 0
        rising = sum(kpa >= edge for edge in self._edges)
        falling = sum(kpa >= (1.0 - STICKY) * edge for edge in self._edges)
        return min(max(self.rate, rising), falling)
