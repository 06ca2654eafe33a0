"""A body's force is a function of time alone, moves as a person does, and is shared by the cells without loss."""

import numpy as np
import pytest
from scipy.signal import welch

from firmware_protocol.simulator.body import UNREST, Body, Floats, Move, Step

HOLD = (
    Step(Move.HOLD, 2, 0),
    Step(Move.PRESS, 3, 45),
    Step(Move.HOLD, 60, 45),
    Step(Move.PRESS, 2, 0),
    Step(Move.HOLD, 3, 0),
)
HELD = (6.0, 64.0)
ROLL = (Step(Move.PRESS, 2, 40), Step(Move.ROLL, 60, 40, stroke_s=3, swing=0.5), Step(Move.PRESS, 2, 0))
FALL = (
    Step(Move.HOLD, 1, 0),
    Step(Move.FALL, 1.5, 60, peak_n=400, rise_s=0.1),
    Step(Move.PRESS, 1, 0),
    Step(Move.HOLD, 1, 0),
)


def times(from_s: float, to_s: float, hz: float = 100) -> Floats:
    return np.arange(round(from_s * hz), round(to_s * hz)) / hz


def test_any_order_and_any_piece_gives_the_same() -> None:
    body = Body(HOLD, channels=4, seed=3)
    t_s = times(0, 150)
    whole = body.force(t_s)
    shuffled = np.random.Generator(np.random.Philox(1)).permutation(len(t_s))
    np.testing.assert_allclose(body.force(t_s[shuffled]), whole[shuffled], rtol=1e-12)
    for at in (0, 500, 7001, 14_999):
        np.testing.assert_allclose(body.force(t_s[at : at + 1]), whole[at : at + 1], rtol=1e-12)


@pytest.mark.parametrize("channels", [1, 2, 4, 7, 16])
@pytest.mark.parametrize("steps", [HOLD, ROLL, FALL])
def test_cells_share_the_load_and_none_pulls(steps: tuple[Step, ...], channels: int) -> None:
    body = Body(steps, channels=channels, seed=1)
    t_s = times(0, body.period_s)
    force = body.force(t_s)
    assert force.shape == (len(t_s), channels)
    assert force.min() >= 0
    np.testing.assert_allclose(force.sum(axis=1), body.load(t_s), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_a_hold_stays_near_its_target_and_lives(seed: int) -> None:
    held = Body(HOLD, seed=seed).load(times(*HELD))
    assert np.abs(held / 45 - 1).max() <= UNREST
    assert 0.2 < held.std() < 1.5


def test_a_hold_breathes_and_trembles() -> None:
    held = Body(HOLD, seed=2).load(times(*HELD))
    hz, power = welch(held - held.mean(), fs=100, nperseg=4000)
    breath = (hz > 0.15) & (hz < 0.4)
    tremor = (hz >= 7.5) & (hz <= 10.5)
    between = (hz > 1) & (hz < 7)
    beyond = hz > 12
    assert 0.2 <= hz[breath][np.argmax(power[breath])] <= 0.3
    for band in (breath, tremor):
        assert power[band].max() > 100 * max(power[between].max(), power[beyond].max())


def test_approach_and_lift_have_no_jump_and_the_rest_is_empty() -> None:
    body = Body(HOLD, seed=4)
    load = body.load(times(0, body.period_s, 1000))
    # 45 N in 3 s, half as steep again in the middle; tremor adds its own
    assert np.abs(np.diff(load)).max() * 1000 < 80
    assert not load[:2000].any()
    assert not load[-2990:].any()
    assert np.all(np.diff(load[2100:4900:100]) > 0)


def test_it_repeats_but_never_alike() -> None:
    body = Body(HOLD, seed=4)
    first, second = (body.load(times(*HELD) + turn * body.period_s) for turn in (0, 1))
    assert np.abs(second / 45 - 1).max() <= UNREST
    assert np.abs(first - second).max() > 0.1
    assert not body.load(times(0, 2) + body.period_s).any()


@pytest.mark.parametrize("seed", range(3))
def test_strokes_vary_enough_to_count_as_rolling_and_never_lift(seed: int) -> None:
    load = Body(ROLL, seed=seed).load(times(0, 64))
    middle = load[800:5600]
    windows = np.lib.stride_tricks.sliding_window_view(middle, 500)[::50]
    assert (windows.std(axis=1) / windows.mean(axis=1)).min() >= 0.25
    assert middle.min() > 15


def test_a_roll_moves_over_the_cells() -> None:
    body = Body(ROLL, channels=4, seed=1)
    t_s = times(8, 56)
    force = body.force(t_s)
    shares = force / force.sum(axis=1, keepdims=True)
    assert np.ptp(shares, axis=0).max() > 0.2
    held = Body(HOLD, channels=4, seed=1).force(times(*HELD))
    assert np.ptp(held / held.sum(axis=1, keepdims=True), axis=0).max() > 0.02


@pytest.mark.parametrize("rise_s", [0.08, 0.1, 0.3])
def test_a_fall_rises_within_its_time_and_settles(rise_s: float) -> None:
    steps = (FALL[0], Step(Move.FALL, 1.5, 60, peak_n=400, rise_s=rise_s), *FALL[2:])
    body = Body(steps, seed=1)
    load = body.load(times(0, body.period_s, 1000))
    assert not load[:1000].any()
    peak = int(np.argmax(load))
    assert peak == pytest.approx(1000 + 1000 * rise_s, abs=2)
    assert load[peak] == pytest.approx(400, rel=UNREST)
    assert load[2499] == pytest.approx(60, rel=UNREST + 0.01)
    assert load[1000:2500].min() >= 0


def test_a_seed_is_a_person() -> None:
    t_s = times(*HELD)
    assert np.array_equal(Body(HOLD, seed=7).force(t_s), Body(HOLD, seed=7).force(t_s))
    assert not np.array_equal(Body(HOLD, seed=7).force(t_s), Body(HOLD, seed=8).force(t_s))


@pytest.mark.parametrize(
    ("move", "seconds", "newton", "more"),
    [
        (Move.HOLD, 0, 0, {}),
        (Move.HOLD, float("nan"), 0, {}),
        (Move.PRESS, 1, -1, {}),
        (Move.ROLL, 10, 40, {"swing": 1.0}),
        (Move.ROLL, 5, 40, {"stroke_s": 3.0}),
        (Move.FALL, 1, 60, {"peak_n": 50.0}),
        (Move.FALL, 1, 60, {"peak_n": 400.0, "rise_s": 0.6}),
    ],
)
def test_steps_nobody_can_do_are_refused(move: Move, seconds: float, newton: float, more: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"step|roll|fall"):
        Step(move, seconds, newton, **more)


@pytest.mark.parametrize(
    ("steps", "channels"), [((), 4), ((Step(Move.PRESS, 1, 10),), 4), (HOLD, 0), (HOLD, 17)]
)  # fmt: skip
def test_a_body_ends_unloaded_on_1_to_16_channels(steps: tuple[Step, ...], channels: int) -> None:
    with pytest.raises(ValueError, match=r"0 N|channels"):
        Body(steps, channels=channels)
