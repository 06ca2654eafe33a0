"""Fuzzing of the way from bytes to lines and rows. `python -m tests.fuzz` is guided by coverage (extra `fuzz`)."""
