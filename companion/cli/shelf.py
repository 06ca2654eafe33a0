"""The settings as the screens read and write them; what the screens start next goes by what holds then."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from companion.config import DEFAULTS, KEYS, forget_setting, resolve, write_setting
from companion.tui.books import Setting

if TYPE_CHECKING:
    from companion.config import Settings

_LATER = {"fps": "from the next start on"}


class Shelf:
    """`settings`: those that hold now. A value given as a flag stands until it is changed here."""

    def __init__(self, settings: "Settings") -> None:
        self.settings = settings

    @property
    def place(self) -> str:
        return str(self.settings.paths.config_file)

    def rows(self) -> Sequence[Setting]:
        found = resolve(self.settings.paths, os.environ)
        return [self._row(name, found.values[name], found.origins[name]) for name in KEYS]

    def _row(self, name: str, stored: object, origin: str) -> Setting:
        key, value = KEYS[name], getattr(self.settings, name)
        options: Iterable[str] = getattr(key.rule, "options", lambda: ())()
        return Setting(
            name, key.what, shown(value), origin if value == stored else "flag", key.rule.allowed(), tuple(options)
        )

    def write(self, name: str, text: str) -> str:
        paths = self.settings.paths
        if text.strip():
            value: Any = write_setting(paths, name, text)
            said = f"{name} = {shown(value)}, written"
        else:
            forget_setting(paths, name)
            value = DEFAULTS[name]
            said = f"{name}: the default holds again"
        if os.environ.get(KEYS[name].variable):
            return f"{said}; but {KEYS[name].variable} is set and outranks it"
        self.settings = replace(self.settings, **{name: value})
        return f"{said}; {_LATER[name]}" if name in _LATER else said


def shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value is None else str(value)
