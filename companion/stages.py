"""What a pipeline is to those around it: what it is given, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from companion.handsfree.terms import Terms
from companion.programs.program import Routine
from companion.programs.view import CoachView
from companion.safety.limits import GuardContext
from firmware_protocol.driver import Chunk, Close, Profile, Send
from sessions.events import Action, Event

Output = Event | Send | Close  # events for the observers, orders for the transport


@dataclass(frozen=True, slots=True)
class Plan:
    """What the composition root decided about a session before the ball was known."""

    person: str
    region: str
    side: str
    program: str | None
    context: Callable[[Profile], GuardContext]  # all the guard must know from outside, once the ball is known
    wall: Callable[[float], datetime]  # engine seconds -> wall time
    software: str
    hands: Terms | None = None  # led without hands, and how; None: not
    routine: Routine | None = None  # what the coach leads through
    show: Callable[[CoachView], None] | None = None  # takes the coach's newest picture, in the engine's thread


class Stages(Protocol):
    """What a pipeline is to the engine."""

    def opened(self, now_s: float) -> list[Output]: ...
    def closed(self, now_s: float, cause: str) -> list[Output]: ...
    def feed(self, chunk: Chunk) -> list[Output]: ...
    def tick(self, now_s: float) -> list[Output]: ...
    def act(self, action: Action, now_s: float) -> list[Output]: ...
    def finish(self, now_s: float, cause: str) -> list[Event]: ...
    def deadline(self) -> float | None: ...
    def session_s(self, now_s: float) -> float | None: ...
