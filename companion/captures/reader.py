"""Reads a capture back: all that is whole, and why there is no more."""

import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from companion.captures.format import (
    CRC,
    HEAD,
    HEADER,
    LATE_S,
    NAME,
    Kind,
    Record,
    Setup,
    decode_head,
    from_json,
    setup_of,
)
from companion.errors import CaptureError, ConfigError
from companion.safety.limits import GuardContext

HINT = "what came before is replayed"


class Capture:
    """A capture, found fit to be replayed. Raises CaptureError where it is none, or of a newer knead."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage = ""  # after `records`: why there was no more; empty where the capture is whole
        with _open(path) as file:
            _check_name(file, path)
            try:
                record = next(self._records(file), None)
                if record is None or record.kind is not Kind.SETUP:
                    raise ValueError(self.damage or "it does not begin with its setup")
                self.setup: Setup = setup_of(record)
            except ValueError as error:
                raise CaptureError(f"the capture {path} cannot be used: {error}", "make another one") from error
            found = next((item for item in self._records(file) if item.kind is Kind.GUARD), None)
        self.context = None if found is None else _context_of(found, path)

    def records(self) -> Iterator[Record]:
        """All after the setup up to the end of the session, or of what is whole."""
        with _open(self.path) as file:
            file.seek(len(HEADER))
            ended = False
            for record in self._records(file):
                if record.kind is not Kind.SETUP:
                    yield record
                if record.kind is Kind.END:
                    ended = True
                    break
            if not ended and not self.damage:
                self.damage = "it ends before its session does"

    def _records(self, file: BinaryIO) -> Iterator[Record]:
        self.damage = ""
        last_s = -float("inf")
        while True:
            at, head = file.tell(), file.read(HEAD.size)
            if not head:
                return
            try:
                record = _rest(head, file)
                early_s = LATE_S if record.kind is Kind.IN else 0.0
                if record.at_s < last_s - early_s:
                    raise ValueError("time goes back")
            except EOFError:
                self.damage = f"it is cut off in the middle of a record, at byte {at}"
                return
            except ValueError as error:
                self.damage = f"it is damaged at byte {at}: {error}"
                return
            last_s = record.at_s
            yield record


def _rest(head: bytes, file: BinaryIO) -> Record:
    """EOFError where the file ends before the record, ValueError where it is damaged."""
    if len(head) < HEAD.size:
        raise EOFError
    length, kind, at_s = decode_head(head)
    rest = file.read(length + CRC.size)
    if len(rest) < length + CRC.size:
        raise EOFError
    payload = rest[:length]
    if zlib.crc32(payload, zlib.crc32(head)) != CRC.unpack(rest[length:])[0]:
        raise ValueError("checksum")
    return Record(kind, at_s, payload)


def _open(path: Path) -> BinaryIO:
    """A plain file: a pipe or a device could keep us waiting for ever."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise CaptureError(f"{path} is no capture", "give a file that knead live --capture has written")
        return os.fdopen(handle, "rb", buffering=1 << 16)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CaptureError(f"the capture {path} cannot be read: {reason}", "see 'knead sessions list'") from error


def _check_name(file: BinaryIO, path: Path) -> None:
    begin = file.read(len(HEADER))
    if begin == HEADER:
        return
    version = begin.removeprefix(NAME).strip()
    if begin.startswith(NAME) and version.isdigit():
        raise CaptureError(f"the capture {path} was written by a newer knead (format {int(version)})", "update knead")
    raise CaptureError(f"{path} is no capture", "give a file that knead live --capture has written")


def _context_of(record: Record, path: Path) -> GuardContext:
    try:
        return GuardContext.from_json(from_json(record.payload))
    except (ConfigError, ValueError) as error:
        raise CaptureError(f"the capture {path} cannot be judged: {error}", "update knead") from error
