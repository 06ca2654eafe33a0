"""What can go wrong on the way to a ball, told apart by what the user can do.

CompanionError              .hint says what to do, .exit_code is the command's
├── ConfigError             2  a setting, an option or a data file is wrong
├── RefusedError            7  the guard refuses this session
├── CaptureError            6  a capture is damaged, or none
└── TransportError          never raised itself
    ├── DeviceNotFoundError 3  no such port or ball, or it is no ball
    ├── DeviceBusyError     3  another program holds it
    ├── UnavailableError    5  no permission, or the radio is off
    │   └── NotPairedError  5  the ball wants a bond, and there is none, or no longer
    └── LinkLostError       4  it was there and is gone
"""

from typing import ClassVar


class CompanionError(Exception):
    """Root of this package's errors. `str()` is one line for the user; `hint` is the one thing to do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


class ConfigError(CompanionError):
    exit_code = 2


class RefusedError(CompanionError):
    exit_code = 7


class CaptureError(CompanionError):
    exit_code = 6


class TransportError(CompanionError):
    """A link to a ball failed."""


class DeviceNotFoundError(TransportError):
    exit_code = 3


class DeviceBusyError(TransportError):
    exit_code = 3


class UnavailableError(TransportError):
    exit_code = 5


class NotPairedError(UnavailableError):
    """The ball and this computer share no bond that both know."""


class LinkLostError(TransportError):
    exit_code = 4
