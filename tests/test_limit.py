"""What the ball watches by itself, and its patterns (R33 to R35)."""

from firmware_protocol import messages as m
from firmware_protocol.messages import Caps, Pattern, Status
from tests.ball_bench import LIMIT, Bench


def test_limits() -> None:
    """R33: hold, EVENT 2 and the pattern; below clear EVENT 3; reading; disarming."""
    bench = Bench(channels=2)
    bench.start()
    assert bench.ask(m.Limits(LIMIT)) == m.LimitsReply(LIMIT)
    bench.values = [3000, 460]
    bench.wait(0.4)
    bench.values = [0, 0]
    bench.wait(0.1)
    bench.values = [3000, 460]
    bench.wait(0.45)
    assert bench.codes() == []
    bench.wait(0.1)
    assert bench.codes() == [(2, 3460)]
    assert bench.ball.pattern == (Pattern.STOP, Pattern.STOP)
    bench.values = [3114, 0]
    bench.wait(0.5)
    assert bench.codes() == [(2, 3460)]
    bench.values = [3113, 0]
    bench.wait(0.1)
    assert bench.codes() == [(2, 3460), (3, 3113)]
    assert bench.ball.pattern == (0, 0)
    assert bench.ask(m.Limits()) == m.LimitsReply(LIMIT)
    off = bench.ask(m.Limits(m.LimitSettings(False, 9, -5, 7, 60_000)))
    assert isinstance(off, m.LimitsReply)
    assert not off.settings.enable
    bench.values = [9000, 0]
    bench.wait(2)
    assert len(bench.codes()) == 2


def test_limits_fail_safe() -> None:
    """R34: saturated is at least high; missing adds 0, never ends a hold and blocks clear."""
    bench = Bench(channels=2)
    bench.start()
    bench.ask(m.Limits(LIMIT))
    bench.values = [32_767, 0]
    bench.wait(0.3)
    bench.values = [-32_768, 100]
    bench.wait(0.3)
    bench.values = [3400, 60]
    bench.wait(0.05)
    assert (2, 3460) in bench.codes()
    bench.values = [-32_768, 100]
    bench.wait(1)
    assert 3 not in [code for code, _ in bench.codes()]
    bench.values = [0, 100]
    bench.wait(0.1)
    assert bench.codes()[-1] == (3, 100)


def test_a_ball_may_lower_a_limit() -> None:
    """R34, G11"""
    bench = Bench(highest_limit=3400)
    bench.greet()
    assert bench.ask(m.Limits(LIMIT)) == m.LimitsReply(m.LimitSettings(True, Pattern.STOP, 3400, 3060, 500))


def test_the_limit_is_watched_when_nobody_listens() -> None:
    """R33, R40: sending or not; the pattern for 60 s at most."""
    bench = Bench()
    bench.start()
    bench.ask(m.Limits(LIMIT))
    bench.ball.disconnect(0)
    bench.wait(1)
    bench.values = [5000]
    bench.wait(1)
    assert bench.ball.pattern[0] == Pattern.STOP
    bench.wait(60)
    assert bench.ball.pattern[0] == 0


def test_alert() -> None:
    """R35: for its time, replaced by another, after a tripped limit; a part the ball lacks is skipped."""
    bench = Bench(caps=Caps.HAPTIC | Caps.LIMITS)
    bench.start()
    bench.ask(m.Alert(Pattern.FIND_ME, Pattern.FIND_ME, 1500))
    assert bench.ball.pattern == (Pattern.FIND_ME, 0)
    bench.wait(1.4)
    bench.ask(m.Alert(Pattern.NOTICE, 0, 1000))
    bench.wait(0.5)
    assert bench.ball.pattern == (Pattern.NOTICE, 0)
    bench.ask(m.Limits(LIMIT))
    bench.values = [5000]
    bench.wait(0.9)
    bench.ask(m.Alert(Pattern.FIND_ME, 0, 5000))
    assert bench.ball.pattern == (Pattern.STOP, 0)
    bench.ask(m.Limits(m.LimitSettings(False, 0, 0, 0, 0)))
    assert bench.ball.pattern == (Pattern.FIND_ME, 0)
    bench.ask(m.Alert(0, 0, 0))
    assert bench.ball.pattern == (0, 0)
    assert bench.status(m.Alert(5, 0, 100)) == Status.VALUE


def test_the_total_is_a_wide_integer() -> None:
    """R17: one load on all channels; 16 of them exceed 16 bits, and what EVENT cannot carry is its highest value."""
    bench = Bench(channels=16)
    bench.start()
    bench.ask(m.Limits(m.LimitSettings(True, Pattern.STOP, 32_766, 32_000, 0)))
    bench.values = [2047] * 16
    bench.wait(0.2)
    assert bench.codes() == []
    bench.values = [5000] * 16
    bench.wait(0.2)
    assert bench.codes() == [(2, 32_767)]
