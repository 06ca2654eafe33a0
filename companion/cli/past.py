"""What is known of a person, for commands that show something whatever the log is like."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from companion.cli.failures import say

if TYPE_CHECKING:
    from companion.config import Settings
    from companion.past import Past


def known_past(held: "Settings") -> "Past":
    """A log that cannot be read is said on stderr, and counts as empty."""
    from companion.compose import gather
    from companion.past import nobody
    from sessions.errors import SessionError

    try:
        return gather(held)
    except SessionError as error:
        say(str(error), error.hint)
        return nobody(datetime.now(UTC), held.person)
