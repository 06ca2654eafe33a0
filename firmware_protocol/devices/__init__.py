"""The kinds of device that can be read, one module each; a new one is a new module here and nothing else.

A module holds `KIND`: what the kind is, how it is recognised, where its bytes are, and what makes its driver.
Nothing a kind does not know is made up: no time, no unit, no zero.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from firmware_protocol.devices.kind import Advert, Kind, Link, Options
from firmware_protocol.driver import Driver
from firmware_protocol.recognising import Recogniser

AUTO = "auto"  # on a serial port: a ball, or a board that prints lines


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by its key, in the order of their names."""
    modules = sorted(info.name for info in iter_modules(__path__) if info.name != "kind")
    found: list[Kind] = [import_module(f"{__name__}.{name}").KIND for name in modules]
    return {kind.key: kind for kind in found}


def recognised(advert: Advert) -> Kind | None:
    """The kind of an advertisement, or None: no ball, or one that must be named by hand."""
    return next((kind for kind in kinds().values() if kind.recognises(advert)), None)


def driver(key: str, link: Link, options: Options) -> Driver:
    """The driver of a kind, or with AUTO one that finds out. KeyError: no such kind."""
    if key == AUTO:
        return Recogniser(driver("native", link, options), driver("text", link, options))
    return kinds()[key].driver(link, options)
