"""The command line as a whole: help, start-up, errors as one line and a code, signals."""

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.exceptions import Exit
from click.testing import CliRunner

from companion import cli as cli_package
from companion.cli import COMMANDS, cli, run
from companion.cli.failures import exit_code, report
from companion.cli.options import ARM, SECONDS
from companion.cli.signals import Signals
from companion.cli.text import amount, clean, measured, number, place, span, table
from companion.errors import (
    CompanionError,
    ConfigError,
    DeviceBusyError,
    DeviceNotFoundError,
    LinkLostError,
    RefusedError,
    UnavailableError,
)
from firmware_protocol.errors import UnsupportedError
from sessions.errors import NotFoundError, StoreTooNewError, UnreadableError

ROOT = Path(__file__).parents[1]
HEAVY = ("numpy", "textual", "serial", "sqlalchemy", "platformdirs", "tomlkit", "asyncio", "rich", "json")


def knead(*arguments: str, home: Path, stdin: int = subprocess.DEVNULL, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "companion", *arguments],
        cwd=ROOT,
        env=os.environ | {"KNEAD_HOME": str(home)} | env,
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


# --- help and start-up ---


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_says_what_it_does(name: str) -> None:
    found = CliRunner().invoke(cli, [name, "--help"], prog_name="knead")
    assert found.exit_code == 0
    assert found.output.startswith(f"Usage: knead {name}")
    line = COMMANDS[name][1]
    assert len(line) <= 60
    assert line[:10] in CliRunner().invoke(cli, ["--help"]).output


