"""A virtual ball on a TCP port: on every system, and over a network. pyserial opens it as socket://HOST:PORT."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Sequence

from companion.errors import UnavailableError
from companion.virtual.server import Ball, Server

_READ = 4096
_SEND_BUFFER = 8192  # bytes; a client that does not read is soon full, and then hears no old news for long


class TcpServer(Server):
    """Serves `ball` at HOST:PORT, one client at a time; port 0 takes a free one, kept as long as this lives.

    While the ball is away its client is cut off and new ones are refused.
    """

    def __init__(
        self,
        ball: Ball,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
        speed: float = 1.0,
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        super().__init__(ball, TcpOutlet(host, port), clock=clock, speed=speed, on_error=on_error)


class TcpOutlet:
    """An Outlet."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self.address = ""

    @property
    def connected(self) -> bool:
        return self._client is not None

    def plug(self) -> None:
        try:
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                if os.name == "posix":  # elsewhere this option would let another program take the port, too
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((self._host, self._port))
                listener.listen(1)
                listener.setblocking(False)
            except BaseException:
                listener.close()
                raise
        except OSError as error:
            raise UnavailableError(
                f"cannot listen on {self._host}:{self._port}: {error.strerror}", "choose another port, or 0 for any"
            ) from error
        self._listener = listener
        self._port = listener.getsockname()[1]
        self.address = f"serial:socket://{self._host}:{self._port}"

    def unplug(self) -> None:
        self._drop()
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def waits(self) -> Sequence[socket.socket]:
        return [end for end in (self._listener, self._client) if end is not None]

    def read(self) -> bytes:
        client = self._client
        self._accept()
        if client is None:
            return b""
        try:
            data = client.recv(_READ)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._drop()
        return data

    def write(self, data: bytes) -> int:
        if self._client is None:
            return 0
        try:
            return self._client.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._drop()
            return 0

    def discard(self) -> None:
        """A client of TCP always starts with nothing; what it has not read yet is its own."""

    def _accept(self) -> None:
        """One client has the ball; another is turned away at once, as from a port that is open elsewhere."""
        if self._listener is None:
            return
        try:
            client, _ = self._listener.accept()
        except OSError:  # nobody there, or gone again already
            return
        if self._client is not None:
            client.close()
            return
        client.setblocking(False)
        with contextlib.suppress(OSError):  # the client may be gone again; reading will tell
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._client = client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()
