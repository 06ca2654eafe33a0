"""Statistics and envelopes of a curve. Pure; what is not known is left out, and never filled in."""

import math
from dataclasses import dataclass

import numpy as np

from sessions.events import Floats

GAP_PERIODS = 3.0  # samples further apart than this many usual distances have a gap between them


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of one curve, over its known samples; NaN where there is none."""

    known: int
    known_s: float  # each known sample stands for one usual distance
    mean: float
    median: float
    p95: float
    peak: float
    peak_t_s: float


def statistics(t_s: Floats, y: Floats) -> Statistics:
    """Of the curve `y` at the rising times `t_s`."""
    known = np.isfinite(y)
    count = int(known.sum())
    if count == 0:
        return Statistics(0, 0.0, math.nan, math.nan, math.nan, math.nan, math.nan)
    at, values = t_s[known], y[known]
    median, p95 = np.percentile(values, (50, 95))
    top = int(values.argmax())
    return Statistics(
        count,
        count * usual_distance_s(t_s),
        float(values.mean()),
        float(median),
        float(p95),
        float(values[top]),
        float(at[top]),
    )


def usual_distance_s(t_s: Floats) -> float:
    """The median distance of samples; 0 for fewer than two."""
    return float(np.median(np.diff(t_s))) if len(t_s) > 1 else 0.0


def envelope(
    t_s: Floats,
    y: Floats,
    bins: int,
    *,
    from_s: float | None = None,
    to_s: float | None = None,
    gap_s: float | None = None,
) -> tuple[Floats, Floats]:
    """The lowest and the highest known value in each of `bins` equal parts of [from_s, to_s], for drawing.

    `t_s` must not fall. A bin without samples between two known ones that are no gap apart holds the line
    between them, so that a close view has no holes; in a gap, and where all is unknown, both are NaN.
    `gap_s` is by default three usual distances.
    """
    low, high = np.full(bins, np.nan), np.full(bins, np.nan)
    if len(t_s) == 0 or bins == 0:
        return low, high
    start = float(t_s[0]) if from_s is None else from_s
    end = float(t_s[-1]) if to_s is None else to_s
    edges = np.linspace(start, end, bins + 1)
    cuts = np.searchsorted(t_s, edges)
    cuts[-1] = np.searchsorted(t_s, edges[-1], side="right")  # the last bin owns its end
    filled = np.flatnonzero(cuts[1:] > cuts[:-1])
    if len(filled):
        inside = y[: cuts[-1]]
        low[filled] = np.fmin.reduceat(inside, cuts[filled])
        high[filled] = np.fmax.reduceat(inside, cuts[filled])
    if len(filled) < bins:
        empty = np.setdiff1d(np.arange(bins), filled, assume_unique=True)
        line = _line(t_s, y, (edges[empty] + edges[empty + 1]) / 2, gap_s)
        low[empty] = high[empty] = line
    return low, high


def _line(t_s: Floats, y: Floats, at: Floats, gap_s: float | None) -> Floats:
    """The straight line between the samples around each moment of `at`; NaN in gaps and outside."""
    after = np.searchsorted(t_s, at)
    inside = (after > 0) & (after < len(t_s))
    line = np.full(len(at), np.nan)
    right = after[inside]
    width = t_s[right] - t_s[right - 1]
    share = np.divide(at[inside] - t_s[right - 1], width, out=np.zeros(len(right)), where=width > 0)
    between = y[right - 1] + share * (y[right] - y[right - 1])
    between[width > (GAP_PERIODS * usual_distance_s(t_s) if gap_s is None else gap_s)] = np.nan
    line[inside] = between
    return line
