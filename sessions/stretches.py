"""Large files by stretches: copied and summed up (CRC-32), several blocks at a time.

Places and sizes are bytes, files are handles of the system (`os.open`, `fileno`); a handle's own place means nothing
here, so that several may read one file at once. ImportedError where a file ends before a stretch does.
"""

import os
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from sessions.errors import ImportedError

BLOCK = 4 << 20
PIECE = 256 << 10  # fits into the processor's cache
WORKERS = 2  # measured: more are slower
OTHER_FILE = "Take the backup from where you keep another copy."


def each_block(size: int, work: Callable[[int, int], int]) -> list[int]:
    """What `work(at, length)`, called from several threads, says of each BLOCK of `size`, in order.

    Reading, writing and CRC-32 hold no lock of Python's.
    """
    starts = range(0, size, BLOCK)
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda at: work(at, min(BLOCK, size - at)), starts))


def checked(source: int, at: int, size: int) -> int:
    """CRC-32 of a stretch."""
    crc = 0
    for piece in _pieces(source, at, size):
        crc = zlib.crc32(piece, crc)
    return crc


def copied(source: int, at: int, target: int, to: int, size: int) -> int:
    """Copy a stretch to the place `to` of `target`; its CRC-32."""
    crc = 0
    for piece in _pieces(source, at, size):
        crc = zlib.crc32(piece, crc)
        done = 0
        while done < len(piece):
            done += _write_at(target, piece[done:], to + done)
        to += len(piece)
    return crc


def _pieces(source: int, at: int, size: int) -> Iterator[memoryview]:
    """A stretch through one buffer: fresh memory for each piece would cost more than the copying."""
    buffer = memoryview(bytearray(min(PIECE, size)))
    end = at + size
    while at < end:
        got = _read_at(source, buffer[: min(PIECE, end - at)], at)
        if got == 0:
            raise ImportedError("The file ends too early.", OTHER_FILE)
        yield buffer[:got]
        at += got


if hasattr(os, "preadv"):

    def _read_at(handle: int, buffer: memoryview, at: int) -> int:
        return os.preadv(handle, [buffer], at)

    def _write_at(handle: int, data: memoryview, at: int) -> int:
        return os.pwrite(handle, data, at)
else:
    _PLACE = threading.Lock()  # Windows knows but one place in a file

    def _read_at(handle: int, buffer: memoryview, at: int) -> int:
        with _PLACE:
            os.lseek(handle, at, os.SEEK_SET)
            data = os.read(handle, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _write_at(handle: int, data: memoryview, at: int) -> int:
        with _PLACE:
            os.lseek(handle, at, os.SEEK_SET)
            return os.write(handle, data)
