"""A user's own limits file: rows that make a limit lower than the built-in one, each with its source.

    [regions.calf]
    peq_max_kpa = 300
    source = "my physiotherapist, 12 March"

A limit here is that of the published table (12 cm2, k = 1), and never above it: of several limits the lowest stands.
A file with anything wrong counts for nothing, and its one line says what is allowed; the built-in set stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from companion.errors import ConfigError
from companion.safety.limits import regions
from companion.safety.rows import read_toml
from companion.safety.table import REGION_RANGES

COLUMNS = ("peq_max_kpa", "force_cap_n", "hold_s", "session_s", "dose_kpa_s")


@dataclass(frozen=True, slots=True)
class Lowered:
    """One row."""

    columns: Mapping[str, float]
    source: str


def read_lowered(text: str, name: str) -> Mapping[str, Lowered]:
    """Region -> row. Raises ConfigError, one line that names file, row and what is allowed."""
    root = read_toml(text, name)
    root.allow(frozenset(("version", "regions")))
    found = {}
    for key, row in root.rows("regions"):
        if key not in regions():
            raise ConfigError(f"{row.where}: is no region; allowed: {', '.join(regions())}", "mend the row")
        row.allow(frozenset((*COLUMNS, "source")))
        base = regions()[key].base
        columns = {}
        for column in (column for column in COLUMNS if column in row.row_keys()):
            built_in = getattr(base, column)
            columns[column] = row.number(column, (min(REGION_RANGES[column][0], built_in), built_in))
        source = row.text("source")
        if not columns:
            raise row.fail(f"no limit in it; allowed: {', '.join(COLUMNS)}")
        found[key] = Lowered(MappingProxyType(columns), source)
    return MappingProxyType(found)
