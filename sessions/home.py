"""Where the log lies unless told otherwise: `KNEAD_HOME/data`, else the user's own data directory."""

import os
from collections.abc import Mapping
from pathlib import Path

NAME = "knead.db"


def data_dir(env: Mapping[str, str] | None = None) -> Path:
    """The directory of the log. Nothing is made here."""
    home = (os.environ if env is None else env).get("KNEAD_HOME")
    if home:
        return Path(home).expanduser().absolute() / "data"
    import platformdirs

    return platformdirs.user_data_path("knead", appauthor=False)


def default_path(env: Mapping[str, str] | None = None) -> Path:
    """The log that `knead` itself uses."""
    return data_dir(env) / NAME
