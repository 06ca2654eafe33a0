"""A virtual ball over Bluetooth LE, for anyone with a bumble transport: a radio of this computer, or a virtual one.

A transport that waits for a Bluetooth host (tcp-server, ws-server, unix-server, pty, vhci) is given a virtual
controller with the ball in its reach; any other is taken for a real controller, and the ball advertises on it.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self

from bumble.transport import open_transport
from bumble.transport.common import Transport

from companion.errors import CompanionError, UnavailableError
from companion.virtual.air import Air, VirtualRadio
from companion.virtual.gatt import Peripheral
from firmware_protocol.simulator.virtual import USUAL_MTU, VirtualBall

HOST_BEHIND = ("tcp-server", "ws-server", "unix-server", "pty", "vhci")
_START_S = 10.0  # a controller answers at once; something else on that port never does
_JOIN_S = 5.0
_HINT = "'knead simulate ble --help' tells what a transport is"
_KERNEL = "vhci"

logging.getLogger("bumble").addHandler(logging.NullHandler())  # its warnings are no lines of ours


class BleServer:
    """Serves `ball` (made with framed=False) from its making to `close`, in a thread of its own.

    Raises UnavailableError where the transport cannot be used. `close` raises what went wrong meanwhile.
    """

    def __init__(
        self,
        ball: VirtualBall,
        hci: str,
        *,
        name: str,
        mtu: int = USUAL_MTU,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ball = ball
        self.address = f"ble:{name}"
        self._hci, self._name, self._mtu, self._clock = hci, name, mtu, clock
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._error: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="virtual-ball", daemon=True)
        self._thread.start()
        self._ready.wait()
        self._raise()

    @property
    def virtual(self) -> bool:
        """Whether a host is to connect to it, rather than the ball being on the air."""
        return self._hci.partition(":")[0] in HOST_BEHIND

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until serving has ended; False if it has not by then."""
        return self._ended.wait(timeout_s)

    def close(self) -> None:
        """May be called again, and from any thread."""
        loop, end = self._loop, self._end
        if loop is not None and end is not None:
            with contextlib.suppress(RuntimeError):  # it has closed by itself
                loop.call_soon_threadsafe(end.set)
        self._thread.join(_JOIN_S)
        self._raise()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        # The thread's end is the only place to see a failure of any kind; it is handed on, never swallowed.
        except Exception as error:
            self._error = error
        finally:
            self._ready.set()
            self._ended.set()

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        try:
            transport = await open_transport(self._hci)
        except Exception as error:  # each kind of transport has errors of its own
            raise UnavailableError(f"the transport {self._hci} cannot be opened: {error}", _HINT) from error
        async with _closing(transport):
            peripheral = self._peripheral(transport)
            try:
                async with asyncio.timeout(_START_S):
                    await peripheral.start()
                self._ready.set()
                await _until(self._end, transport)
            except CompanionError:
                raise
            except Exception as error:
                raise UnavailableError(f"there is no Bluetooth controller behind {self._hci}", _HINT) from error
            finally:
                await peripheral.stop()

    def _peripheral(self, transport: Transport) -> Peripheral:
        if not self.virtual:
            return Peripheral(
                self.ball, transport.source, transport.sink, clock=self._clock, name=self._name, mtu=self._mtu
            )
        air = Air()
        offered = VirtualRadio("host", air, host_source=transport.source, host_sink=transport.sink)
        offered.public_address = "C0:FF:EE:00:00:01/P"
        if self._hci.startswith(_KERNEL):
            offered.for_kernel()
        own = VirtualRadio("ball", air)
        return Peripheral(self.ball, own, own, clock=self._clock, name=self._name, mtu=self._mtu, lose=own.lose)


@contextlib.asynccontextmanager
async def _closing(transport: Transport) -> AsyncIterator[None]:
    """bumble leaves what listens open, and whoever is connected to it."""
    async with transport:
        try:
            yield
        finally:
            server, client = getattr(transport, "server", None), getattr(transport.sink, "transport", None)
            if isinstance(server, asyncio.Server):
                server.close()
            if isinstance(client, asyncio.WriteTransport):
                client.abort()
            await asyncio.sleep(0)  # so that they are closed before the loop is


async def _until(end: asyncio.Event, transport: Transport) -> None:
    """The end is asked for, or the transport breaks."""
    waiting = asyncio.ensure_future(end.wait())
    broken = asyncio.ensure_future(_terminated(transport))
    try:
        await asyncio.wait((waiting, broken), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        broken.cancel()
        await asyncio.gather(waiting, broken, return_exceptions=True)


async def _terminated(transport: Transport) -> None:
    await asyncio.shield(transport.source.terminated)
