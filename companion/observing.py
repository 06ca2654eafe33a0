"""Who is told what happens: each event to all, in order, and nobody's fault reaches the next one."""

from collections.abc import Callable, Iterable

from sessions.events import Event, Notice

Observer = Callable[[Event], None]  # takes an event and returns at once


class Observers:
    """One session's, in the thread that runs it. One that raises is detached, and the others are told so.

    `t_s` gives the session time of now, in seconds; `rest` is what is not touched by that, in words.
    """

    def __init__(self, observers: Iterable[Observer], t_s: Callable[[], float], rest: str) -> None:
        self._all = list(observers)
        self._t_s = t_s
        self._rest = rest

    def tell(self, event: Event) -> None:
        """The event to all; then, to those who are left, who failed at it."""
        waiting = [event]
        while waiting:
            waiting += self._tell(waiting.pop(0))

    def _tell(self, event: Event) -> list[Event]:
        """What is to be said of those that failed, and are detached now."""
        said: list[Event] = []
        for observer in list(self._all):
            try:
                observer(event)
            except Exception as error:  # an observer's fault must not reach the alarm
                self._all.remove(observer)
                name = getattr(observer, "__name__", type(observer).__name__)
                text = f"{name} failed and was switched off; {self._rest}"
                said.append(Notice(self._t_s(), "observer", text, {"name": name, "error": repr(error)}))
        return said
