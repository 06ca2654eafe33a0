"""What holds for a whole session and is said once, where it begins: limits that are lowered, or missing, and why.

Each is a notice of kind `terms`, with its cause: "calibration", "counts", "rate", "full_scale", "zero".
"""

from collections.abc import Iterator

from companion.safety.dose import Tuning
from companion.safety.limits import GuardContext, regions, whole_body
from sessions.events import Fields, Notice

SLOWEST_S = 0.1  # a ball that scans less often than 10 Hz sees a fall too late
OFF_KPA, OFF_SHARE = 10.0, 0.05  # a zero further off than this, or by this part of full scale, is to be set anew
_CLOCK_STEP_S = 1e-6


def at_start(context: GuardContext, tuning: Tuning, period_s: float, force_n: float, t_s: float) -> Iterator[Notice]:
    """At the first scan with a value: `force_n`, in the unit of the context's full scale."""
    if not context.judged:
        yield _terms(t_s, "counts", "this ball gives no newtons: no pressure limit, only time is judged")
    elif not context.calibrated:
        factor = whole_body()["calibration_factor"]
        yield _terms(t_s, "calibration", f"not calibrated, or too long ago: limits are times {factor:g}")
    if period_s > SLOWEST_S + _CLOCK_STEP_S:
        yield _terms(t_s, "rate", f"this ball scans {1 / period_s:.1f} times a second: too slow to warn in time")
    yield from of_place(context, tuning, t_s)
    if _off(context, tuning, force_n):
        yield _terms(t_s, "zero", "the ball reads a load from the start: if nothing presses, set its zero")


def of_place(context: GuardContext, tuning: Tuning, t_s: float) -> Iterator[Notice]:
    """At the start, and where region or tool change."""
    if not context.judged or not tuning.shown_short:
        return
    region = regions()[context.region]
    most_n = tuning.limits.force_max_n
    text = f"this ball cannot show the whole limit for {region.key}: it is lowered to {most_n:.0f} N"
    yield _terms(t_s, "full_scale", text)


def _off(context: GuardContext, tuning: Tuning, force_n: float) -> bool:
    if context.judged and force_n * tuning.kpa_per_n > OFF_KPA:
        return True
    return context.full_scale_n is not None and force_n > OFF_SHARE * context.full_scale_n


def _terms(t_s: float, cause: str, text: str) -> Notice:
    fields: Fields = {"cause": cause}
    return Notice(t_s, "terms", text, fields)
