"""`knead`, and `python -m companion`."""

import sys


def main() -> None:
    """Run one command and leave with its exit code."""
    from companion.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
