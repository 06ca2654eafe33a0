"""What is heard of a session that is led: ticks that follow the band, a tone and words for every cue. Pure.

Warnings come first: while one sounds or is spoken nothing of this does, and a stop silences it all. One tone and one
sentence at a time; what has become stale is left out. Time here is real seconds.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from companion.cues.patterns import PATTERNS
from companion.cues.sounding import PAUSE_S, WORDS_LONGEST, Command, Play, Quiet, Say
from sessions.events import Cue, Notice

SIGN_S, SPOKEN_S = 0.065, 0.5  # how long words take: a sign, and whatever is said; measured with espeak-ng
STALE_S = 6.0  # words that could not be said by then are left out
COUNT_STALE_S = 0.8
LEVEL = 0  # below every warning

# what tone goes with it, and whether its words are spoken, too
TONES: Mapping[str, str] = MappingProxyType(
    {
        "hands started": "begin",
        "hands resumed": "begin",
        "hands paused": "away",
        "hands held": "away",
        "hands taken": "count",
        "hands scored": "done",
        "cue done": "done",
        "cue finish": "done",
        "cue rested": "begin",
    }
)
SILENT = ("cue band", "hands answered", "hands finished")  # told by the ticks, by the stop, by the cue


@dataclass(frozen=True, slots=True)
class _Words:
    text: str
    until_s: float  # stale from then on
    replaces: bool = False  # what waits of the same sort


class Guiding:
    """One session's. `voice`: somebody speaks; nothing waits for words that nobody says."""

    def __init__(self, *, tones: bool, voice: bool, ticks: bool) -> None:
        self.voice = voice
        self._tones, self._ticks = tones, tones and ticks
        self._rate = 0
        self._ticking = 0  # the rate that sounds
        self._tick_s = 0.0  # it has to be played again
        self._tone_s = 0.0  # until then a tone of ours or a warning sounds
        self._said_s = 0.0  # ... and somebody speaks
        self._stopped = False
        self._waiting: deque[_Words] = deque(maxlen=8)

    def band(self, rate: int, now_s: float) -> list[Command]:
        """The pressure lies elsewhere beside the band."""
        self._rate = rate
        return self.tick(now_s)

    def hear(self, event: Cue | Notice, now_s: float) -> list[Command]:
        """Something was said to the user."""
        name = f"cue {event.kind}" if isinstance(event, Cue) else f"hands {event.fields.get('state', event.kind)}"
        if isinstance(event, Notice) and event.kind == "over":
            name = "over"
        count = event.fields.get("left_s" if isinstance(event, Cue) else "value")
        counting = name in ("cue count", "hands countdown")
        out: list[Command] = []
        if counting and isinstance(count, int | float) and count <= 3:
            out += self._tone("count", now_s)
        elif name in TONES:
            out += self._tone(TONES[name], now_s)
        spoken = name not in SILENT and not (counting and out)
        if self.voice and spoken and event.text:
            brief = counting or name == "hands grade"
            words = _Words(event.text[:WORDS_LONGEST], now_s + (COUNT_STALE_S if brief else STALE_S), brief)
            if brief:
                self._waiting = deque((other for other in self._waiting if not other.replaces), maxlen=8)
            self._waiting.append(words)
        return out + self.tick(now_s)

    def warned(self, commands: list[Command], now_s: float, *, stopped: bool) -> list[Command]:
        """Warnings sound: make room for them. To be sent before them."""
        self._stopped = stopped
        if stopped:
            self._waiting.clear()
        for command in commands:
            match command:
                case Play(pattern):
                    self._tone_s = now_s + PATTERNS[pattern].seconds + PAUSE_S
                case Say(text) if self.voice:
                    self._said_s = max(self._said_s, now_s) + spoken_s(text)
                case _:
                    pass
        loud = any(isinstance(command, Play | Say) for command in commands)
        return self._silence() if (loud or stopped) else []

    def tick(self, now_s: float) -> list[Command]:
        """What is due."""
        while self._waiting and self._waiting[0].until_s < now_s:
            self._waiting.popleft()
        out: list[Command] = []
        if self._waiting and now_s >= self._said_s and not self._stopped:
            words = self._waiting.popleft()
            self._said_s = now_s + spoken_s(words.text)
            out += [*self._silence(), Say(words.text, LEVEL)]
        wanted = 0 if self._stopped or not self._ticks or now_s < self._busy_s else self._rate
        if wanted != self._ticking:
            out += self._silence()
        if wanted and (wanted != self._ticking or now_s >= self._tick_s):
            name = f"tick-{wanted}"
            self._ticking, self._tick_s = wanted, now_s + PATTERNS[name].seconds
            out.append(Play(name, LEVEL))
        return out

    def deadline(self) -> float | None:
        """When `tick` is next due."""
        due = [self._said_s] if self._waiting and not self._stopped else []
        if self._ticks and self._rate and not self._stopped:
            due.append(self._busy_s if not self._ticking else self._tick_s)
        return min(due, default=None)

    @property
    def _busy_s(self) -> float:
        return max(self._tone_s, self._said_s)

    def _tone(self, pattern: str, now_s: float) -> list[Command]:
        if not self._tones or self._stopped or now_s < self._tone_s:
            return []
        self._tone_s = now_s + PATTERNS[pattern].seconds + PAUSE_S
        return [*self._silence(), Play(pattern, LEVEL)]

    def _silence(self) -> list[Command]:
        """No ticks beside words or tones: a loudspeaker that takes one program at a time would refuse the other."""
        if not self._ticking:
            return []
        self._ticking = 0
        return [Quiet()]


def spoken_s(text: str) -> float:
    """About how long it takes to say."""
    return SPOKEN_S + SIGN_S * len(text)
