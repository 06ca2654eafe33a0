"""A session's stored figures, and where its numbers come from: device, calibration, limits, smoothing, software."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from companion.cli.text import amount, clean, number, span
from sessions.events import Fields, Json

if TYPE_CHECKING:
    from sessions.about import About, CurveFigures


def figure_lines(curve: "CurveFigures") -> Iterator[str]:
    mean, p95 = amount(curve.mean_kpa, "kPa"), amount(curve.p95_kpa, "kPa")
    impulse = None if curve.impulse_kpa_s is None else curve.impulse_kpa_s / 60
    yield f"In touch  mean {mean}, p95 {p95} over {span(curve.known_s)} of known pressure"
    yield f"Impulse   {amount(impulse, 'kPa min', 1)}"
    if curve.damaged:
        part = "a part of its samples is" if curve.damaged == 1 else f"{curve.damaged} parts of its samples are"
        yield f"Damaged   {part} unreadable and not counted"


def provenance(about: "About") -> Iterator[str]:
    device, context = about.opened.device, about.opened.context
    model, firmware = _word(device, "model"), _word(device, "firmware")
    cells = f", {_word(device, 'channels')} cells" if device.get("channels") else ""
    yield f"Device    {model or 'unknown model'}{', firmware ' + firmware if firmware else ''}{cells}"
    yield f"          {calibration(device, context)}"
    version = _word(context, "limits_version")
    screened = "screened" if context.get("screened") is True else "not screened"
    factor = context.get("factor_k")
    limits = f"version {version}" if version else "of an unknown version"
    yield f"Limits    {limits}, {screened}" + (
        f", factor {number(factor, 2)}" if isinstance(factor, int | float) else ""
    )
    delay = about.opened.smoothing.get("delay_s")
    told = f", smoothed with a delay of {number(delay, 3)} s" if isinstance(delay, int | float) else ""
    yield f"Software  {clean(about.opened.software or 'unknown', 40)}{told}"
    yield "          numbers as stored then; only a replay judges anew"


def calibration(device: Fields, context: Fields) -> str:
    """What is known of how newtons were made of the ball's values."""
    if context.get("calibrated") is False:
        return "not calibrated"
    number_of = device.get("cal_crc")
    return f"calibration {number_of:08x}" if isinstance(number_of, int) and number_of > 0 else "calibration unknown"


def figures_json(about: "About") -> dict[str, Json]:
    opened = about.opened
    return {
        "figures": asdict(about.curve),
        "provenance": {
            "device": dict(opened.device),
            "limits": dict(opened.context),
            "smoothing": dict(opened.smoothing),
            "software": opened.software,
        },
    }


def _word(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return "" if value is None or isinstance(value, bool | list | dict) else clean(str(value), 40)
