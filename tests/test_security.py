"""What the app must never do: reach out, listen to others, leave what it keeps open, build a path of foreign text."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from companion.config import find_paths
from companion.cues.equipment import PLAYERS, SPEAKERS
from companion.errors import ConfigError, DeviceNotFoundError
from companion.wakeful import PROGRAMS as AWAKE
from companion.whereabouts import last_address
from sessions.errors import UnreadableError
from sessions.lock import RecordingLock
from sessions.private import make_directory, make_file
from sessions.store import Store
from tests.test_cli_main import ROOT, knead

posix = pytest.mark.skipif(os.name != "posix", reason="modes, and what a process may do")

# Read by every Python of a run as it starts, so by its children, too. Whatever would leave this computer, or let
# somebody in, is written down and refused; so is, but for Python and what makes sounds, every program that is
# started: it could do either.
WATCH = """
import os, sys

LOOPBACK = ("127.0.0.1", "::1", "localhost", "")
NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")
STARTS = {"subprocess.Popen": 0, "os.posix_spawn": 0, "os.exec": 0, "os.system": 0, "os.spawn": 1}  # and where it is
OURS = os.environ["KNEAD_STARTS"].split(os.pathsep)


def _watch(event, args):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        local = not isinstance(address, tuple) or address[0] in LOOPBACK[:2] or address == ()
        kept = address if isinstance(address, tuple) else repr(address)
    elif event in NAMES:
        host = args[0]
        host = host[0] if isinstance(host, tuple) else host
        host = host.decode() if isinstance(host, bytes) else host
        local, kept = host in LOOPBACK or host is None, host
    elif event in STARTS:
        kept = os.path.basename(os.fsdecode(args[STARTS[event]]))
        if kept in OURS or kept.startswith("python"):
            return
        local = False
    else:
        return
    with open(os.environ["KNEAD_WATCHED"], "a") as file:
        print(event, "local" if local else "BEYOND", repr(kept), file=file)
    if not local:
        raise RuntimeError(f"{event} beyond loopback: {kept!r}")


sys.addaudithook(_watch)
with open(os.environ["KNEAD_WATCHED"], "a") as file:
    print("started", file=file)
"""
STARTS = {program.argv[0] for program in (*PLAYERS, *SPEAKERS)} | {argv[0] for each in AWAKE.values() for argv in each}


@dataclass(frozen=True)
class Watched:
    """A directory from which every Python is watched."""

    home: Path

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join((str(self.home / "watch"), str(ROOT))),
            "KNEAD_WATCHED": str(self.home / "watched"),
            "KNEAD_HOME": str(self.home / "home"),
            "KNEAD_STARTS": os.pathsep.join(STARTS),
        }
        return subprocess.run(
            [sys.executable, *arguments],
            env=environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def knead(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        found = self.python("-m", "companion", *arguments)
        assert "Traceback" not in found.stderr
        return found

    def seen(self) -> list[str]:
        lines = (self.home / "watched").read_text().splitlines()
        assert "started" in lines, "nobody watched"
        return [line for line in lines if line != "started"]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    return Watched(tmp_path)


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.socket().connect(('192.0.2.1', 9))",
        "socket.socket().bind(('0.0.0.0', 0))",
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
        "socket.getaddrinfo('knead.invalid', 80)",
        "socket.gethostbyname('knead.invalid')",
        "subprocess.run(['curl', 'http://192.0.2.1'])",
        "os.system('curl http://192.0.2.1')",
        "os.execvp('curl', ['curl', 'http://192.0.2.1'])",
        "os.posix_spawn('/usr/bin/env', ['env', 'curl'], {})",
    ],
)
def test_the_watch_sees_what_it_must(watched: Watched, attempt: str) -> None:
    assert watched.python("-c", f"import os, socket, subprocess; {attempt}").returncode == 1
    (line,) = watched.seen()
    assert " BEYOND " in line


IMPORT_ALL = """
import importlib, pkgutil
import companion, firmware_protocol, sessions
count = 0
for package in (companion, firmware_protocol, sessions):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name.split(".")[-1] != "__main__":
            importlib.import_module(module.name)
            count += 1
print(count)
"""


@posix
def test_importing_every_module_reaches_nobody(watched: Watched) -> None:
    found = watched.python("-c", IMPORT_ALL)
    assert found.returncode == 0, found.stderr
    assert int(found.stdout) > 100
    assert watched.seen() == []


@posix
def test_a_whole_demo_reaches_nobody(watched: Watched) -> None:
    """The demo from end to end, and what one does after it."""
    found = watched.knead("demo", "--speed", "15")
    assert found.returncode == 0, found.stderr
    assert any(line.startswith("STOP") for line in found.stdout.splitlines())
    for arguments in (["sessions", "show"], ["devices"], ["live", "replay:last", "--speed", "max"]):
        assert watched.knead(*arguments).returncode == 0
    assert watched.seen() == []


@posix
def test_looking_for_balls_asks_this_computers_own_bluetooth_and_nobody_else(watched: Watched) -> None:
    assert watched.knead("doctor").returncode == 0
    assert watched.knead("scan", "--seconds", "0.2").returncode in (0, 5)  # 5: no Bluetooth, and no port either
    seen = watched.seen()
    assert not [line for line in seen if " BEYOND " in line]
    assert all("system_bus_socket" in line for line in seen)
    assert watched.knead("scan", "--no-bluetooth").returncode == 0
    assert len(watched.seen()) == len(seen)


@posix
def test_a_ball_on_a_socket_stays_on_this_computer(watched: Watched) -> None:
    """What the demo does where there are no pseudo-terminals."""
    code = """
