"""A virtual ball on a real serial port of this machine: a pseudo-terminal (POSIX only)."""

import fcntl
import os
import struct
import termios
import time
import tty
from collections.abc import Callable, Sequence
from pathlib import Path

from companion.errors import UnavailableError
from companion.virtual.server import Ball, Server

# The kernel holds 4095 bytes for a reader and more beside; a port nobody reads is full at 2 KiB, which is about
# a second and a half of four cells at 100 Hz, so that a client that comes back does not hear old news for long. The
# kernel counts a little late; what slips in meanwhile is bounded by its own size.
_FULL = 2048
_READ = 4096


class PtyServer(Server):
    """Serves `ball` at /dev/pts/N, or at `link`, a symbolic link kept pointing there.

    While the ball is away the port and the link are gone; it comes back as a new port.
    """

    def __init__(
        self,
        ball: Ball,
        *,
        link: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        speed: float = 1.0,
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        super().__init__(ball, PtyOutlet(link, renamed=ball.renamed), clock=clock, speed=speed, on_error=on_error)


class PtyOutlet:
    """An Outlet. A client's coming and going cannot be seen on a pseudo-terminal whose other end we hold open
    ourselves (else the first client to close would end it), so it counts as connected while it is there."""

    def __init__(self, link: Path | None = None, *, renamed: bool = False) -> None:
        """`renamed`: each new port has another name than the one before."""
        self._renamed = renamed
        self._link = None if link is None else link.absolute()
        self._ball_end: int | None = None
        self._client_end = -1
        self._name = ""
        self.address = ""

    @property
    def connected(self) -> bool:
        return self._ball_end is not None

    def plug(self) -> None:
        try:
            ball_end, client_end = self._open()
        except OSError as error:
            raise UnavailableError(
                f"no pseudo-terminal to be had: {error.strerror}", "close some, or use tcp"
            ) from error
        tty.setraw(client_end)  # a client that does not set its port up gets the bytes as they are, without echo
        os.set_blocking(ball_end, False)
        self._ball_end, self._client_end = ball_end, client_end
        self._name = os.ttyname(client_end)
        self.address = f"serial:{self._link or self._name}"
        if self._link is not None:
            try:
                _point(self._link, self._name)
            except OSError as error:
                self.unplug()
                raise UnavailableError(
                    f"cannot make the link {self._link}: {error.strerror}", "give a path that can be written"
                ) from error

    def _open(self) -> tuple[int, int]:
        first = os.openpty()
        if not self._renamed or os.ttyname(first[1]) != self._name:
            return first
        try:
            return os.openpty()
        finally:
            os.close(first[0])
            os.close(first[1])

    def unplug(self) -> None:
        ball_end, self._ball_end = self._ball_end, None
        if ball_end is None:
            return
        if self._link is not None and self._link.is_symlink() and str(self._link.readlink()) == self._name:
            self._link.unlink(missing_ok=True)
        os.close(ball_end)
        os.close(self._client_end)

    def waits(self) -> Sequence[int]:
        return () if self._ball_end is None else (self._ball_end,)

    def read(self) -> bytes:
        if self._ball_end is None:
            return b""
        try:
            return os.read(self._ball_end, _READ)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> int:
        if self._ball_end is None:
            return 0
        room = _FULL - self._unread()
        if room <= 0:
            return 0
        try:
            return os.write(self._ball_end, data[:room])
        except BlockingIOError:
            return 0

    def discard(self) -> None:
        if self._ball_end is not None:
            termios.tcflush(self._ball_end, termios.TCOFLUSH)  # what is still on its way
            termios.tcflush(self._client_end, termios.TCIFLUSH)  # what lies there unread

    def _unread(self) -> int:
        answer = fcntl.ioctl(self._client_end, termios.FIONREAD, struct.pack("i", 0))
        return int(struct.unpack("i", answer)[0])


def _point(link: Path, target: str) -> None:
    """Make `link` a symbolic link to `target`, at once and for good; anything but a link to a port is left alone."""
    if link.exists() and not (link.is_symlink() and link.is_char_device()):
        raise FileExistsError(0, "it is there, and no symbolic link to a port")
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
