"""`knead doctor`: what knead needs, whether it is there, and the one thing to do where it is not.

A check is a function that gives findings; a new check is a new function and its row in `CHECKS`. The command itself
succeeds whatever it finds.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from companion.cli.options import document
from companion.cli.text import clean
from companion.config import Paths, find_paths, resolve
from companion.errors import CompanionError, ConfigError
from sessions.errors import SessionError

PYTHON_LEAST = (3, 11)
# A day at 100 Hz with four channels takes about 70 MB before it is packed; SQLite wants as much again to merge it.
DISK_LEAST_MB = 200
COLUMNS, ROWS = 80, 24  # what the screen is laid out for
PORTS = ("ttyACM*", "ttyUSB*")


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    state: str  # ok, note, problem
    text: str
    todo: str = ""


def python(_paths: Paths) -> Iterator[Finding]:
    from companion.cli.failures import software_version

    text = f"Python {sys.version.split()[0]} on {sys.platform}, knead {software_version()}"
    if sys.version_info < PYTHON_LEAST:
        yield Finding("python", "problem", text, "install Python 3.11 or newer")
    else:
        yield Finding("python", "ok", text)


def terminal(_paths: Paths) -> Iterator[Finding]:
    from companion.cli.terminal import on_terminal

    if not on_terminal():
        yield Finding("terminal", "note", "not a terminal: sessions are printed as plain lines", "")
        return
    columns, rows = shutil.get_terminal_size()
    text = f"{columns} x {rows}, {os.environ.get('TERM', 'no TERM')}, {sys.stdout.encoding}"
    if columns < COLUMNS or rows < ROWS:
        yield Finding("terminal", "note", text, f"make the window at least {COLUMNS} x {ROWS}")
    elif "utf" not in sys.stdout.encoding.lower():
        yield Finding("terminal", "note", text, "use a UTF-8 locale, or --plain")
    else:
        yield Finding("terminal", "ok", text)


def display(paths: Paths) -> Iterator[Finding]:
    """Whether it stays awake while somebody lies on the ball."""
    from companion.wakeful import able

    by = able()
    if not resolve(paths, os.environ).values.get("awake"):
        yield Finding("display", "note", "it may go dark in a session, by your settings", "knead config set awake on")
    elif by:
        yield Finding("display", "ok", f"kept awake in a session by {' and '.join(by)}")
    else:
        yield Finding("display", "note", "nothing found that keeps it awake in a session", "let it go dark later")


def settings(paths: Paths) -> Iterator[Finding]:
    from companion.tui.rebinding import rebound

    found = resolve(paths, os.environ)
    try:
        rebound(found.keys)
    except ConfigError as error:
        found.problems.append(error)
    for problem in found.problems:
        yield Finding("config", "problem", str(problem), problem.hint)
    for warning in found.warnings:
        yield Finding("config", "note", warning, "remove or rename it")
    if not found.problems and not found.warnings:
        there = "" if paths.config_file.exists() else ", not there: defaults hold"
        yield Finding("config", "ok", f"{paths.config_file}{there}")


def limits(paths: Paths) -> Iterator[Finding]:
    """The user's own limits file, beside the settings."""
    from companion.past import LIMITS_FILE, own_file

    file = paths.config_file.with_name(LIMITS_FILE)
    problems: list[str] = []
    lowered = own_file(file, problems)
    for problem in problems:
        yield Finding("limits", "problem", problem, "mend the file, or take it away")
    if not problems:
        text = f"{file} lowers {', '.join(lowered)}" if lowered else "the built-in ones, none lowered by a file"
        yield Finding("limits", "ok", text)


def store(paths: Paths) -> Iterator[Finding]:
    if not paths.database.exists():
        place = _existing(paths.data_dir)
        if os.access(place, os.W_OK | os.X_OK):
            yield Finding("store", "ok", f"{paths.database}, made with the first session")
        else:
            yield Finding("store", "problem", f"{place} cannot be written", "see its owner and permissions")
        return
    from sessions.store import Store

    with Store(paths.database) as opened:
        count = len(opened.list())
    yield Finding("store", "ok", f"{paths.database}, {count} session{'' if count == 1 else 's'}")


def disk(paths: Paths) -> Iterator[Finding]:
    free_mb = shutil.disk_usage(_existing(paths.data_dir)).free // 1_000_000
    text = f"{free_mb} MB free at {paths.data_dir}"
    if free_mb < DISK_LEAST_MB:
        yield Finding("disk", "problem", text, f"free at least {DISK_LEAST_MB} MB")
    else:
        yield Finding("disk", "ok", text)


def serial(_paths: Paths) -> Iterator[Finding]:
    from companion.cli.scan import places

    found = places()
    for place in found:
        state = "problem" if place.problem else "ok"
        text = f"{place.address} {place.problem or place.detail}".rstrip()
        yield Finding("serial", state, text, _permission_hint() if place.problem else "")
    if not found:
        yield Finding("serial", "note", "no serial port in reach", "plug the ball in; knead demo needs none")


def bluetooth(paths: Paths) -> Iterator[Finding]:
    from companion import whereabouts
    from companion.cli.radio import diagnose, look

    for advice in diagnose(look(whereabouts.remembered(paths))):
        yield Finding("bluetooth", advice.state, advice.text, advice.todo)


