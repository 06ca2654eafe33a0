"""Ways to a ball: each gives and takes bytes, and knows nothing of what they mean.

A transport stamps what it reads with the engine's clock, never blocks the engine's loop, and lets no vendor's
exception past its edge.
"""

from typing import Protocol

from firmware_protocol.driver import Chunk, Send


class Transport(Protocol):
    """One way to one ball, opened and closed any number of times."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    async def open(self) -> None:
        """Raises DeviceNotFoundError, DeviceBusyError, UnavailableError or LinkLostError."""
        ...

    async def receive(self) -> Chunk:
        """The next bytes. Cancel-safe: a cancelled call loses nothing. Raises LinkLostError."""
        ...

    async def send(self, send: Send) -> None:
        """Hand bytes over; returns without waiting for the wire. Raises LinkLostError."""
        ...

    async def close(self) -> None:
        """Idempotent; never raises."""
        ...

    async def returned(self) -> None:
        """Completes when the ball, having been out of sight, is seen again. May never complete."""
        ...

    def reject(self) -> bool:
        """The ball found last is another one: True if the search can go on without it."""
        ...
