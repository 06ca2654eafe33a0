"""A run put together: who hears an event first."""

from pathlib import Path
from typing import Any

import pytest

from companion import assembly, compose
from companion.config import load_settings
from companion.run import LiveRequest
from sessions.events import Event
from sessions.journal import JournalResult

LIMIT_S = 30.0


class Hearing:
    """An observer of any kind that writes down its name for each event."""

    def __init__(self, name: str, heard: list[str]) -> None:
        self._name, self._heard = name, heard

    def __call__(self, _event: Event) -> None:
        self._heard.append(self._name)

    def start(self) -> None:
        """Nothing begins."""

    def close(self, *_limit: float) -> JournalResult:
        return JournalResult(None, 0.0, None)


def test_a_warning_is_heard_before_it_is_written_or_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    def making(name: str) -> Any:
        return lambda *_given, **_named: Hearing(name, heard)

    monkeypatch.setattr(assembly, "cues_of", making("sound"))
    monkeypatch.setattr(assembly, "journal_of", making("log"))
    settings = load_settings({"KNEAD_HOME": str(tmp_path)}, {"awake": False})
    request = LiveRequest(address="sim:calm", seconds=2.0, speed=10.0)
    run = compose.live(request, settings, (Hearing("screen", heard),))
    run.start()
    assert run.join(LIMIT_S)
    assert len(heard) > 30
    assert heard == ["sound", "log", "screen"] * (len(heard) // 3)
