"""Whether the ball is pressed, by the guard's own measure: repeats of a caution sound only while it is."""

import math
from contextlib import suppress
from dataclasses import replace

from companion.errors import ConfigError
from companion.safety.dose import tune
from companion.safety.limits import GuardContext, tools
from companion.safety.scale import HOLD_FLOOR_KPA
from sessions.events import Action, Event, Opened, Reading


class Pressing:
    """Fed every event; `pressed` is None until it is known, and stays as it was while the pressure is unknown."""

    def __init__(self) -> None:
        self.pressed: bool | None = None
        self._context: GuardContext | None = None
        self._on_kpa = HOLD_FLOOR_KPA

    @property
    def context(self) -> GuardContext | None:
        """Of the present place and tool."""
        return self._context

    def feed(self, event: Event) -> bool:
        """True if it has changed."""
        before = self.pressed
        match event:
            case Reading(late=False) if len(event.t_s):
                p_kpa = float(event.pressure_kpa[-1])
                if math.isfinite(p_kpa):
                    self.pressed = p_kpa >= self._on_kpa
            case Opened():
                with suppress(ConfigError):  # one that cannot be read leaves the floor
                    self._retune(GuardContext.from_json(event.context))
            case Action(kind="region" | "side" | "tool"):
                self._move(event)
        return self.pressed is not before

    def _move(self, action: Action) -> None:
        """As the guard does; what it refuses changes nothing here either."""
        if self._context is None:
            return
        fields = {name: action.fields[name] for name in ("region", "side", "tool", "area_cm2") if name in action.fields}
        with suppress(ConfigError, KeyError, TypeError):
            if "tool" in fields and "area_cm2" not in fields:
                fields["area_cm2"] = tools()[str(fields["tool"])].area_cm2
            self._retune(replace(self._context, **fields))  # type: ignore[arg-type]  # checked by the context

    def _retune(self, context: GuardContext) -> None:
        self._context, self._on_kpa = context, tune(context).on_kpa
