"""Handing sessions on from a screen: one line says which file, and with it what becomes of them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from companion.cli.export import SUFFIXES
from companion.cli.report import KINDS

if TYPE_CHECKING:
    from sessions.store import Store

ANONYMOUS = "anonymous"
ENDINGS = (*SUFFIXES, *KINDS)


def proposed(began: datetime) -> str:
    """A file's name for a session, where the program was started."""
    return f"knead-{began:%Y-%m-%d-%H%M}.csv"


def hand_on(store: "Store", sessions: Sequence[str], text: str) -> str:
    """Write them to the file of `text`, where `anonymous` may stand behind its name; what was written, in words.

    Nothing is written over. ValueError for a name that cannot be used, SessionError as the commands.
    """
    from sessions.files import new_file, refuse_existing

    name, _, last = text.strip().rpartition(" ")
    nameless = bool(name) and last == ANONYMOUS
    path = Path(name.strip() if nameless else text.strip()).expanduser()
    kind = path.suffix.lower()
    if not str(path).isprintable() or kind not in ENDINGS:
        raise ValueError(f"name a file that ends in {' '.join(ENDINGS)}")
    refuse_existing(path, force=False)
    if kind in KINDS:
        _report(store, sessions, path, nameless)
        return f"wrote the report {path}"
    from sessions import export as out

    with new_file(path) as file:
        out.export(sessions, store.whole, SUFFIXES[kind], file, nameless=nameless)
    count = f"{len(sessions)} session{'' if len(sessions) == 1 else 's'}"
    return f"wrote {count}{', nameless,' if nameless else ''} to {path}"


def _report(store: "Store", sessions: Sequence[str], path: Path, nameless: bool) -> None:
    from companion.cli.failures import software_version
    from companion.cli.judging import judged
    from sessions.files import new_file
    from sessions.report import session_paper

    if len(sessions) != 1:
        raise ValueError("a report is of one session: select none, or write a .csv")
    if nameless:
        raise ValueError("a report names nobody by itself; anonymous is for tables")
    data = store.load(sessions[0])
    paper = session_paper(data, judged(data), software=f"knead {software_version()}")
    with new_file(path) as file:
        if path.suffix.lower() == ".pdf":
            from sessions.page import write_pdf

            write_pdf(paper, file)
        else:
            from sessions.reporthtml import html

            file.write(html(paper).encode())