def test_help_lists_commands_without_importing_them(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "companion", "--help"],
        cwd=ROOT,
        env=os.environ | {"KNEAD_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    imported = {line.rpartition("|")[2].strip() for line in found.stderr.splitlines() if line.startswith("import time")}
    assert found.returncode == 0
    assert "click" in imported
    assert not {name for name in imported if name.partition(".")[0] in HEAVY}
    own = {name for name in imported if name.startswith("companion.")}
    assert own <= {
        "companion.cli",
        "companion.cli.failures",
        "companion.cli.signals",
        "companion.cli.text",
        "companion.errors",
        "companion.plaintext",
    }
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["live", "demo", "sessions", "config", "completion", "scan", "doctor"])
def test_the_help_of_a_command_needs_no_engine(name: str, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "companion", name, "--help"],
        cwd=ROOT,
        env=os.environ | {"KNEAD_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    imported = {line.rpartition("|")[2].strip() for line in found.stderr.splitlines() if line.startswith("import time")}
    assert found.returncode == 0
    assert not imported & {"numpy", "textual", "serial", "sqlalchemy", "companion.compose"}


def test_alone_without_a_terminal_it_prints_help(tmp_path: Path) -> None:
    found = knead(home=tmp_path)
    assert found.returncode == 2
    assert found.stdout.startswith("Usage: knead")
    assert found.stderr == ""


def test_the_version(tmp_path: Path) -> None:
    found = knead("--version", home=tmp_path)
    assert re.fullmatch(r"knead \S.*\n", found.stdout)
    assert found.returncode == 0


def test_a_broken_config_stops_commands_but_not_help(tmp_path: Path) -> None:
    file = tmp_path / "config" / "config.toml"
    file.parent.mkdir()
    file.write_text("fps = 99\n", "utf-8")
    for arguments in (("--help",), ("live", "--help"), ("completion", "bash"), ("config", "path"), ("config", "get")):
        assert knead(*arguments, home=tmp_path).returncode == 0
    found = knead("sessions", "list", home=tmp_path)
    assert found.returncode == 2
    assert found.stderr.splitlines() == [
        f"knead: {file}: fps: 99 is not allowed",
        "  allowed is a whole number from 1 to 30",
    ]


# --- errors ---


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CompanionError("x"), 1),
        (UnsupportedError("x"), 1),
        (ConfigError("x"), 2),
        (click.UsageError("x"), 2),
        (DeviceNotFoundError("x"), 3),
        (DeviceBusyError("x"), 3),
        (LinkLostError("x"), 4),
        (UnavailableError("x"), 5),
        (NotFoundError("x"), 6),
        (UnreadableError("x"), 6),
        (StoreTooNewError("x"), 6),
        (RefusedError("x"), 7),
        (KeyError("x"), 1),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
        (BrokenPipeError(), 141),
    ],
)
def test_each_error_has_its_code_and_one_line(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(error) == exit_code(error) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = [line for line in shown.err.splitlines() if not line.startswith("  ")]
    assert len(lines) == (0 if code == 141 else 1)
    assert all(line.startswith("knead: ") for line in lines)


def test_the_hint_stands_below(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(DeviceNotFoundError("no ball\x1b[2J here", "plug it\r\nin")) == 3
    assert capsys.readouterr().err == "knead: no ball here\n  plug it in\n"


def test_leaving_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(Exit(4)) == 4
    assert report(SystemExit(5)) == 5
    assert capsys.readouterr().err == ""
    assert report(KeyboardInterrupt()) == 130


def _fault() -> None:
    raise ZeroDivisionError("x / 0")


def test_a_fault_is_one_line_and_a_trace_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli_package, "COMMANDS", {"doctor": (f"{__name__}:broken", "Breaks.")})
    monkeypatch.delenv("KNEAD_DEBUG", raising=False)
    assert run(["doctor"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("knead: unexpected error, please report it: ZeroDivisionError: x / 0\n")
    assert "Traceback" not in shown
    monkeypatch.setenv("KNEAD_DEBUG", "1")
    assert run(["doctor"]) == 1
    assert "Traceback" in capsys.readouterr().err


broken = click.Command("broken", callback=_fault)


@pytest.mark.parametrize("arguments", [["nonsense"], ["live", "--nonsense"], ["demo", "--seconds", "0"]])
def test_usage_errors_are_one_line_with_a_hint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    first, hint = capsys.readouterr().err.splitlines()
    assert first.startswith("knead: ")
    assert hint.startswith("  see knead")
    assert hint.endswith("--help")


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e9", "x"])
def test_seconds_are_above_zero_and_finite(text: str) -> None:
    with pytest.raises(click.BadParameter):
        SECONDS.convert(text, None, None)


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "601", "x"])
def test_a_countdown_is_a_number_within_bounds(text: str) -> None:
    assert ARM.convert("0", None, None) == 0
    with pytest.raises(click.BadParameter):
        ARM.convert(text, None, None)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_behind_stdout_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [sys.executable, "-m", "companion", "completion", "bash"],
            cwd=ROOT,
            env=os.environ | {"KNEAD_HOME": str(tmp_path)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert found.returncode == 1
    assert found.stderr == "knead: No space left on device\n"


def test_a_reader_that_has_gone_is_no_error_to_talk_about(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    found = subprocess.run(
        [sys.executable, "-m", "companion", "completion", "bash"],
        cwd=ROOT,
        env=os.environ | {"KNEAD_HOME": str(tmp_path)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(writer)
    assert found.returncode == 141
    assert found.stderr == ""


# --- completion ---


@pytest.mark.parametrize(("shell", "mark"), [("bash", "complete -o"), ("zsh", "#compdef knead"), ("fish", "complete ")])
def test_completion_prints_a_script(shell: str, mark: str, tmp_path: Path) -> None:
    found = knead("completion", shell, home=tmp_path, PATH="/nowhere")  # needs no shell to be there
    assert found.returncode == 0
    assert mark in found.stdout
    assert "_KNEAD_COMPLETE" in found.stdout


def test_completion_refuses_other_shells(tmp_path: Path) -> None:
    assert knead("completion", "tcsh", home=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("knead s", {"scan", "screen", "sessions", "simulate"}),
        ("knead config get f", {"fps"}),
        ("knead live --side l", {"left"}),
        ("knead live --region gl", {"glute"}),
        ("knead simulate serial --scenario show", {"showcase"}),
    ],
)
def test_words_are_completed(words: str, expected: set[str], tmp_path: Path) -> None:
    # bash needs only the names, one a line after their type.
    count = str(len(words.split()) - 1)
    found = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'knead'; from companion.__main__ import main; main()"],
        cwd=ROOT,
        env=os.environ
        | {"KNEAD_HOME": str(tmp_path), "_KNEAD_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert {line.partition(",")[2] for line in found.stdout.splitlines()} == expected


# --- signals ---


def test_the_first_signal_is_kept_and_all_are_counted() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Signals() as signals:
        assert signals.count == 0
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert signals.code == 128 + signal.SIGTERM
        assert signals.count == 2
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(os.name != "posix", reason="SIGHUP")
def test_a_signal_that_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does
    try:
        with Signals() as signals:
            signal.raise_signal(signal.SIGHUP)
            assert signals.caught is None
    finally:
        signal.signal(signal.SIGHUP, before)


# --- words ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\x", "x"),
        ("\x9b31mx", "x"),
        ("\x1b(Bx\x1bcy\x1b", "xy"),
        ("a\r\n\tb\x00c\x7f", "a b c"),
        ("a\u202eb\u2066c\u200b", "a b c"),
        ("\ud800x", "x"),
        ("x" * 400, "x" * 297 + "..."),
        ("é 球", "é 球"),
    ],
)
def test_clean_leaves_one_harmless_line(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_numbers_are_never_made_up() -> None:
    nan = float("nan")
    assert (number(None), number(nan), number(0.4), number(-0.4)) == ("unknown", "unknown", "0", "0")
    assert (measured(81.17, 72.1, "kPa"), measured(1200.4, None, "")) == ("81.2 of 72.1 kPa", "1200")
    assert (amount(None, "kPa"), amount(nan, "kPa"), amount(47.4, "kPa"), amount(3, "")) == (
        "unknown",
        "unknown",
        "47 kPa",
        "3",
    )
    assert [span(s) for s in (None, nan, 0, 59.4, 59.6, 3599, 3600, 7384)] == [
        "unknown",
        "unknown",
        "0 s",
        "59 s",
        "1 min 0 s",
        "59 min 59 s",
        "1 h 0 min",
        "2 h 3 min",
    ]
    assert (place("glute", "left"), place("glute", "both")) == ("glute left", "glute")


def test_a_table_is_aligned() -> None:
    assert table(("A", "BB"), [("aaa", "1"), ("a", "22")], right=frozenset({1})) == ["A   BB", "aaa  1", "a   22"]
