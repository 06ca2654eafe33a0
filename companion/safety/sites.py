"""Muscles and places by name: where a ball may be put, and where not."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from companion.safety.limits import table
from companion.safety.rows import basis_of, read_toml
from companion.safety.table import Barred, Reader


@dataclass(frozen=True, slots=True)
class Site:
    key: str
    title: str
    region: str  # the row of limits it is judged by
    where: str  # how to find it
    basis: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SiteTable:
    sites: Mapping[str, Site]
    avoided: Mapping[str, Barred]


@cache
def site_table() -> SiteTable:
    """What this version comes with."""
    text = files(__package__ or "companion.safety").joinpath("sites.toml").read_text(encoding="utf-8")
    return read_sites(text, "sites.toml")


def sites() -> Mapping[str, Site]:
    return site_table().sites


def avoided() -> Mapping[str, Barred]:
    return site_table().avoided


def read_sites(text: str, name: str) -> SiteTable:
    """Parse and check. Raises ConfigError."""
    root = read_toml(text, name)
    root.allow(frozenset(("sites", "avoid")))
    return SiteTable(
        MappingProxyType({key: _site(row, key) for key, row in root.rows("sites")}),
        MappingProxyType({key: _avoided(row, key) for key, row in root.rows("avoid")}),
    )


def _site(row: Reader, key: str) -> Site:
    row.allow(frozenset(("title", "region", "where", "basis")))
    region = row.text("region")
    if region not in table().regions:
        raise row.fail(f"region = {region}; allowed: {', '.join(table().regions)}")
    return Site(key, row.text("title"), region, row.text("where"), basis_of(row))


def _avoided(row: Reader, key: str) -> Barred:
    row.allow(frozenset(("title", "blocked", "why")))
    blocked = row.text("blocked")
    if blocked not in table().blocked:
        raise row.fail(f"blocked = {blocked}; allowed: {', '.join(table().blocked)}")
    return Barred(key, row.text("title"), row.text("why", table().blocked[blocked].why))
