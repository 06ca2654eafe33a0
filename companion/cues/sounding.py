"""What is to sound, and when: alerts and a clock in, commands for the player out. Pure.

The table of levels: a stop sounds its pattern and "stop, come off" again and again until it has come off or is
confirmed; a caution its tones every 10 s, its words at most three times a minute; a notice one soft tone; a technical
alarm two tones of its own. One level at a time, the highest. A silenced cause is quiet for a minute; a higher level
always sounds. Time here is real seconds, whatever the session's clock does.
"""

from collections import deque
from dataclasses import dataclass

from companion.cues.patterns import PATTERNS
from companion.safety.causes import BY_KEY, FIRM_TEXT, MANNERS, SILENCE_S, WORDS_MAX, WORDS_WINDOW_S
from sessions.events import Alert, Level, Phase

STOP_WORDS = "stop, come off"
NAMES = {Level.NOTICE: "notice", Level.CAUTION: "caution", Level.TECHNICAL: "technical", Level.STOP: "stop"}
PAUSE_S = 0.08  # between tones and words
CHATTER_S = 3.0  # a level that sounded so recently does not sound for another cause of the same level
WORDS_LONGEST = 200
_ROUNDING_S = 1e-3


@dataclass(frozen=True, slots=True)
class Play:
    pattern: str
    level: int


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    level: int


@dataclass(frozen=True, slots=True)
class Hush:
    """Whatever sounds falls silent."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Only the tones that guide fall silent."""


Command = Play | Say | Hush | Quiet


@dataclass(slots=True)
class _Cause:
    """An alert that stands."""

    alert: Alert
    silenced_t_s: float | None = None  # session time, by which the guard ends a silence
    silenced_until_s: float | None = None  # real time, where no data comes by which it could

    def silent(self, now_s: float) -> bool:
        return self.silenced_until_s is not None and now_s < self.silenced_until_s


