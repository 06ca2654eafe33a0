"""Reading the other tables of this package the way limits.toml is read: every complaint has an address."""

import tomllib

from companion.errors import ConfigError
from companion.safety.limits import table
from companion.safety.table import Range, Reader

_ANY: Range = (-1e6, 1e6)


def read_toml(text: str, name: str) -> Reader:
    """Raises ConfigError, one line that names the file and the place in it."""
    try:
        return Reader(name, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: {error}", "mend the file, or put the original back") from error


def span(row: Reader, key: str = "range") -> Range:
    """What a number of this row may be."""
    return row.pair(key, _ANY)


def basis_of(row: Reader) -> tuple[str, ...]:
    """Source codes and reasons. A row without any is wrong, and so is a code that is not in the sources."""
    basis = row.texts("basis")
    if not basis:
        raise row.fail("basis is missing; every number names its source")
    for code in basis:
        if code[:1] in "FM" and code[1:2].isdigit() and code not in table().sources:
            raise row.fail(f"basis names {code}, which is not in the sources of limits.toml")
    return basis
