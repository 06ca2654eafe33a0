"""Between a session under way and the steps of pairing: events in, orders out, answers in turn.

The session's engine calls it with events; a person's answers come from any thread; one thread runs it to its end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue

from companion.engine import Outcome
from companion.pairing.steps import Ask, Do, End, Order, Say, Steps
from companion.underway import Session
from sessions.events import Closed, Event


@dataclass(frozen=True, slots=True)
class _Answer:
    yes: bool | None


class _Skip:
    pass


class _Leave:
    pass


class Talk:
    """An observer. `hear` is told every line and question, in the thread that runs it."""

    def __init__(self, steps: Steps, hear: Callable[[Say | Ask], None]) -> None:
        self.steps = steps
        self._hear = hear
        self._queue: SimpleQueue[Event | _Answer | _Skip | _Leave] = SimpleQueue()

    def __call__(self, event: Event) -> None:
        self._queue.put(event)

    def answer(self, yes: bool | None) -> None:
        self._queue.put(_Answer(yes))

    def skip(self) -> None:
        self._queue.put(_Skip())

    def leave(self) -> None:
        """Give up; nothing is kept."""
        self._queue.put(_Leave())

    def run(self, session: Session) -> Outcome:
        """From the start of the session to its end."""
        session.start()
        outcome: Outcome | None = None
        while not isinstance(item := self._queue.get(), Closed):
            for order in self._orders(item, session):
                match order:
                    case Do(action):
                        session.submit(action)
                    case End(reached):
                        outcome = outcome or reached
                        session.stop("user", reached)
                    case Say() | Ask():
                        self._hear(order)
        session.join()
        return self.steps.ended(outcome or session.outcome or Outcome(1, "pairing ended", "try again"))

    def _orders(self, item: Event | _Answer | _Skip | _Leave, session: Session) -> list[Order]:
        match item:
            case _Answer(yes):
                return self.steps.answer(yes)
            case _Skip():
                return self.steps.skip()
            case _Leave():
                session.stop("user")
                return []
            case _:
                return self.steps.feed(item)
