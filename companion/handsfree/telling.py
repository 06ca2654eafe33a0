"""What is said and done, collected in order."""

from companion.handsfree.words import OVER, WORDS
from sessions.events import Action, Json, Notice

Told = Notice | Action


class Telling:
    def __init__(self) -> None:
        self._out: list[Told] = []

    def say(self, t_s: float, state: str, value: int | None = None) -> None:
        self._out.append(Notice(t_s, "hands", WORDS[state].format(value=value), {"state": state, "value": value}))

    def act(self, t_s: float, kind: str, **fields: Json) -> None:
        self._out.append(Action(kind, fields, t_s))

    def over(self, t_s: float, cause: str) -> None:
        self._out.append(Notice(t_s, "over", OVER[cause], {"cause": cause}))

    def take(self) -> list[Told]:
        out, self._out = self._out, []
        return out
