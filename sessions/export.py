"""Sessions on their way out: one format, one file, whole or without whom they are of."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import BinaryIO, overload

from sessions.anonymous import anonymous
from sessions.session import Whole

# name: (what to say of it, where its writer is)
FORMATS: Mapping[str, tuple[str, str]] = {
    "csv": ("one table for spreadsheets", "sessions.csvfile:write_csv"),
    "json": ("one document", "sessions.jsonfile:write_json"),
    "jsonl": ("one event a line", "sessions.jsonfile:write_jsonl"),
    "parquet": ("columns in exact numbers; needs the extra `parquet`", "sessions.parquet:write_parquet"),
}
BINARY = ("parquet",)  # not for a terminal


def export(
    names: Sequence[str], load: Callable[[str], Whole], form: str, stream: BinaryIO, *, nameless: bool = False
) -> None:
    """Write sessions as `form`, a key of FORMATS; `load` is `Store.whole`. Raises SessionError.

    `nameless` leaves out serial, person, notes, tags and dates, and has all times count from the session's beginning.
    """
    module, _, name = FORMATS[form][1].partition(":")
    write: Callable[..., None] = getattr(import_module(module), name)
    write(_Loaded(names, load, nameless), stream, dated=not nameless)


class _Loaded(Sequence[Whole]):
    """Sessions, one in memory at a time: a library of years does not fit."""

    def __init__(self, names: Sequence[str], load: Callable[[str], Whole], nameless: bool) -> None:
        self._names = names
        self._load = load
        self._nameless = nameless
        self._last: tuple[int, Whole] | None = None

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, at: int) -> Whole: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Whole]: ...
    def __getitem__(self, at: int | slice) -> Whole | Sequence[Whole]:
        if isinstance(at, slice):
            return _Loaded(self._names[at], self._load, self._nameless)
        if self._last is None or self._last[0] != at:
            self._last = None
            whole = self._load(self._names[at])
            self._last = at, anonymous(whole, str(at + 1)) if self._nameless else whole
        return self._last[1]