class Sounding:
    """One session's sound. `pressed` None: not known, which counts as pressed."""

    def __init__(self, *, tones: bool = True, voice: bool = True) -> None:
        self.tones, self.voice = tones, voice
        self.words_wait = tones  # for the tones before them; not where there are none to be heard
        self.pressed: bool | None = None
        self._causes: dict[str, _Cause] = {}  # the newest last
        self._level = Level.OK  # that sounds
        self._due_s: float | None = None  # its pattern, again
        self._rounds = 0  # of a stop
        self._played_s: dict[Level, float] = {}
        self._words: tuple[float, Say] | None = None  # after their tones
        self._said_s: dict[Level, deque[float]] = {}

    @property
    def level(self) -> Level:
        """What sounds now; OK: nothing, or all of the highest level is silenced."""
        return self._level

    def hear(self, alert: Alert, now_s: float) -> list[Command]:
        """An alert has changed."""
        before = self._causes.pop(alert.cause, None)
        match alert.phase:
            case Phase.RAISED | Phase.ESCALATED:
                self._causes[alert.cause] = cause = _Cause(alert)
                if before is not None and not _sounds_again(before, alert):
                    cause.silenced_t_s, cause.silenced_until_s = before.silenced_t_s, before.silenced_until_s
                return self._raised(cause, now_s)
            case Phase.SILENCED if before is not None:
                before.silenced_t_s = alert.t_s
                before.silenced_until_s = now_s + SILENCE_S
                self._causes[alert.cause] = before
        return self._settle(now_s)

    def press(self, pressed: bool | None, now_s: float) -> list[Command]:
        """The ball is pressed, or free."""
        self.pressed = pressed
        return self._settle(now_s) + self.tick(now_s)

    def again(self, now_s: float) -> list[Command]:
        """The player is a new one: what sounded before sounds now."""
        if self._level is Level.OK:
            return []
        self._due_s = now_s
        return self.tick(now_s)

    def tick(self, now_s: float) -> list[Command]:
        """What is due."""
        out = self._settle(now_s)
        if self._words is not None and now_s >= self._words[0]:
            out.append(self._words[1])
            self._words = None
        if self._due_s is not None and now_s >= self._due_s and self._may_repeat():
            out += self._sound(self._audible(now_s)[-1], now_s, repeat=True)
        return out

    def deadline(self) -> float | None:
        """When `tick` is next due."""
        due = [] if self._words is None else [self._words[0]]
        if self._due_s is not None and self._may_repeat():
            due.append(self._due_s)
        due += [cause.silenced_until_s for cause in self._causes.values() if cause.silenced_until_s is not None]
        return min(due, default=None)

    # --- which level ---

    def _rank(self, cause: _Cause) -> Level:
        """A technical alarm is a notice while nothing presses."""
        level = cause.alert.level
        return Level.NOTICE if level is Level.TECHNICAL and self.pressed is False else level

    def _audible(self, now_s: float) -> list[_Cause]:
        """Those of the highest level that stands, unless silenced."""
        causes = [cause for cause in self._causes.values() if self.pressed is not False or not _rests(cause.alert)]
        top = max((self._rank(cause) for cause in causes), default=Level.OK)
        return [cause for cause in causes if self._rank(cause) is top and not cause.silent(now_s)]

    def _settle(self, now_s: float) -> list[Command]:
        """After something has gone, or may sound again."""
        for cause in self._causes.values():
            if cause.silenced_until_s is not None and now_s >= cause.silenced_until_s:
                cause.silenced_t_s = cause.silenced_until_s = None
        audible = self._audible(now_s)
        level = self._rank(audible[-1]) if audible else Level.OK
        before, self._level = self._level, level
        if level is before:
            return []
        if level < before:
            return self._ease(level, now_s)
        pause_s = MANNERS[level].repeat_s or CHATTER_S
        if level is not Level.STOP and self._recent(level, now_s, pause_s):  # pressed, free, pressed: no chatter
            self._due_s = _after(self._played_s[level], MANNERS[level].repeat_s)
            return []
        return self._sound(audible[-1], now_s)

    def _raised(self, cause: _Cause, now_s: float) -> list[Command]:
        before = self._level
        audible = self._audible(now_s)
        if cause not in audible:
            return self._settle(now_s)
        self._level = level = self._rank(cause)
        if level > before:
            return self._sound(cause, now_s)
        if level < before:
            return self._ease(level, now_s)
        return self._speak(cause, now_s) if self._recent(level, now_s) else self._sound(cause, now_s)

    def _ease(self, level: Level, now_s: float) -> list[Command]:
        """What is less urgent does not sound at once: it has been heard before."""
        self._words = None
        self._due_s = _after(now_s, MANNERS[level].repeat_s)
        return [Hush()]

    def _recent(self, level: Level, now_s: float, pause_s: float = CHATTER_S) -> bool:
        return now_s - self._played_s.get(level, now_s - pause_s) < pause_s

    # --- sounding ---

    def _may_repeat(self) -> bool:
        """A stop until it is over; others only while the ball is pressed."""
        return self._level is Level.STOP or self.pressed is not False

    def _sound(self, cause: _Cause, now_s: float, *, repeat: bool = False) -> list[Command]:
        level = self._level
        self._rounds = self._rounds + 1 if repeat and level is Level.STOP else 0
        self._played_s[level] = now_s
        self._due_s = _after(now_s, MANNERS[level].repeat_s)
        out: list[Command] = []
        if self.tones:
            out.append(Play(NAMES[cause.alert.level], int(level)))
        if repeat and level is not Level.STOP:
            return out
        return out + self._speak(cause, now_s)

    def _speak(self, cause: _Cause, now_s: float) -> list[Command]:
        """Words after their tones; a stop's at every round, its longer ones at the second."""
        level, text = self._rank(cause), cause.alert.text[:WORDS_LONGEST]
        if level is Level.STOP:
            text = text if text and self._rounds == 1 else STOP_WORDS
        if not self.voice or not text or not self._may_say(level, text, now_s):
            return []
        words = Say(text, int(level))
        if not self.words_wait:
            return [words]
        tones_s = PATTERNS[NAMES[cause.alert.level]].seconds
        self._words = (max(now_s, self._played_s.get(level, now_s) + tones_s + PAUSE_S), words)
        return []

    def _may_say(self, level: Level, text: str, now_s: float) -> bool:
        if level is Level.STOP or text == FIRM_TEXT:  # the hint that the guard gives instead of a fourth time
            return True
        said = self._said_s.setdefault(level, deque(maxlen=WORDS_MAX))
        if len(said) == WORDS_MAX and now_s - said[0] < WORDS_WINDOW_S:
            return False
        said.append(now_s)
        return True


def _after(now_s: float, repeat_s: float | None) -> float | None:
    return None if repeat_s is None else now_s + repeat_s


def _rests(alert: Alert) -> bool:
    """Sums over time, and a long hold, stand on while nothing presses; they sound only while it is pressed."""
    cause = BY_KEY.get(alert.cause)
    return alert.level is Level.CAUTION and cause is not None and (bool(cause.shares) or cause.key == "hold")


def _sounds_again(before: _Cause, alert: Alert) -> bool:
    """Whether a raised alert ends its cause's silence: a higher level does, and the end of its minute."""
    if before.silenced_t_s is None or alert.level > before.alert.level:
        return True
    return alert.t_s - before.silenced_t_s >= SILENCE_S - _ROUNDING_S