import companion.balls, companion.cli
companion.balls.serve_pty = lambda ball, link, clock=None: companion.balls.serve_tcp(ball, clock=clock)
raise SystemExit(companion.cli.run(["demo", "--seconds", "6", "--speed", "10"]))
"""
    found = watched.python("-c", code)
    assert found.returncode == 0, found.stderr
    seen = watched.seen()
    assert any(line.startswith("socket.bind local ('127.0.0.1'") for line in seen)
    assert any(line.startswith("socket.connect local ('127.0.0.1'") for line in seen)
    assert not [line for line in seen if " BEYOND " in line]


# --- modes ---


def modes(root: Path) -> Iterator[tuple[str, str]]:
    for path in (root, *root.rglob("*")):
        found = path.lstat().st_mode
        yield str(path.relative_to(root)), f"{'d' if stat.S_ISDIR(found) else 'f'}{stat.S_IMODE(found):04o}"


@posix
def test_all_that_is_kept_is_its_owners_alone(tmp_path: Path) -> None:
    home = tmp_path / "above" / "home"
    before = os.umask(0)
    try:
        assert knead("config", "set", "person", "Ann", home=home).returncode == 0
        capture = home / "state" / "it.cap"
        make_directory(capture.parent)
        arguments = ("--seconds", "3", "--speed", "10", "--capture", str(capture))
        assert knead("live", "sim:calm", *arguments, home=home).returncode == 0
        assert knead("live", "--seconds", "1", "--speed", "10", home=home).returncode == 0
    finally:
        os.umask(before)
    found = dict(modes(home.parent))
    assert {name for name in found if name.endswith((".db", ".toml", ".cap", "last-ball"))} == {
        "home/data/knead.db",
        "home/config/config.toml",
        "home/state/it.cap",
        "home/state/last-ball",
    }
    open_ones = {name: mode for name, mode in found.items() if mode not in ("d0700", "f0600")}
    assert open_ones == {}


@posix
def test_a_log_that_was_copied_here_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "knead.db"
    with Store(path):
        pass
    path.chmod(0o664)
    with Store(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o400)
    make_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400, "what is taken away is not given back"


# --- paths ---


@pytest.mark.parametrize("session", ["../../etc/x", "/etc/x", "", "a/b", "0" * 40, "a\0", "..", "0193\n"])
def test_what_is_no_id_becomes_no_path(session: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError):
        RecordingLock(tmp_path / "knead.db", session)


def test_a_foreign_log_leads_nowhere_else(tmp_path: Path) -> None:
    """A session in it, left open, whose id is a path: nothing is made there, and the rest is read."""
    home = tmp_path / "home"
    assert knead("live", "sim:calm", "--seconds", "2", "--speed", "10", home=home).returncode == 0
    database = home / "data" / "knead.db"
    log = sqlite3.connect(database, isolation_level=None)
    log.execute("UPDATE session SET state = 'recording', uuid = '/../../../evil'")
    log.close()
    found = knead("sessions", "list", "--json", home=home)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["sessions"][0]["state"] == "recording"
    assert [path.name for path in tmp_path.rglob("*") if "evil" in path.name] == []


@pytest.mark.parametrize("home", ["/tmp/\x1b[2J", "/tmp/a\nb", "~nobody-of-this-name/x"])
def test_a_home_that_no_person_meant_is_refused(home: str) -> None:
    with pytest.raises(ConfigError):
        find_paths({"KNEAD_HOME": home})


@pytest.mark.parametrize(
    "arguments",
    [
        ("live", "sim:../../../etc/passwd"),
        ("live", "sim:calm\x1b[2J"),
        ("simulate", "tcp", "--scenario", "../../../etc/passwd"),
        ("sessions", "show", "../../../etc/passwd"),
        ("sessions", "delete", "--yes", "%"),
        ("live", "replay:~nobody-of-this-name/x"),
    ],
)
def test_names_lead_to_no_file(arguments: tuple[str, ...], tmp_path: Path) -> None:
    found = knead(*arguments, home=tmp_path)
    assert found.returncode in (2, 6)
    assert found.stderr.startswith("knead: ")
    assert "\x1b" not in found.stderr
    assert "root:" not in found.stderr + found.stdout


@posix
def test_a_link_of_the_users_is_not_replaced(tmp_path: Path) -> None:
    notes, link = tmp_path / "notes", tmp_path / "link"
    notes.write_text("mine")
    link.symlink_to(notes)
    found = knead("simulate", "serial", "--link", str(link), "--seconds", "1", home=tmp_path)
    assert found.returncode != 0
    assert link.readlink() == notes
    link.unlink()
    link.symlink_to(tmp_path / "gone")  # left over by a ball that is no more
    assert knead("simulate", "serial", "--link", str(link), "--seconds", "0.1", home=tmp_path).returncode == 0
    assert not link.is_symlink()


def test_a_remembered_ball_with_controls_in_it_is_forgotten(tmp_path: Path) -> None:
    paths = find_paths({"KNEAD_HOME": str(tmp_path)})
    make_directory(paths.state_dir)
    (paths.state_dir / "last-ball").write_text("serial:/dev/x\x1b]0;title\x07")
    with pytest.raises(DeviceNotFoundError):
        last_address(paths)
    shutil.rmtree(paths.state_dir)
