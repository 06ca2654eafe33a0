"""The programs of this computer that play a file or speak a text. Standard library only."""

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass

_ANY = ("linux", "darwin", "win32")
_UNIX = ("linux", "darwin")
_SAPI = (
    "Add-Type -AssemblyName System.Speech;"
    "(New-Object System.Speech.Synthesis.SpeechSynthesizer).Speak([Console]::In.ReadToEnd())"
)
_WINSOUND = "import sys, winsound; winsound.PlaySound(sys.argv[1], winsound.SND_FILENAME)"


@dataclass(frozen=True, slots=True)
class Program:
    """Runs until it has played or spoken, and then exits with 0. The file or the text is the last argument."""

    name: str
    argv: tuple[str, ...]
    systems: tuple[str, ...]
    by_stdin: bool = False  # the text comes on standard input instead
    stop: tuple[str, ...] = ()  # run when it is to fall silent: ending it is not enough


# Tried in this order; the next one when one fails.
PLAYERS = (
    Program("afplay", ("afplay",), ("darwin",)),
    Program("winsound", (sys.executable, "-c", _WINSOUND), ("win32",)),
    Program("pw-play", ("pw-play",), ("linux",)),
    Program("paplay", ("paplay",), ("linux",)),
    Program("aplay", ("aplay", "-q"), ("linux",)),
    Program("ffplay", ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"), _ANY),
    Program("play", ("play", "-q"), _UNIX),
)
SPEAKERS = (
    Program("say", ("say",), ("darwin",), by_stdin=True),
    Program("powershell", ("powershell", "-NoProfile", "-Command", _SAPI), ("win32",), by_stdin=True),
    Program("spd-say", ("spd-say", "-w", "--"), ("linux",), stop=("spd-say", "-S")),
    Program("espeak-ng", ("espeak-ng", "--"), _UNIX),
    Program("espeak", ("espeak", "--"), _UNIX),
)


def system() -> str:
    """`linux` stands for every other Unix, too."""
    return sys.platform if sys.platform in ("darwin", "win32") else "linux"


def found(programs: Iterable[Program]) -> list[Program]:
    """Those this computer has, on the present PATH."""
    path = os.environ.get("PATH")
    return [program for program in programs if system() in program.systems and shutil.which(program.argv[0], path=path)]


def listed(programs: Iterable[Program]) -> tuple[list[str], list[str]]:
    """Names of those this computer has, and of all for its system."""
    known = list(programs)
    here = [program.name for program in known if system() in program.systems]
    return [program.name for program in found(known)], here


def names(programs: Iterable[Program]) -> str:
    """Those that could be installed on this system, for a hint."""
    return ", ".join(program.name for program in programs if system() in program.systems)
