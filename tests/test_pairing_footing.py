"""What limits stand on: a ball's claim makes them stricter at once, and looser only once a person has confirmed it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.clock import Clock
from companion.contexts import guard_context
from companion.pairing.acquaintance import Acquaintances, recognised
from companion.pairing.footing import CALIBRATION_OLD, DAY_ZERO, NOISE_MOST_N, calibration_of, claimed, footing
from companion.pairing.profile import Settled
from companion.pipeline import Pipeline
from companion.run import LiveRequest
from companion.safety.limits import GuardContext, regions, tools
from companion.stages import Plan
from firmware_protocol.driver import Chunk, Continuity, DriverEvent, Profile, Samples, Started, Unit
from firmware_protocol.messages import Request
from sessions.devices import Device
from sessions.events import Json, Notice, Opened

TODAY = date(2026, 11, 21)
AT = datetime(2026, 11, 1, tzinfo=UTC)
BALL = Profile(
    kind="native",
    serial="KB-00A7",
    model="ball",
    vendor="v",
    firmware="1.0",
    channels=1,
    unit=Unit.NEWTON,
    lsb=0.05,
    max_hz=200,
    caps=0,
    cal_crc=0xAFB0,
    boot_id=1,
    has_clock=True,
    full_scale=20_000,
    cell_mm2=0,
    contact_mm2=1200,
    tool=2,
    cal_day=(TODAY - DAY_ZERO).days - 10,
)
ROLLER = replace(BALL, tool=4, contact_mm2=20_000)
TENNIS = Settled(tool="tennis", cal_crc=0xAFB0)


def causes(told: tuple[tuple[str, str], ...]) -> set[str]:
    return {cause for cause, _ in told}


def test_a_claim_of_nobody_confirmed_does_not_loosen_limits() -> None:
    for ball, said in ((BALL, "12 cm2"), (ROLLER, "50 cm2"), (replace(BALL, tool=0, contact_mm2=20_000), "200 cm2")):
        stands = footing(ball, None, None, TODAY)
        assert (stands.tool, stands.area_cm2) == ("hard", 8.0)
        (text,) = [text for cause, text in stands.told if cause == "size"]
        assert said in text
        assert "8 cm2 hold" in text


def test_a_claim_that_is_stricter_holds_at_once() -> None:
    nub = footing(replace(BALL, tool=5, contact_mm2=0), None, None, TODAY)
    assert (nub.tool, nub.area_cm2, causes(nub.told)) == ("nub", 3.0, set())
    small = footing(replace(BALL, tool=4, contact_mm2=500), None, None, TODAY)  # a roller of 5 cm2 keeps its force cap
    assert (small.tool, small.area_cm2) == ("hard", 5.0)


def test_an_unknown_size_is_said() -> None:
    stands = footing(replace(BALL, tool=0, contact_mm2=0), None, None, TODAY)
    assert (stands.tool, stands.area_cm2, causes(stands.told)) == ("hard", 8.0, {"size"})


def test_a_person_confirms_the_size_by_pairing_or_by_the_tool() -> None:
    assert footing(BALL, None, TENNIS, TODAY).area_cm2 == 12.0
    assert footing(ROLLER, "roller", None, TODAY).tool == "roller"
    soft = footing(BALL, "soft", TENNIS, TODAY)  # the person's own choice for this session
    assert (soft.tool, soft.area_cm2, causes(soft.told)) == ("soft", 20.0, set())
    measured = footing(ROLLER, "soft", Settled(tool="soft", area_cm2=15.0), TODAY)
    assert measured.area_cm2 == 15.0


def test_of_profile_and_claim_the_smaller_area_holds_and_is_said() -> None:
    smaller = footing(replace(BALL, contact_mm2=900), None, TENNIS, TODAY)
    larger = footing(replace(BALL, tool=3, contact_mm2=2000), None, TENNIS, TODAY)
    assert (smaller.area_cm2, larger.area_cm2) == (9.0, 12.0)
    assert causes(smaller.told) == causes(larger.told) == {"size"}
    assert footing(BALL, None, TENNIS, TODAY).told == ()


def test_an_area_that_no_tool_has_is_no_claim() -> None:
    assert claimed(replace(BALL, contact_mm2=0xFFFF)) == ("tennis", 12.0)
    assert claimed(replace(BALL, contact_mm2=1)) == ("tennis", 12.0)
    assert claimed(replace(BALL, tool=0, contact_mm2=0xFFFF)) == (None, None)
    assert claimed(replace(BALL, tool=200, contact_mm2=900)) == (None, 9.0)


def test_full_scale_and_cells_are_the_smallest_known() -> None:
    least = Settled(full_scale_n=300.0, cell_cm2=1.0)
    assert footing(BALL, None, least, TODAY).full_scale_n == 300.0
    assert footing(BALL, None, None, TODAY).full_scale_n == 1000.0
    unknown = footing(replace(BALL, full_scale=0), None, None, TODAY)
    assert unknown.full_scale_n == pytest.approx(32_766 * 0.05)
    assert "full_scale" in causes(unknown.told)
    assert footing(BALL, None, None, TODAY).cell_cm2 is None
    assert footing(replace(BALL, cell_mm2=300), None, least, TODAY).cell_cm2 == 1.0
    assert footing(replace(BALL, cell_mm2=0xFFFF), None, None, TODAY).cell_cm2 == 8.0  # no cell outgrows the tool


@pytest.mark.parametrize(
    ("ball", "settled", "word", "age"),
    [
        (BALL, None, "good", 10),
        (replace(BALL, cal_day=0), None, "undated", None),
        (replace(BALL, cal_crc=0), None, "none", None),
        (replace(BALL, cal_day=BALL.cal_day - 400), None, "old", 410),
        (replace(BALL, cal_day=BALL.cal_day + 400), None, "undated", None),
        (replace(BALL, cal_day=2**16 - 1), None, "undated", None),
        (BALL, Settled(cal_crc=0x1234), "changed", None),
        (replace(BALL, cal_day=0), Settled(cal_crc=0xAFB0, calibrated_on=TODAY - timedelta(30)), "good", 30),
        (replace(BALL, cal_day=0), Settled(cal_crc=1, calibrated_on=TODAY), "changed", None),
        (BALL, Settled(cal_crc=0xAFB0, calibrated_on=TODAY - timedelta(40)), "good", 40),
        (replace(BALL, unit=Unit.RAW), None, "counts", None),
        (replace(BALL, model="virtual", cal_day=0), None, "good", None),
    ],
)
def test_newtons_are_believed_only_with_a_calibration_of_known_age(
    ball: Profile, settled: Settled | None, word: str, age: int | None
) -> None:
    found = calibration_of(ball, settled, TODAY)
    assert (found.word, found.age_days, found.good) == (word, age, word == "good")


def test_a_calibration_grows_old_on_a_certain_day() -> None:
    fresh = TODAY - CALIBRATION_OLD
    assert calibration_of(replace(BALL, cal_day=(fresh - DAY_ZERO).days), None, TODAY).good
    assert not calibration_of(replace(BALL, cal_day=(fresh - DAY_ZERO).days - 1), None, TODAY).good


def test_noise_is_learnt_from_the_profile_within_bounds() -> None:
    assert footing(BALL, None, replace(TENNIS, noise_n=0.4), TODAY).noise_n == 0.4
    assert footing(BALL, None, replace(TENNIS, noise_n=400.0), TODAY).noise_n == NOISE_MOST_N
    assert footing(replace(BALL, unit=Unit.RAW), None, replace(TENNIS, noise_n=400.0), TODAY).noise_n == 0.0


def context(ball: Profile, *devices: Device, tool: str | None = None) -> GuardContext:
    return guard_context(ball, LiveRequest(tool=tool), None, Acquaintances(devices, "serial:/dev/ttyACM0", TODAY))


def test_the_guard_is_told_and_its_banner_comes_by_itself() -> None:
    undated = context(replace(BALL, cal_day=0))
    assert undated.calibrated is False
    assert undated.limits().force_max_n == pytest.approx(0.8 * context(BALL).limits().force_max_n)
    assert "calibration" in causes(undated.told)
    assert GuardContext.from_json(undated.to_json()) == undated


def device(**changes: object) -> Device:
    profile: dict[str, Json] = {
        "model": "ball",
        "firmware": "1.0",
        "channels": 1,
        "unit": 1,
        "lsb": 0.05,
        "cal_crc": 0xAFB0,
    }
    known = Device("native", "KB-00A7", "ball", profile, "Blue", "serial:/dev/ttyACM0", AT, AT, {"tool": "tennis"})
    return replace(known, **changes)  # type: ignore[arg-type]  # fields of Device


def test_a_paired_ball_is_known_by_its_serial_at_any_address() -> None:
    met = context(BALL, device(address="ble:elsewhere"))
    assert (met.tool, met.area_cm2) == ("tennis", 12.0)
    assert ("known", "this is Blue") in met.told


def test_another_ball_at_a_known_address_is_said_first() -> None:
    other = context(replace(BALL, serial="KB-00B1"), device())
    assert other.area_cm2 == 8.0
    assert other.told[0][0] == "identity"
    assert "not Blue" in other.told[0][1]


def test_what_has_changed_since_is_said() -> None:
    changed = context(replace(BALL, firmware="2.0", cal_crc=7), device(kept={"tool": "tennis", "cal_crc": 0xAFB0}))
    assert {"identity", "calibration"} <= causes(changed.told)
    assert changed.calibrated is False
    assert context(BALL, device()).told == (("known", "this is Blue"),)


def test_without_a_serial_kind_and_model_tell_balls_apart() -> None:
    board = replace(BALL, kind="text", serial="", model="plotter")
    known = device(kind="text", serial="", model="plotter")
    assert recognised([known], board) is known
    assert recognised([known], replace(board, model="other")) is None
    assert recognised([device()], replace(BALL, model="new model")) == device()


@given(
    tool=st.integers(0, 255),
    contact_mm2=st.integers(0, 0xFFFF),
    cell_mm2=st.integers(0, 0xFFFF),
    full_scale=st.integers(0, 0xFFFF),
    region=st.sampled_from(sorted(regions())),
)
def test_no_claim_of_an_unknown_ball_loosens_a_limit(
    tool: int, contact_mm2: int, cell_mm2: int, full_scale: int, region: str
) -> None:
    claims = replace(BALL, tool=tool, contact_mm2=contact_mm2, cell_mm2=cell_mm2, full_scale=full_scale)
    told = replace(context(claims), region=region, told=())
    least = GuardContext(region=region, area_cm2=tools()["hard"].area_cm2)
    assert told.area_cm2 <= least.area_cm2
    assert told.limits().force_max_n <= least.limits().force_max_n
    assert told.limits().force_cap_n is not None


class Recalibrated:
    """A driver whose ball comes back with another calibration after its link was lost."""

    damage: Mapping[str, int] = {}  # never written

    def __init__(self) -> None:
        self._ball = replace(BALL, model="virtual")
        self._index = 0

    def opened(self, now_s: float) -> list[DriverEvent]:
        ball, self._ball = self._ball, replace(self._ball, cal_crc=0x1234)
        return [ball, Started(Continuity.FIRST, 1, 0, 0.01, self._index, 10_000 * self._index, self._index, now_s)]

    def feed(self, chunk: Chunk) -> list[DriverEvent]:
        first, self._index = self._index, self._index + 5
        return [Samples(np.full((5, 1), 10, np.int16), first, 10_000 * first, 40_000, chunk.arrival_s)]

    def closed(self, now_s: float) -> list[DriverEvent]:
        return []

    tick = closed

    def ask(self, request: Request, now_s: float) -> list[DriverEvent]:
        return []

    def deadline(self) -> float | None:
        return None


def test_a_calibration_that_changes_in_mid_session_lowers_the_limits_before_another_value() -> None:
    request = LiveRequest(region="glute")
    plan = Plan("me", "glute", "left", None, lambda profile: guard_context(profile, request), Clock().wall, "test")
    line = Pipeline(Recalibrated(), plan)
    first = [*line.opened(0.0), *line.feed(Chunk("x", b"", 0.05))]
    (opened,) = [event for event in first if isinstance(event, Opened)]
    assert opened.context["calibrated"] is True
    assert line._route._guard is not None
    before = line._route._guard.context.limits().force_max_n
    again = [*line.closed(0.1, "gone"), *line.opened(0.2), *line.feed(Chunk("x", b"", 0.25))]
    kinds = [event.kind if isinstance(event, Notice) else type(event).__name__ for event in again]
    assert kinds.index("calibration") < kinds.index("Reading")
    assert line._route._guard.context.calibrated is False
    assert line._route._guard.context.limits().force_max_n == pytest.approx(0.8 * before)
