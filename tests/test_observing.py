"""Who is told what happens, when some of them are broken."""

from companion.observing import Observers
from sessions.events import Event, Notice


class Broken:
    def __init__(self) -> None:
        self.told: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.told.append(event)
        raise RuntimeError("no")


def test_several_that_raise_at_one_event_are_each_detached_once_and_the_others_hear_all_in_order() -> None:
    first, second = Broken(), Broken()
    told: list[Event] = []
    observers = Observers([first, told.append, second], lambda: 3.0, "the session goes on")
    alarm, next_one = Notice(3.0, "gap", "lost", {}), Notice(4.0, "gap", "lost again", {})
    observers.tell(alarm)
    observers.tell(next_one)
    assert (first.told, second.told) == ([alarm], [alarm])
    assert [event.kind for event in told if isinstance(event, Notice)] == ["gap", "observer", "observer", "gap"]
    assert told[1] == Notice(
        3.0,
        "observer",
        "Broken failed and was switched off; the session goes on",
        {"name": "Broken", "error": "RuntimeError('no')"},
    )


def test_one_that_raises_only_at_the_news_of_another_is_detached_too() -> None:
    def at_events(event: Event) -> None:
        raise RuntimeError("always")

    def at_news(event: Event) -> None:
        if isinstance(event, Notice) and event.kind == "observer":
            raise RuntimeError("at news")

    told: list[Event] = []
    observers = Observers([at_events, at_news, told.append], lambda: 0.0, "the session goes on")
    observers.tell(Notice(0.0, "gap", "lost", {}))
    names = [event.fields.get("name") for event in told if isinstance(event, Notice)]
    assert names == [None, "at_events", "at_news"]
