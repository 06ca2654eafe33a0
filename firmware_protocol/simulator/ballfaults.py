"""What is wrong with the ball itself: its clock, its power, what it says it is, and who presses its button when.

Moments are seconds of the scenario. What a moment does to a ball is one row of `_ACTS`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from firmware_protocol.ball import Ball, BallSpec
from firmware_protocol.ball_spec import USUAL_HZ
from firmware_protocol.driver import Unit
from firmware_protocol.scanner import SECOND_US
from firmware_protocol.simulator.faults import KINDS, Fault, Harm
from firmware_protocol.simulator.scenarios import Absence

WRAP = 1 << 32  # of the wire's microseconds, and of its widest scan number
MARKUP = ("[red]boo[/red]", "[/]x[b]", "=1+1|[link=x]")  # vendor, serial, firmware: 17 bytes at most
CONTROL = "\x1b[2J\x07\x1b]0;x\x07"
UNITS = {"raw": int(Unit.RAW), "gas": int(Unit.GAS_KPA), "unknown": 9}
LOW_MV = 3300
_BOOT_STEP = 0x9E37_79B1  # odd, so that no boot id comes back soon


def made(spec: BallSpec, faults: Mapping[str, Fault]) -> BallSpec:
    """The ball as it is from the beginning."""
    if "cells" in faults:
        spec = replace(spec, channels=round(faults["cells"].value))
    if "rate" in faults:
        # In thousandths, so that the period is whole microseconds at every rate it offers.
        spec = replace(spec, period_ratio=round(1000 / (1 + faults["rate"].value)) / 1000)
    if "unit" in faults and faults["unit"].at_s is None:
        spec = replace(spec, unit=UNITS[faults["unit"].word])
    name = faults["name"].word if "name" in faults else ""
    if name == "markup":
        vendor, serial, firmware = MARKUP
        spec = replace(spec, identity=replace(spec.identity, vendor=vendor, serial=serial, firmware=firmware))
    elif name == "control":
        spec = replace(spec, identity=replace(spec.identity, vendor=CONTROL))
    return spec


def beginning(faults: Mapping[str, Fault]) -> tuple[int, int]:
    """Microseconds since boot and number of the first scan, when it is first seen."""
    if "wrap" not in faults:
        return 0, 0
    left_s = faults["wrap"].value
    return max(0, WRAP - round(left_s * SECOND_US)), max(0, WRAP - round(left_s * USUAL_HZ))


def haste(faults: Mapping[str, Fault]) -> float:
    """Seconds of its clock in a true one."""
    return 1.0 + (faults["clock"].value * 1e-6 if "clock" in faults else 0.0)


def absences(faults: Mapping[str, Fault], break_s: float) -> list[Absence]:
    """When it is unplugged or mute. A link that breaks is away for `break_s`."""
    found = []
    for name, seconds in (("unplug", None), ("silence", None), ("reorder", break_s)):
        if name in faults and (at_s := faults[name].at_s) is not None:
            found.append(Absence(at_s, at_s + (seconds or faults[name].value), name == "silence"))
    return found


@dataclass(slots=True)
class Reach:
    """What a moment may touch."""

    ball: Ball
    now_us: int
    boot_anew: Callable[[BallSpec | None, float], None]  # another spec or none, and how long it takes in seconds
    sleep: Callable[[float], None]  # seconds that pass for the ball at a stroke


def _reset(fault: Fault, reach: Reach) -> None:
    reach.boot_anew(None, fault.value)
    reach.ball.press_button(True, reach.now_us)  # nobody is there to be told


def _battery(fault: Fault, reach: Reach) -> None:
    percent = round(fault.value)
    reach.ball.battery(reach.now_us, percent=percent, millivolt=LOW_MV, critical=percent == 0)


def _unit(fault: Fault, reach: Reach) -> None:
    reach.boot_anew(replace(reach.ball.spec, unit=UNITS[fault.word]), 0.5)


Act = Callable[[Fault, Reach], None]
_ACTS: Mapping[str, Act] = {
    "reboot": lambda fault, reach: reach.boot_anew(None, fault.value),
    "reset": _reset,
    "step": lambda fault, reach: reach.ball.step_clock(round(fault.value * SECOND_US), reach.now_us),
    "sleep": lambda fault, reach: reach.sleep(fault.value),
    "battery": _battery,
    "tare": lambda fault, reach: reach.ball.press_button(True, reach.now_us),
    "unit": _unit,
}
_SPELLS = ("saturate", "stuck", "drift", "nan")  # done by the cells; here only kept in the record


class Moments:
    """What is still to happen, in order of time; and the button, pressed in every repeat of a scenario."""

    def __init__(self, faults: Iterable[Fault], button: Iterable[float], period_s: float) -> None:
        happening = [f for f in faults if f.name in _SPELLS or (f.name in _ACTS and f.at_s is not None)]
        self._left = sorted(happening, key=lambda fault: fault.at_s or 0.0)
        self._button, self._period_s = tuple(button), period_s
        self._pressed = 0

    @property
    def next_s(self) -> float:
        """Infinite if nothing is to come."""
        fault_s = (self._left[0].at_s or 0.0) if self._left else float("inf")
        return min(fault_s, self._press_s())

    def happen(self, reach: Reach) -> Harm | None:
        """The next one. None: it was nothing but the button."""
        if not self._left or self._press_s() < (self._left[0].at_s or 0.0):
            self._pressed += 1
            reach.ball.press_button(False, reach.now_us)
            return None
        fault = self._left.pop(0)
        if fault.name in _ACTS:
            _ACTS[fault.name](fault, reach)
        return Harm(fault.at_s or 0.0, fault.name, fault.word or f"{fault.value:g}: {KINDS[fault.name].says}")

    def _press_s(self) -> float:
        if not self._button:
            return float("inf")
        turn, place = divmod(self._pressed, len(self._button))
        return turn * self._period_s + self._button[place]


def next_boot(boot_id: int) -> int:
    return (boot_id + _BOOT_STEP) % (WRAP - 1) + 1
