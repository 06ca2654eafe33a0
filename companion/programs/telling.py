"""The cues of a routine, with their words and fields."""

from companion.programs import words
from companion.programs.band import Band, band_of
from companion.programs.program import Routine, Step
from companion.programs.repetition import Mark, Repetition
from companion.programs.view import Where
from companion.safety.limits import GuardContext
from sessions.events import Cue, Json

Fields = dict[str, Json]


class Telling:
    """Steps are counted from 0 here, and from 1 in what is told."""

    def __init__(self, routine: Routine) -> None:
        self._routine = routine

    def program(self, t_us: float, context: GuardContext) -> Cue:
        routine = self._routine
        told: Fields = {"program": routine.program, "title": routine.title, "steps": len(routine.steps)}
        told |= {"seconds": routine.whole_s, "side": routine.side, "stretch": routine.stretch, "tool": routine.tool}
        return Cue(t_us * 1e-6, "program", None, words.program(routine, context.tool), told)

    def following(self, t_us: float, number: int, context: GuardContext, in_s: float | None) -> Cue:
        """`in_s` None: the first step, which waits for contact."""
        step = self._routine.steps[number]
        told = _step(step, context) | {"in_s": in_s}
        return self._cue(t_us, "next", number, words.following(step, first=in_s is None), told)

    def step(self, t_us: float, number: int, context: GuardContext) -> Cue:
        step = self._routine.steps[number]
        return self._cue(t_us, "step", number, step.cue, _step(step, context))

    def marked(self, t_us: float, number: int, rep: int, clock: Repetition, band: Band, mark: Mark, left: int) -> Cue:
        """What the clock of a repetition marks; but for its end."""
        step = self._routine.steps[number]
        place: Fields = {"rep": rep}
        held: Fields = place | {"held_s": clock.held_us * 1e-6}
        match mark:
            case Mark.START:
                told = place | {"repeats": step.repeats, "seconds": step.seconds}
                return self._cue(t_us, "start", number, words.start(step), told)
            case Mark.LEFT:
                way = "down" if clock.where is Where.ABOVE else "up"
                return self._cue(t_us, "left", number, words.left(clock.where, band), held | {"way": way})
            case Mark.BAND:
                return self._cue(t_us, "band", number, words.back(step), held)
            case Mark.COUNT:
                return self._cue(t_us, "count", number, words.count(left), {"left_s": left} | place)
            case _:
                return self._cue(t_us, "breathe", number, words.BREATHE, place)

    def done(self, t_us: float, number: int, rep: int, clock: Repetition, cause: str) -> Cue:
        step = self._routine.steps[number]
        from_s = None if clock.from_us is None else clock.from_us * 1e-6
        told: Fields = {"rep": rep, "repeats": step.repeats, "held_s": clock.held_us * 1e-6, "seconds": step.seconds}
        return self._cue(t_us, "done", number, words.done(cause), told | {"from_s": from_s, "cause": cause})

    def rest(self, t_us: float, number: int, seconds: float, load: float) -> Cue:
        return self._cue(t_us, "rest", number, words.REST, {"seconds": seconds, "hold_load": load})

    def off(self, t_us: float, number: int) -> Cue:
        """Pressed while it is time to rest."""
        return self._cue(t_us, "left", number, words.STILL_RESTING, {"way": "off"})

    def rested(self, t_us: float, number: int, load: float) -> Cue:
        return self._cue(t_us, "rested", number, words.RESTED, {"hold_load": load})

    def again(self, t_us: float, number: int, rep: int, load: float, in_s: float) -> Cue:
        """Rested, and the next repetition of the same step is announced."""
        told: Fields = {"hold_load": load, "rep": rep, "in_s": in_s}
        return self._cue(t_us, "rested", number, words.again(rep, self._routine.steps[number].repeats), told)

    def skip(self, t_us: float, number: int, cause: str) -> Cue:
        return self._cue(t_us, "skip", number, words.skip(self._routine.steps[number], cause), {"cause": cause})

    def pause(self, t_us: float, number: int, cause: str) -> Cue:
        return self._cue(t_us, "pause", number, words.pause(cause), {"cause": cause})

    def resume(self, t_us: float, number: int, cause: str) -> Cue:
        return self._cue(t_us, "resume", number, words.resume(cause), {"cause": cause})

    def finish(self, t_us: float, states: tuple[str, ...]) -> Cue:
        skipped = states.count("skipped")
        cause = "closed" if skipped == len(states) else "done"
        told: Fields = {"steps": len(states), "done": states.count("done"), "skipped": skipped}
        told |= {"stretch": self._routine.stretch, "cause": cause}
        return Cue(t_us * 1e-6, "finish", None, words.finish(self._routine, cause), told)

    def _cue(self, t_us: float, kind: str, number: int, text: str, told: Fields) -> Cue:
        return Cue(t_us * 1e-6, kind, number + 1, text, told)


def _step(step: Step, context: GuardContext) -> Fields:
    band = band_of(step, context)
    names = ("title", "site", "region", "side", "tool", "technique", "seconds", "repeats")
    return {name: getattr(step, name) for name in names} | {"band_kpa": None if band is None else list(band.edges)}
