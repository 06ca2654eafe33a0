"""One row of the table: what was done, how often, and what came of it."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Row:
    """Filled in while the fault is played. `broken` is the first promise that did not hold; empty: all did."""

    fault: str
    runs: int = 0
    lost: str = "nothing"
    invented: str = "nothing"
    notice: str = "-"  # worst time until the user was told
    note: str = ""
    broken: str = field(default="")

    def promise(self, kept: bool, what: str) -> None:
        """Note that `what` was found, where it breaks a promise."""
        if not kept and not self.broken:
            self.broken = what


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
