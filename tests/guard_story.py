"""A session told in pieces of force, and what the guard said to it."""

from collections.abc import Sequence

import numpy as np

from companion.safety.guard import Guard, Judged
from companion.safety.limits import GuardContext
from sessions.events import Action, Alert, Floats, Notice, Totals

Said = Alert | Notice | Totals
HZ = 100
PERIOD_S = 1 / HZ
GLUTE = GuardContext(screened=True, factor_k=1.0, region="glute", tool="tennis", area_cm2=12.0, full_scale_n=400.0)
N_PER_KPA = 1.2  # on 12 cm2


def judged(
    force_n: Floats | Sequence[float],
    start_s: float = 0.0,
    *,
    ramp_kpa_s: float | Floats = 0.0,
    saturated: Sequence[int] = (),
    raw_n: Floats | None = None,
    cells_n: Floats | None = None,
    trusted: bool = True,
    fresh: bool = False,
    hz: float = HZ,
) -> Judged:
    force = np.asarray(force_n, np.float64)
    count = len(force)
    t_s = start_s + np.arange(count) / hz
    flags = np.zeros(count, np.bool_)
    flags[list(saturated)] = True
    return Judged(
        t_s=t_s,
        force_n=force,
        raw_n=force if raw_n is None else raw_n,
        cells_n=force[:, None] if cells_n is None else cells_n,
        ramp_kpa_s=np.broadcast_to(np.asarray(ramp_kpa_s, np.float64), (count,)).copy(),
        saturated=flags,
        period_s=1 / hz,
        arrival_s=1000.0 + float(t_s[-1]),
        fresh=fresh,
        trusted=trusted,
    )


class Story:
    """Feeds pieces of force one after the other, and keeps what was said."""

    def __init__(self, context: GuardContext = GLUTE, hz: float = HZ) -> None:
        self.guard = Guard(context)
        self.hz = hz
        self.now_s = 0.0
        self.said: list[Said] = []

    def press(self, kpa: float, seconds: float, **more: object) -> list[Said]:
        count = round(seconds * self.hz)
        area = self.guard.context.area_cm2
        return self.feed(np.full(count, kpa * area / 10), **more)

    def feed(self, force_n: Floats, **more: object) -> list[Said]:
        said = self.guard.feed(judged(force_n, self.now_s, hz=self.hz, **more))  # type: ignore[arg-type]  # as above
        self.now_s = round(self.now_s + len(force_n) / self.hz, 6)
        self.said += said
        return said

    def wait(self, seconds: float) -> None:
        self.now_s = round(self.now_s + seconds, 6)

    def act(self, kind: str, **fields: str | float | bool) -> list[Said]:
        said = self.guard.act(Action(kind, fields), self.now_s)
        self.said += said
        return said

    def alerts(self, cause: str = "") -> list[tuple[float, str, str, str]]:
        return brief(self.said, cause)

    def totals(self) -> Totals:
        """At the last scan."""
        return self.guard.finish(self.now_s - 1 / self.hz)[0]


def brief(said: Sequence[Said], cause: str = "") -> list[tuple[float, str, str, str]]:
    """(t_s, cause, level, phase) of the alerts."""
    return [
        (round(event.t_s, 6), event.cause, event.level.name.lower(), str(event.phase))
        for event in said
        if isinstance(event, Alert) and event.cause.startswith(cause)
    ]


def notices(said: Sequence[Said], kind: str) -> list[tuple[float, object]]:
    return [
        (round(event.t_s, 6), event.fields.get("state"))
        for event in said
        if isinstance(event, Notice) and event.kind == kind
    ]
