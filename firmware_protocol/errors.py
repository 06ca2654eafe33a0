"""What can go wrong on our side of the wire.

    ProtocolError
    ├── EncodeError        a message was asked for that the wire cannot carry (our mistake)
    └── UnsupportedError   this ball cannot do what was asked

Bytes from a ball never raise: damage is a value (`framing.Damaged`, `driver.Damaged`).
"""


class ProtocolError(Exception):
    """Root of this package's errors; never raised itself."""


class EncodeError(ProtocolError):
    """A field does not fit its place on the wire."""


class UnsupportedError(ProtocolError):
    """The ball does not offer this request."""
