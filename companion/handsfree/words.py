"""What is said in a hands-free session, the most important word first: a table, read aloud and printed."""

from collections.abc import Mapping
from types import MappingProxyType

# state of a "hands" notice: its words, with {value} where there is one
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "armed": "get down on the floor: it begins in {value} seconds",
        "countdown": "{value}",
        "ready": "ready: lie on the ball",
        "started": "starting",
        "paused": "paused: you are off the ball",
        "held": "paused by two squeezes: lie on the ball to go on",
        "resumed": "going on",
        "asked": "pain, numb or tingling? squeeze the ball for two seconds, then let go",
        "answered": "noted: stay off the ball",
        "unanswered": "no answer: lie on the ball to go on",
        "finished": "finished: come off the ball",
        "rating": "how much did that hurt, 0 to 10? squeeze, hold still, let go",
        "scoring": "how much does it hurt now, 0 to 10? squeeze: harder is more; hold still to accept",
        "grade": "score {value}",
        "taken": "{value}: let go to keep it",
        "back": "back on the ball: no score is kept",
        "scored": "{value} of 10 is kept",
        "unscored": "no score given",
    }
)
OVER: Mapping[str, str] = MappingProxyType(
    {
        "released": "over: nobody was on the ball, the session is saved",
        "finished": "over: the session is saved",
        "unused": "over: nobody came, the session is saved",
    }
)
