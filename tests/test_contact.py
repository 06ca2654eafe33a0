"""Values to newtons to kilopascals, and when none of them is to be trusted."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.contact import Contact, Forces
from companion.smoothing import GRID
from companion.timeline import Placed
from firmware_protocol.driver import Profile, Unit
from sessions.events import Floats

AREA_CM2 = 12.0
PERIOD_S = 0.01
LSB = 0.05  # N; 5 kPa on 12 cm2 are 6 N, 120 counts
FREE, PRESSED = 20, 2000


def profile(channels: int = 1, *, unit: Unit = Unit.NEWTON, lsb: float = LSB, full_scale: int = 20_000) -> Profile:
    return Profile(
        kind="knead",
        serial="KB-1",
        model="m",
        vendor="v",
        firmware="1",
        channels=channels,
        unit=unit,
        lsb=lsb,
        max_hz=200,
        caps=0,
        cal_crc=0,
        boot_id=1,
        has_clock=True,
        full_scale=full_scale,
        cell_mm2=0,
        contact_mm2=1200,
        tool=1,
    )


def placed(
    values: Sequence[Sequence[int]] | Sequence[int], at: int = 0, *, fresh: bool = False, late: bool = False
) -> Placed:
    """Scans number `at` and on; a flat list is one channel."""
    array = np.array(values, np.int16)
    array = array.reshape(len(array), -1)
    t_s: Floats = np.multiply(np.arange(len(array)) + at, PERIOD_S)
    return Placed(t_s, array, at, at * 10_000, 0, 0, 0, fresh, t_s[-1], PERIOD_S, late)


def fed(contact: Contact, values: Sequence[int], at: int) -> Forces:
    return contact.feed(placed(values, at))


def free(contact: Contact) -> bool:
    return contact.still_free


def test_newtons_add_up_and_become_pressure() -> None:
    forces = Contact(profile(2), AREA_CM2).feed(placed([[400, 200], [-3, 1]]))
    assert forces.unit == "N"
    assert forces.cells[0].tolist() == [20.0, 10.0]
    assert forces.load.tolist() == [30.0, pytest.approx(-0.1, abs=GRID)]  # negatives are real
    assert forces.pressure_kpa.tolist() == [25.0, pytest.approx(-0.1 / 1.2, abs=GRID)]
    assert not forces.saturated.any()
    assert forces.trusted


@given(st.lists(st.integers(-32766, 32766), min_size=1, max_size=20), st.floats(1e-3, 2.0))
def test_every_force_lies_on_the_grid_next_to_its_value(values: list[int], lsb: float) -> None:
    forces = Contact(profile(lsb=lsb, full_scale=0), AREA_CM2).feed(placed(values))
    assert np.array_equal(forces.cells, np.rint(forces.cells / GRID) * GRID)
    assert np.all(np.abs(forces.cells[:, 0] - np.array(values) * lsb) <= GRID / 2 * (1 + 1e-9))
    assert not np.signbit(forces.cells[forces.cells == 0]).any()


def test_arrays_are_read_only() -> None:
    forces = Contact(profile(), AREA_CM2).feed(placed([1, 32767]))
    arrays = (forces.cells, forces.load, forces.pressure_kpa, forces.saturated)
    assert not any(array.flags.writeable for array in arrays)


def test_no_value_makes_the_load_unknown() -> None:
    forces = Contact(profile(2), AREA_CM2).feed(placed([[100, -32768], [100, 100]]))
    assert np.isnan(forces.cells[0, 1])
    assert np.isnan(forces.load).tolist() == [True, False]
    assert np.isnan(forces.pressure_kpa).tolist() == [True, False]
    assert not forces.saturated.any()


def test_a_saturated_cell_is_unknown_and_the_load_at_least() -> None:
    forces = Contact(profile(2), AREA_CM2).feed(placed([[200, 32767], [200, 300]]))
    assert np.isnan(forces.cells[0, 1])
    assert forces.saturated.tolist() == [True, False]
    # within 2 % of the rail, less a zero of 5 %: 93 % of 1000 N, and the 10 N of the other cell
    assert forces.load.tolist() == [pytest.approx(940.0, abs=GRID), 25.0]


def test_without_a_full_scale_nobody_knows_what_a_saturated_load_is_at_least() -> None:
    forces = Contact(profile(full_scale=0), AREA_CM2).feed(placed([32767, 32766]))
    assert forces.saturated.tolist() == [True, False]
    assert np.isnan(forces.load).tolist() == [True, False]


def test_pulled_to_the_other_end_the_load_is_unknown() -> None:
    forces = Contact(profile(2), AREA_CM2).feed(placed([[-32767, 400]]))
    assert forces.saturated.tolist() == [True]
    assert np.isnan(forces.load).all()


def test_within_two_per_cent_of_full_scale_a_cell_is_at_its_end() -> None:
    forces = Contact(profile(), AREA_CM2).feed(placed([19_599, 19_600]))
    assert forces.saturated.tolist() == [False, True]
    assert forces.load.tolist() == [pytest.approx(979.95, abs=GRID), 980.0]


@pytest.mark.parametrize(("unit", "name"), [(Unit.RAW, "counts"), (Unit.GAS_KPA, "kPa gas")])
def test_what_is_no_newton_has_no_pressure(unit: Unit, name: str) -> None:
    forces = Contact(profile(unit=unit, lsb=1.0), AREA_CM2).feed(placed([700, 800]))
    assert forces.unit == name
    assert forces.load.tolist() == [700.0, 800.0]
    assert np.isnan(forces.pressure_kpa).all()


def test_another_tool_changes_the_pressure_only() -> None:
    contact = Contact(profile(), AREA_CM2)
    contact.set_area(4.0)
    forces = contact.feed(placed([400]))
    assert (forces.load[0], forces.pressure_kpa[0]) == (20.0, 50.0)
    with pytest.raises(ValueError, match="area"):
        contact.set_area(0.0)


@pytest.mark.parametrize("lsb", [1e-45, 3e38])
def test_an_absurd_scale_gives_unknown_values_and_no_error(lsb: float) -> None:
    forces = Contact(profile(lsb=lsb), AREA_CM2).feed(placed([0, 5, 32767]))
    assert np.all(np.isnan(forces.cells) | (forces.cells == 0))


# --- trust ---


def test_free_for_a_second_and_still() -> None:
    contact = Contact(profile(), AREA_CM2)
    fed(contact, [FREE] * 100, 0)
    assert not free(contact)  # 0.99 s
    fed(contact, [FREE], 100)
    assert free(contact)
    fed(contact, [120], 101)  # 5 kPa
    assert not free(contact)


@pytest.mark.parametrize("disturbance", [PRESSED, -PRESSED, -32768, 32767])
def test_anything_else_starts_the_second_anew(disturbance: int) -> None:
    contact = Contact(profile(), AREA_CM2)
    fed(contact, [FREE] * 50 + [disturbance] + [FREE] * 100, 0)
    assert not free(contact)
    fed(contact, [FREE], 151)
    assert free(contact)


def test_a_gap_starts_the_second_anew() -> None:
    contact = Contact(profile(), AREA_CM2)
    fed(contact, [FREE] * 100, 0)
    contact.feed(placed([FREE] * 10, 300, fresh=True))
    assert not free(contact)


def test_other_units_are_free_near_zero() -> None:
    contact = Contact(profile(unit=Unit.RAW, lsb=1.0), AREA_CM2)
    fed(contact, [999] * 101, 0)  # 5 % of 20 000 are 1000
    assert free(contact)
    fed(contact, [1000], 101)
    assert not free(contact)


def test_after_a_reset_values_are_unknown_until_seen_free() -> None:
    contact = Contact(profile(), AREA_CM2)
    fed(contact, [PRESSED] * 5, 0)
    contact.distrust("reset")
    assert (contact.trusted, contact.cause) == (False, "reset")
    pressed = fed(contact, [PRESSED] * 300, 5)
    assert np.isnan(pressed.load).all()
    assert np.isnan(pressed.cells).all()
    assert np.isnan(pressed.pressure_kpa).all()
    assert not pressed.trusted
    lifted = fed(contact, [FREE] * 100 + [PRESSED], 305)
    assert np.isnan(lifted.load).all()  # 0.99 s
    lifted = fed(contact, [FREE] * 101 + [PRESSED], 406)
    assert np.isnan(lifted.load).tolist() == [True] * 100 + [False] * 2
    assert lifted.load[-1] == 100.0
    assert lifted.trusted
    assert contact.cause is None


def test_saturation_is_told_even_then() -> None:
    contact = Contact(profile(), AREA_CM2)
    contact.distrust("reset")
    forces = fed(contact, [32767], 0)
    assert forces.saturated.all()
    assert np.isnan(forces.load).all()


def test_a_tare_of_a_free_ball_is_right_at_once() -> None:
    contact = Contact(profile(), AREA_CM2)
    fed(contact, [FREE] * 101, 0)
    contact.zero_changed()
    assert fed(contact, [PRESSED], 101).load[0] == 100.0


def test_a_tare_under_load_is_not_taken_for_a_free_ball() -> None:
    contact = Contact(profile(), AREA_CM2)
    fed(contact, [PRESSED] * 50, 0)
    contact.zero_changed()  # from here on the ball reads 2000 counts too low
    assert contact.cause == "tared under load"
    assert np.isnan(fed(contact, [0] * 300, 50).load).all()  # still pressed
    assert not free(contact)
    assert np.isnan(fed(contact, [-PRESSED] * 101, 350).load).all()  # lifted, and seen by the old zero
    assert free(contact)
    contact.zero_changed()
    assert fed(contact, [PRESSED], 451).load[0] == 100.0


def test_a_tare_under_a_trifle_heals_when_the_ball_is_seen_free() -> None:
    contact = Contact(profile(), AREA_CM2)
    fed(contact, [100] * 50, 0)  # not yet a second
    contact.zero_changed()
    forces = fed(contact, [-100] * 101, 50)
    assert forces.trusted
    assert forces.load[-1] == -5.0


def test_a_zero_that_was_distrusted_twice_hides_its_load_once() -> None:
    contact = Contact(profile(), AREA_CM2)
    fed(contact, [PRESSED] * 50, 0)
    contact.zero_changed(trusted=False)
    contact.distrust("tared under load")
    fed(contact, [-PRESSED] * 101, 50)
    assert free(contact)


def test_a_tare_after_a_reset_counts_once_the_ball_is_seen_free() -> None:
    contact = Contact(profile(), AREA_CM2)
    contact.distrust("reset")
    fed(contact, [500] * 200, 0)  # the bare calibration is 20 kPa off; no tare yet
    assert not contact.trusted
    contact.zero_changed()
    forces = fed(contact, [0] * 101, 200)
    assert forces.trusted
    assert np.isnan(forces.load).tolist() == [True] * 100 + [False]


def test_late_scans_are_converted_and_tell_nothing_of_the_present() -> None:
    contact = Contact(profile(), AREA_CM2)
    fed(contact, [FREE] * 101, 300)
    late = contact.feed(placed([PRESSED] * 5, 100, late=True))
    assert late.late
    assert late.load.tolist() == [100.0] * 5
    assert free(contact)
    contact.distrust("reset")
    assert np.isnan(contact.convert(placed([FREE] * 5, 105, late=True)).load).all()


SCANS = st.lists(
    st.tuples(st.sampled_from([FREE, FREE, PRESSED, -PRESSED, -32768, 32767]), st.integers(1, 130)),
    min_size=1,
    max_size=8,
)


@given(SCANS, st.lists(st.integers(1, 60), max_size=20), st.booleans())
def test_any_split_gives_the_same_bits(stretches: list[tuple[int, int]], cuts: list[int], distrusted: bool) -> None:
    values = [value + scan % 3 if abs(value) < 32767 else value for value, count in stretches for scan in range(count)]

    def run(parts: list[int]) -> tuple[bytes, bytes, bytes, bool, bool]:
        contact = Contact(profile(), AREA_CM2)
        if distrusted:
            contact.distrust("reset")
        found = []
        at = 0
        for scans in [*parts, len(values)]:
            if at < len(values):
                found.append(fed(contact, values[at : at + scans], at))
                at += scans
        return (
            np.concatenate([forces.load for forces in found]).tobytes(),
            np.concatenate([forces.pressure_kpa for forces in found]).tobytes(),
            np.concatenate([forces.saturated for forces in found]).tobytes(),
            contact.trusted,
            contact.still_free,
        )

    whole = run([])
    assert run(cuts) == whole
    assert run([1] * len(values)) == whole


def test_what_an_untrusted_ball_shows_is_kept_apart_from_what_is_known() -> None:
    contact = Contact(profile(), AREA_CM2)
    contact.distrust("reset under load")
    forces = fed(contact, [PRESSED] * 10, 0)
    assert forces.unknown == 10
    assert np.isnan(forces.load).all()
    assert np.array_equal(forces.felt, np.full(10, PRESSED * LSB))
    assert np.array_equal(forces.felt_cells[:, 0], forces.felt)
    assert not forces.felt.flags.writeable
    back = fed(contact, [FREE] * 150, 10)
    assert back.trusted
    assert 0 < back.unknown < 150
    assert np.isnan(back.load).sum() == back.unknown
    known = fed(contact, [FREE] * 10, 160)
    assert known.unknown == 0
    assert known.felt is known.load
