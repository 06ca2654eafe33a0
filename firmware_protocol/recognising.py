"""What answers on a serial port: a ball that speaks protocol v1, or a board that just prints lines of numbers.

A ball is silent until it is greeted, a board prints whatever it hears: both are given their chance at once, and the
first that is sure goes on alone. Boot text is neither.
"""

from collections.abc import Mapping

from firmware_protocol.driver import Chunk, Close, Damaged, Driver, DriverEvent, Phase, PhaseChanged, Profile, Send
from firmware_protocol.messages import Request, Stop
from firmware_protocol.words import closing

NEITHER = "Nothing here that answers as a ball, and nothing that prints lines of numbers."
HINT = "Check the address, its baud rate, and that it is switched on and charged."
SURE = (Phase.CHECKING, Phase.STARTING, Phase.LIVE, Phase.STALE)  # past the greeting: it is a ball


class Recogniser:
    """A `Driver` that becomes one of two: `greeted` asks, `printed` only listens.

    Both hear all there is, and what `greeted` has to send is sent. The first that is sure is the driver from then on.
    Until then nothing is damage: it is the other one's language.
    """

    def __init__(self, greeted: Driver, printed: Driver) -> None:
        self._greeted, self._printed = greeted, printed
        self._chosen: Driver | None = None
        self._gone: dict[str, Close] = {}  # who has given up, and how

    @property
    def damage(self) -> Mapping[str, int]:
        return {} if self._chosen is None else self._chosen.damage

    def opened(self, now_s: float) -> list[DriverEvent]:
        self._gone.clear()
        if self._chosen is not None:
            return self._chosen.opened(now_s)
        return self._weighed(self._greeted.opened(now_s), self._printed.opened(now_s), now_s)

    def closed(self, now_s: float) -> list[DriverEvent]:
        if self._chosen is not None:
            return self._chosen.closed(now_s)
        return self._weighed(self._greeted.closed(now_s), self._printed.closed(now_s), now_s)

    def feed(self, chunk: Chunk) -> list[DriverEvent]:
        if self._chosen is not None:
            return self._chosen.feed(chunk)
        return self._weighed(self._greeted.feed(chunk), self._printed.feed(chunk), chunk.arrival_s)

    def tick(self, now_s: float) -> list[DriverEvent]:
        if self._chosen is not None:
            return self._chosen.tick(now_s)
        return self._weighed(self._greeted.tick(now_s), self._printed.tick(now_s), now_s)

    def ask(self, request: Request, now_s: float) -> list[DriverEvent]:
        if self._chosen is None and isinstance(request, Stop):
            self._chosen = self._greeted  # over, whoever it was
        return (self._chosen or self._greeted).ask(request, now_s)

    def deadline(self) -> float | None:
        drivers = (self._greeted, self._printed) if self._chosen is None else (self._chosen,)
        return min((at_s for at_s in (driver.deadline() for driver in drivers) if at_s is not None), default=None)

    def _weighed(self, greeted: list[DriverEvent], printed: list[DriverEvent], now_s: float) -> list[DriverEvent]:
        """What both said to the same: what of it is to be told, and whether one of them is sure now."""
        if len(self._gone) == 2:
            return []
        if any(_is_ball(event) for event in greeted):
            self._chosen = self._greeted
            damage = [Damaged(reason, count) for reason, count in self._greeted.damage.items()]
            return [*damage, *(event for event in greeted if not isinstance(event, Damaged))]
        said: list[DriverEvent] = [
            event for event in greeted if isinstance(event, Send | PhaseChanged) and not _is_end(event)
        ]
        at = next((at for at, event in enumerate(printed) if isinstance(event, Profile)), None)
        if at is not None:
            self._chosen = self._printed
            return [*(event for event in said if not isinstance(event, Send)), *printed[at:]]
        for name, events in (("greeted", greeted), ("printed", printed)):
            self._gone.update((name, event) for event in events if isinstance(event, Close))
        if len(self._gone) < 2:
            return said
        close = self._gone["printed"]
        if close.cause == "no_ball" and not close.hint.startswith("Say"):
            close = closing("no_ball", NEITHER, HINT)
        return [*said, PhaseChanged(Phase.ENDED, now_s), close]


def _is_ball(event: DriverEvent) -> bool:
    if isinstance(event, PhaseChanged):
        return event.phase in SURE
    return isinstance(event, Close) and event.cause not in ("no_ball", "silent")


def _is_end(event: DriverEvent) -> bool:
    return isinstance(event, PhaseChanged) and event.phase is Phase.ENDED
