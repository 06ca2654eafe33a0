"""What atheris runs: `python -m tests.fuzz.target CORPUS [libFuzzer options]`. Ends with the first find."""

import sys

import atheris

with atheris.instrument_imports(include=["firmware_protocol", "companion", "sessions"]):
    from tests.fuzz.script import either


def one_input(data: bytes) -> None:
    either(data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
