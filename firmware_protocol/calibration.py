"""Calibration points of a ball: counts to newtons and back, and their checksum (R30, R32)."""

from collections.abc import Mapping
from zlib import crc32

from firmware_protocol.codec import encode
from firmware_protocol.messages import CalPoint, CalSet

HEADER = 2  # type and tag, not part of a payload


def to_newton(points: tuple[CalPoint, ...], raw: float) -> float:
    """Piecewise linear, the end pieces extended (R30). At least two points, raw strictly rising."""
    upper = next((i for i in range(1, len(points) - 1) if raw <= points[i].raw), len(points) - 1)
    low, high = points[upper - 1], points[upper]
    return low.newton + (raw - low.raw) * (high.newton - low.newton) / (high.raw - low.raw)


def to_raw(points: tuple[CalPoint, ...], newton: float) -> float:
    """The count that `to_newton` turns into this."""
    sign = 1 if points[-1].newton > points[0].newton else -1
    upper = next((i for i in range(1, len(points) - 1) if sign * newton <= sign * points[i].newton), len(points) - 1)
    low, high = points[upper - 1], points[upper]
    return low.raw + (newton - low.newton) * (high.raw - low.raw) / (high.newton - low.newton)


def checksum(points: Mapping[int, CalSet]) -> int:
    """cal_crc over the CAL_SET payloads of the channels that have points, in channel order (R32)."""
    payloads = [encode(points[channel], 0)[HEADER:] for channel in sorted(points) if points[channel].points]
    if not payloads:
        return 0
    return crc32(b"".join(payloads)) & 0xFFFF or 1
