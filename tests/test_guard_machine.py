"""The guard against its slow twin, through whatever a person, a ball and a link may do in any order.

A state machine plays presses, falls, bad scans, holes, silences and actions to both. The guard is fed in splits of its
own choice, the twin scan by scan; after every step they must have said the same.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from companion.safety.guard import Guard, Judged
from companion.safety.limits import tools
from sessions.events import Action, Floats, Level
from tests.guard_story import Said, judged
from tests.reference_guard import ReferenceGuard
from tests.test_guard import CONTEXTS, comparable, cut

HZ = 20
SECONDS = st.sampled_from([0.05, 0.3, 0.6, 1.0, 2.5, 6.0, 20.0, 65.0])
PARTS = st.sampled_from([0.0, 0.02, 0.05, 0.3, 0.6, 0.82, 0.87, 0.95, 1.02, 1.2, 1.3, 1.7])  # of the limit
SPLITS = st.sampled_from([1, 2, 3, 5, 50, 10**9])
SEEDS = st.integers(0, 2**20)


class GuardMachine(RuleBasedStateMachine):
    """`now_s` is session time; the host's clock is 1000 s ahead of it."""

    @initialize(context=st.sampled_from(CONTEXTS), rolling=st.booleans())
    def begin(self, context: object, rolling: bool) -> None:
        assert dataclasses.is_dataclass(context)
        chosen = dataclasses.replace(next(one for one in CONTEXTS if one is context), rolling=rolling)
        self.fast, self.slow = Guard(chosen), ReferenceGuard(chosen)
        self.now_s = self.last_s = 0.0

    # --- scans ---

    @rule(part=PARTS, seconds=SECONDS, noise=st.sampled_from([0.0, 0.003, 0.03]), seed=SEEDS, size=SPLITS)
    def press(self, part: float, seconds: float, noise: float, seed: int, size: int) -> None:
        rng = np.random.default_rng(seed)
        count = round(seconds * HZ)
        force = part + noise * rng.standard_normal(count)
        ramp = np.abs(rng.standard_normal(count)) * rng.choice([0.0, 20.0, 90.0])
        self._feed(force, size, ramp_kpa_s=ramp)

    @rule(part=PARTS, swing=st.sampled_from([0.1, 0.5]), seconds=SECONDS, size=SPLITS)
    def roll(self, part: float, swing: float, seconds: float, size: int) -> None:
        at_s = np.arange(round(seconds * HZ)) / HZ
        self._feed(part * (1 + swing * np.sin(2 * np.pi * at_s / 3)), size)

    @rule(peak=st.sampled_from([1.1, 2.0, 4.0]), rise_s=st.sampled_from([0.05, 0.15, 0.3]), size=SPLITS)
    def fall(self, peak: float, rise_s: float, size: int) -> None:
        rise = np.linspace(0.0, peak, round(rise_s * HZ) + 1)
        self._feed(np.concatenate((rise, np.linspace(peak, 0.3, 8))), size, ramp_kpa_s=400.0)

    @rule(part=PARTS, seconds=SECONDS, bad=st.sampled_from(["nan", "saturated", "negative"]), seed=SEEDS, size=SPLITS)
    def spoil(self, part: float, seconds: float, bad: str, seed: int, size: int) -> None:
        """Some scans are no good."""
        rng = np.random.default_rng(seed)
        count = round(seconds * HZ)
        force, spoilt = np.full(count, part), np.flatnonzero(rng.random(count) < rng.choice([0.05, 0.4, 1.0]))
        force[spoilt] = -1.0 if bad == "negative" else np.nan
        self._feed(force, size, saturated=spoilt.tolist() if bad == "saturated" else [])

    @rule(part=PARTS, seconds=SECONDS, size=SPLITS)
    def distrust(self, part: float, seconds: float, size: int) -> None:
        self._feed(np.full(round(seconds * HZ), part), size, trusted=False)

    @rule(seconds=st.sampled_from([0.1, 0.24, 0.26, 0.9, 3.0, 61.0]), fresh=st.booleans())
    def hole(self, seconds: float, fresh: bool) -> None:
        self.now_s += seconds
        self._feed(np.full(3, 0.4), 1, fresh=fresh)

    @rule(
        times=st.integers(2, 3), seconds=st.sampled_from([0.05, 0.25, 0.5, 0.7]), pause_s=st.sampled_from([5.0, 63.0])
    )
    def squeeze(self, times: int, seconds: float, pause_s: float) -> None:
        """Come off, wait, and press the ball by hand."""
        once = [np.full(round(seconds * HZ), 0.3), np.zeros(round(0.4 * HZ))]
        self._feed(np.concatenate((np.zeros(round(pause_s * HZ)), *(once * times))), 50)

    # --- what is no scan ---

    @rule(ages=st.lists(st.sampled_from([0.2, 0.25, 0.5, 1.0, 1.2, 30.0, 60.0, 70.0]), min_size=1, max_size=4))
    def silence(self, ages: list[float]) -> None:
        for age_s in sorted(ages):
            t_s = round(self.last_s + age_s, 6)
            self._same(self.fast.tick(1000.0 + t_s, t_s), self.slow.tick(1000.0 + t_s, t_s))
            self.now_s = max(self.now_s, t_s)

    @rule(low=st.booleans())
    def battery(self, low: bool) -> None:
        self.fast.battery(low)
        self.slow.battery_low = low

    @rule(kind=st.sampled_from(["confirm", "silence", "mark"]))
    def act(self, kind: str) -> None:
        self._act(kind)

    @rule(cause=st.sampled_from(["peak", "hold", "symptom", "silence"]))
    def silence_one(self, cause: str) -> None:
        self._act("silence", cause=cause)

    @rule(symptom=st.sampled_from(["pain", "numb", "tingle"]))
    def feel(self, symptom: str) -> None:
        self._act("symptom", symptom=symptom)

    @rule(rating=st.sampled_from([5, 7]))
    def rate(self, rating: int) -> None:
        self._act("symptom", rating=rating)

    @rule(region=st.sampled_from(["glute", "neck", "ischial", "trochanter", "calf"]), rolling=st.booleans())
    def move(self, region: str, rolling: bool) -> None:
        self._act("region", region=region, rolling=rolling)

    @rule(side=st.sampled_from(["left", "right", "both"]))
    def turn(self, side: str) -> None:
        self._act("side", side=side)

    @rule(tool=st.sampled_from(sorted(tools())))
    def swap(self, tool: str) -> None:
        self._act("tool", tool=tool)

    # --- both at once ---

    def _feed(self, parts: Floats, size: int, **more: object) -> None:
        limit_n = self.slow.limits.force_max_n
        force = np.rint(parts * limit_n * 1024) / 1024
        force[(parts >= 0) & (force < 0)] = 0.0
        piece: Judged = judged(force, self.now_s, hz=HZ, **more)  # type: ignore[arg-type]  # as above
        if self.slow.context.cell_cm2:
            piece = dataclasses.replace(piece, cells_n=np.stack((force * 0.7, force * 0.3), axis=1))
        said: list[Said] = []
        for start in range(0, len(force), size):
            part = cut(piece, start, start + size)
            said += self.fast.feed(dataclasses.replace(part, arrival_s=1000.0 + float(part.t_s[-1])))
        self.last_s = float(piece.t_s[-1])
        self.now_s = round(self.last_s + 1 / HZ, 6)
        self._same(said, self.slow.feed(piece))

    def _act(self, kind: str, **fields: str | int | bool) -> None:
        action = Action(kind, fields)
        self._same(self.fast.act(action, self.last_s), self.slow.act(action, self.last_s))

    def _same(self, fast: Sequence[Said], slow: Sequence[Said]) -> None:
        assert comparable(fast) == comparable(slow)

        sounding = self.fast._alarms.stop.value
        assert sounding == self.slow.stop
        levels = {key: state.level for key, state in self.fast._alarms._states.items()}
        assert levels == {key: condition.said for key, condition in self.slow.conditions.items()}
        assert (sounding != "none") is (Level.STOP in levels.values())


TestGuardMachine = GuardMachine.TestCase
TestGuardMachine.settings = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