def cables(paths: Paths) -> Iterator[Finding]:
    """The remembered balls on cables."""
    from companion import whereabouts
    from companion.cli.radio import port_holders, ports
    from companion.cli.scan import places

    devices = whereabouts.remembered(paths)
    named = [ball.address.removeprefix("serial:").partition("?")[0] for ball in devices if ball.address]
    for advice in ports(places(), devices, port_holders(named)):
        yield Finding("ball", advice.state, advice.text, advice.todo)


def permission(_paths: Paths) -> Iterator[Finding]:
    """Linux gives serial ports to a group; without it a ball is there and cannot be opened."""
    if sys.platform != "linux":
        return
    group = _serial_group()
    denied = [path for path in _ports() if not os.access(path, os.R_OK | os.W_OK)]
    if denied:
        text = f"{', '.join(str(path) for path in denied)} may not be opened"
        yield Finding("permission", "problem", text, _permission_hint())
    elif os.geteuid() == 0 or group is None or group[1] in os.getgroups():
        yield Finding("permission", "ok", "serial ports may be opened")
    else:
        yield Finding("permission", "note", f"you are not in the group {group[0]}", _permission_hint())


def sound(paths: Paths) -> Iterator[Finding]:
    """Programs only: whether a loudspeaker is there shows when a session tries it at its start."""
    from companion.hearing import sound_programs

    values = resolve(paths, os.environ).values
    found = sound_programs()
    for key, what, (names, possible) in (("sound", "tones", found.tones), ("voice", "words", found.voice)):
        if not values[key]:
            yield Finding(key, "note", f"{what} are off by your settings", f"knead config set {key} on")
        elif names:
            yield Finding(key, "ok", f"{what} by {names[0]}" + (f", else {', '.join(names[1:])}" if names[1:] else ""))
        else:
            yield Finding(key, "note", f"no {what}: the screen stands in", f"install one of {', '.join(possible)}")


CHECKS: tuple[tuple[str, Callable[[Paths], Iterator[Finding]]], ...] = (
    ("python", python),
    ("terminal", terminal),
    ("config", settings),
    ("limits", limits),
    ("store", store),
    ("disk", disk),
    ("serial", serial),
    ("permission", permission),
    ("ball", cables),
    ("bluetooth", bluetooth),
    ("sound", sound),
    ("display", display),
)


@click.command(
    help="Check what knead needs, and say what to mend. Ends with 0 whatever it finds: `ok` of --json tells a script."
)
@click.option("--sound", "aloud", is_flag=True, help="Sound each warning, to hear it beforehand.")
@document
def doctor(aloud: bool, as_json: bool) -> None:
    paths = find_paths()
    if aloud and as_json:
        raise click.UsageError("--sound is for ears: leave --json out")
    if aloud:
        for finding in _checked("sound", _aloud, paths):
            _print(finding)
        return
    findings = [finding for name, check in CHECKS for finding in _checked(name, check, paths)]
    if as_json:
        ok = all(finding.state != "problem" for finding in findings)
        click.echo(json.dumps({"schema": 1, "ok": ok, "checks": [asdict(finding) for finding in findings]}, indent=2))
        return
    for finding in findings:
        _print(finding)


def _print(finding: Finding) -> None:
    click.echo(f"{finding.state.upper():<8}{finding.check}: {clean(finding.text)}")
    if finding.todo:
        click.echo(f"{'':<8}To do: {clean(finding.todo)}")


def _aloud(_paths: Paths) -> Iterator[Finding]:
    """Each warning is printed as it sounds."""
    from companion.cli.options import settings as held
    from companion.hearing import sound_check

    for sounded in sound_check(held()):
        if sounded.name != "end":
            click.echo(f"{sounded.name}: {sounded.text}")
        elif sounded.text:
            off = "knead config set sound on; knead config set voice on"
            todo = off if "settings" in sounded.text else "install one of those named, or see to the output device"
            yield Finding("sound", "problem", sounded.text, todo)
        else:
            yield Finding("sound", "ok", "did you hear each of them?", "if not: see the volume and the output device")


def _checked(name: str, check: Callable[[Paths], Iterator[Finding]], paths: Paths) -> list[Finding]:
    """A check that fails is itself a finding."""
    try:
        return list(check(paths))
    except (CompanionError, SessionError) as error:
        return [Finding(name, "problem", str(error), error.hint)]
    except OSError as error:
        return [Finding(name, "problem", str(error), "see the path's owner and permissions")]


def _existing(path: Path) -> Path:
    """The nearest directory that is there."""
    return next((place for place in (path, *path.parents) if place.is_dir()), Path("/"))


def _ports() -> list[Path]:
    return sorted(path for pattern in PORTS for path in Path("/dev").glob(pattern))


def _serial_group() -> tuple[str, int] | None:
    """Name and number of the group that owns the ports: that of a port there is, else the distribution's usual one."""
    import grp

    for path in _ports():
        number = path.stat().st_gid
        if number:
            return grp.getgrgid(number).gr_name, number
    for name in ("dialout", "uucp"):  # Debian and Fedora; Arch
        try:
            return name, grp.getgrnam(name).gr_gid
        except KeyError:
            continue
    return None


def _permission_hint() -> str:
    if sys.platform == "darwin":
        return "use its /dev/cu. name, and close the program that holds it"
    if sys.platform != "linux":
        return "close the program that holds the port; else unplug it, and plug it in again"
    group = _serial_group()
    return f"sudo usermod -aG {group[0] if group else 'dialout'} $USER, then log in again"
