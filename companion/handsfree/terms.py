"""How a session is led without hands: the times, as data. Stored with the session, so that a replay leads it again."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from companion.safety.limits import GuardContext
from sessions.events import Fields, Json

START_S = 1.0  # of contact, then it begins or goes on
RETURN_S = 15.0  # to come back on the ball after a rest, before it pauses
PAUSE_S = 3.0  # off the ball, then it pauses; unloaded for so long the ball takes squeezes
END_S = 60.0  # off the ball, then it ends and is saved
STOPPED_END_S = 180.0  # ... where a stop waits to be confirmed: two squeezes do that only after a minute
HELD_END_S = 600.0  # ... where it was paused on purpose, or has not begun yet
SQUEEZE_S = (0.1, 0.6)  # shorter is a knock, longer is no squeeze
BETWEEN_S = 2.0  # from one squeeze to the next
QUESTION_S = 10.0  # an answer begins within
ANSWER_S = (1.8, 4.0)  # two seconds by feel; longer, and the person has come back
SCORE_WAIT_S = 20.0  # for the first touch, and for each further one
STILL_S = 3.0  # held still for so long a score is taken
REST_STILL_S = 2.0  # ... between two holds: pressed for three the program would send the person off
REST_LEAST_S = 12.0  # a shorter rest is left in peace
LET_GO_S = 5.0  # ... and kept, if let go within; else the person lies on the ball again
ARM_MAX_S = 600.0
SCORE_FULL_KPA = 40.0  # a 10, where nothing is known of the limits
SCORE_LEAST_KPA = 20.0  # a 10 is never less: eleven grades must be told apart by a hand


@dataclass(frozen=True, slots=True)
class Terms:
    """`arm_s`: time to get down on the floor first. `guided`: a program has steps. `full_kpa`: a score of 10."""

    arm_s: float = 0.0
    guided: bool = False
    full_kpa: float | None = None  # not known before the ball is
    end_s: float = END_S

    def __post_init__(self) -> None:
        full_kpa = SCORE_FULL_KPA if self.full_kpa is None else self.full_kpa
        if not (0.0 <= self.arm_s <= ARM_MAX_S and self.end_s > 0.0 and full_kpa >= SCORE_LEAST_KPA):
            raise ValueError(f"no terms of a session: {self}")

    def within(self, context: GuardContext) -> "Terms":
        """A 10 is the top of the working range: no score asks for more than the limits allow."""
        if self.full_kpa is not None:
            return self
        top_kpa = context.limits().working_kpa[1] if context.judged else SCORE_FULL_KPA
        return dataclasses.replace(self, full_kpa=max(SCORE_LEAST_KPA, top_kpa))

    def to_json(self) -> dict[str, Json]:
        told: dict[str, Json] = dataclasses.asdict(self)
        return told

    @classmethod
    def from_json(cls, told: Fields) -> "Terms":
        """ValueError where it is none. Names it does not know are left out."""
        kinds: dict[str, type] = {"arm_s": float, "guided": bool, "full_kpa": float, "end_s": float}
        known: dict[str, Any] = {name: told[name] for name in kinds if told.get(name) is not None}
        for name, value in known.items():
            wanted = (int, float) if kinds[name] is float and not isinstance(value, bool) else kinds[name]
            if not isinstance(value, wanted):
                raise ValueError(f"no terms of a session: {name} = {value!r}")
        return cls(**known)


MODES = ("auto", "on", "off")


def wished(mode: str, arm_s: float, *, guided: bool) -> Terms | None:
    """What a user's setting means for a session. "auto": where a program leads, or a countdown was asked for."""
    if mode == "off" or (mode == "auto" and not guided and arm_s <= 0.0):
        return None
    return Terms(arm_s=arm_s, guided=guided)
