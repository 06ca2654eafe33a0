"""The observer with its real child process, on a computer whose players only write down what they were given."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from select import select
from typing import Any

import numpy as np
import psutil
import pytest

from companion.cues.bell import Bell
from companion.cues.child import Child
from companion.cues.observer import QUEUE_MAX, Cues, Wanted
from companion.safety.limits import GuardContext
from sessions.events import Alert, Closed, Level, Notice, Phase, Reading
from tests.kit import LIMIT_S, Recorder
from tests.loudspeaker import Loudspeaker, needs_bash
from tests.tui_plays import opened

pytestmark = needs_bash()
ROOT = Path(__file__).parent.parent


def alert(level: Level, cause: str = "peak", phase: Phase = Phase.RAISED, text: str = "lighten") -> Alert:
    return Alert(1.0, cause, level, phase, None, None, "", "glute", "left", text)


def reading(kpa: float) -> Reading:
    one = np.array([kpa])
    return Reading(
        t_s=np.array([1.0]),
        cells=one[:, None],
        load=one,
        pressure_kpa=one,
        smooth_kpa=one,
        ramp_kpa_s=one,
        saturated=np.array([False]),
        unit="N",
        lost=0,
        values=np.zeros((1, 1), np.int16),
        index=0,
        t_us=0,
        span_us=0,
        segment=0,
        arrival_s=0.0,
    )


def until(done: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    """Wait for what another process does; there is nothing to be woken by."""
    end_s = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < end_s, "it never came to be so"
        time.sleep(0.005)


class Session:
    """Cues under way, and what they told."""

    def __init__(self, tmp_path: Path, *, tones: bool = True, voice: bool = True, bell: Bell | None = None) -> None:
        self.told = Recorder()
        self.cues = Cues(Wanted(tones, voice, tmp_path / "sounds"), self.told, bell)

    def start(self) -> "Session":
        self.cues.start()
        return self

    def state(self, state: str) -> Notice:
        return self.told.wait(Notice, lambda notice: notice.fields["state"] == state)


@pytest.fixture
def speaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loudspeaker:
    return Loudspeaker(tmp_path / "speaker", "aplay", "espeak-ng").use(monkeypatch)


@pytest.fixture
def session(tmp_path: Path, speaker: Loudspeaker) -> Iterator[Session]:
    made = Session(tmp_path).start()
    made.state("on")
    until(lambda: speaker.given("aplay"))  # the sound check
    yield made
    made.cues.close()


def test_what_was_found_is_told_and_tried(session: Session, speaker: Loudspeaker) -> None:
    (notice,) = session.told.of(Notice)
    assert notice.kind == "sound"
    assert notice.text == "sound by aplay, voice by espeak-ng"
    assert (notice.fields["tones"], notice.fields["voice"]) == ("aplay", "espeak-ng")
    assert [given.what for given in speaker.given()] == ["check"]


def test_a_stop_is_heard_as_tones_then_words_and_again(session: Session, speaker: Loudspeaker) -> None:
    session.cues(reading(80.0))
    session.cues(alert(Level.STOP, text="stop, come off"))
    until(lambda: len(speaker.given()) >= 5)
    assert [given.what for given in speaker.given()[1:5]] == ["stop", "stop, come off"] * 2
    first, again = (given.at_s for given in speaker.given("aplay")[1:3])
    assert again - first > 2.8, "a round takes three seconds"
    session.cues(alert(Level.STOP, phase=Phase.LATCHED))
    count = len(speaker.given())
    session.cues(alert(Level.NOTICE, cause="static"))
    until(lambda: len(speaker.given()) > count)
    assert speaker.given()[count].what == "notice", "nothing of the stop came in between"


def test_ticks_follow_the_band_and_give_way_to_a_warning(tmp_path: Path, speaker: Loudspeaker) -> None:
    told = Recorder()
    cues = Cues(Wanted(True, False, tmp_path / "sounds", ticks=True), told)
    cues.start()
    told.wait(Notice)
    until(lambda: speaker.given())
    speaker.manner("aplay:takes")
    context = GuardContext(region="glute", tool="tennis", area_cm2=12.0, screened=True, factor_k=1.0)
    cues(opened(context=context.to_json()))
    cues(reading(60.0))
    until(lambda: "tick-1" in [given.what for given in speaker.given()])
    cues(alert(Level.CAUTION))
    until(lambda: "caution" in [given.what for given in speaker.given()])
    cues(reading(150.0))
    until(lambda: "tick-4" in [given.what for given in speaker.given()])
    cues.close()
    assert [given.what for given in speaker.given()] == ["check", "tick-1", "caution", "tick-4"]


def test_all_that_plays_is_played_by_one_child(session: Session, speaker: Loudspeaker) -> None:
    """The alert path starts no program: the players' parent is the child that was there before."""
    speaker.manner("aplay:takes")
    pid = session.cues.pid
    assert pid is not None
    child = psutil.Process(pid)
    session.cues(alert(Level.CAUTION))
    until(lambda: len(speaker.given("aplay")) == 2)
    playing = [process.pid for process in child.children()]
    assert speaker.given("aplay")[1].pid in playing
    mine = {process.pid for process in psutil.Process().children(recursive=False)}
    assert mine & {pid, *playing} == {pid}


def test_danger_cuts_off_what_is_playing_and_speaking(session: Session, speaker: Loudspeaker) -> None:
    speaker.manner("aplay:takes espeak-ng:takes")
    session.cues(reading(80.0))
    session.cues(alert(Level.CAUTION))
    until(lambda: speaker.given("espeak-ng"))
    before = [speaker.given(name)[-1].pid for name in ("aplay", "espeak-ng")]
    session.cues(alert(Level.STOP, phase=Phase.ESCALATED))
    until(lambda: len(speaker.given("espeak-ng")) == 2)
    assert not any(psutil.pid_exists(pid) for pid in before), "one at a time"
    assert [given.what for given in speaker.given()][-2:] == ["stop", "stop, come off"]


def test_a_player_that_fails_gives_way_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = Loudspeaker(tmp_path / "speaker", "paplay", "aplay").use(monkeypatch)
    speaker.manner("paplay:fails")
    session = Session(tmp_path).start()
    try:
        until(lambda: speaker.given("aplay"))
        assert [given.program for given in speaker.given()] == ["paplay", "aplay"]
        notice = session.told.wait(Notice, lambda notice: notice.fields["tones"] == "aplay")
        assert notice.text == "sound by aplay, no voice"
        session.cues(alert(Level.CAUTION))
        until(lambda: len(speaker.given()) == 3)
        assert speaker.given()[2].program == "aplay", "the one that works is asked first"
    finally:
        session.cues.close()


def test_sound_that_fails_is_told_and_so_is_its_return(session: Session, speaker: Loudspeaker) -> None:
    speaker.manner("aplay:fails espeak-ng:fails")
    session.cues(reading(80.0))
    session.cues(alert(Level.CAUTION))
    notice = session.told.wait(Notice, lambda notice: not notice.fields["tones"])
    assert notice.text == "no tones, aplay: device busy, voice by espeak-ng"
    notice = session.state("failed")
    assert notice.text.endswith("watch the screen")
    assert notice.text.startswith("no sound, ")
    speaker.manner("")
    session.cues(alert(Level.STOP, phase=Phase.ESCALATED))
    found = session.told.wait_for(2, Notice, lambda notice: notice.fields["tones"] == "aplay")
    assert found[1].fields["state"] == "on"


def test_nothing_to_play_with_is_told_and_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Loudspeaker(tmp_path / "speaker").use(monkeypatch)
    session = Session(tmp_path).start()
    notice = session.state("failed")
    assert notice.text.startswith("no sound, nothing found that plays or speaks (pw-play, ")
    session.cues(alert(Level.STOP))
    assert session.cues.pid is None
    session.cues.close()


def test_a_voice_alone_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = Loudspeaker(tmp_path / "speaker", "espeak-ng").use(monkeypatch)
    session = Session(tmp_path).start()
    notice = session.state("on")
    assert notice.text.startswith("no tones, no player found (")
    assert notice.text.endswith("), voice by espeak-ng")
    session.cues(alert(Level.STOP))
    until(lambda: speaker.given())
    assert speaker.given()[0].what == "stop, come off"
    session.cues.close()


def test_what_is_not_wanted_is_not_heard(tmp_path: Path, speaker: Loudspeaker) -> None:
    session = Session(tmp_path, tones=False).start()
    assert session.state("on").text == "voice by espeak-ng"
    session.cues(alert(Level.NOTICE, text="ease off soon"))
    until(lambda: speaker.given())
    assert [given.what for given in speaker.given()] == ["ease off soon"]
    session.cues.close()
    quiet = Session(tmp_path, tones=False, voice=False).start()
    assert quiet.state("off").text == "sound is off by your settings: watch the screen"
    quiet.cues(alert(Level.STOP))
    assert quiet.cues.pid is None
    quiet.cues.close()


def test_a_player_that_dies_is_started_once_more_and_then_given_up(session: Session, speaker: Loudspeaker) -> None:
    session.cues(reading(80.0))
    session.cues(alert(Level.STOP))
    until(lambda: len(speaker.given("aplay")) == 2)
    first = session.cues.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    notice = session.state("restarted")
    assert notice.text == "the sound player stopped and was started again, sound by aplay, voice by espeak-ng"
    until(lambda: len(speaker.given("aplay")) == 3)
    assert speaker.given("aplay")[2].what == "stop", "what stands sounds with the new one"
    second = session.cues.pid
    assert second not in (None, first)
    assert second is not None
    os.kill(second, signal.SIGKILL)
    assert session.state("failed").text == "no sound, the sound player stopped twice: watch the screen"
    assert session.cues.pid is None


def test_a_player_that_hangs_is_replaced(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.cues.observer.ANSWER_S", 0.2)
    first = session.cues.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    session.cues(alert(Level.STOP))
    session.state("restarted")
    assert session.cues.pid != first


def test_a_program_that_hangs_is_told(session: Session, speaker: Loudspeaker) -> None:
    """The child's own patience, and that the channel is free again."""
    code = (
        "import sys; from companion.cues import player; player.LONGEST_S = 0.3;"
        "sys.exit(player.main(['--sounds', sys.argv[1], '--no-voice']))"
    )
    speaker.manner("aplay:hangs")
    with subprocess.Popen(
        [sys.executable, "-c", code, str(speaker.log.parent / "sounds")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b'{"n": 1, "play": "stop", "level": 4}\n')
        child.stdin.flush()
        reports = [json.loads(child.stdout.readline()) for _ in range(3)]
        assert {"channel": "tones", "works": False, "by": "", "why": "aplay hangs"} in reports
        speaker.manner("")
        child.stdin.write(b'{"n": 2, "play": "stop", "level": 4}\n')
        child.stdin.flush()
        reports = [json.loads(child.stdout.readline()) for _ in range(2)]
        assert {"channel": "tones", "works": True, "by": "aplay", "why": ""} in reports
        child.stdin.close()
        assert child.wait(LIMIT_S) == 0


def test_the_end_of_the_session_is_silence(session: Session, speaker: Loudspeaker) -> None:
    speaker.manner("aplay:takes")
    pid = session.cues.pid
    assert pid is not None
    session.cues(reading(80.0))
    session.cues(alert(Level.STOP))
    until(lambda: len(speaker.given("aplay")) == 2)
    playing = speaker.given("aplay")[1].pid
    session.cues(Closed(2.0, "user"))
    until(lambda: not psutil.pid_exists(playing) and not psutil.pid_exists(pid))
    session.cues.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("knead cues")]


def test_the_child_dies_with_its_parent(speaker: Loudspeaker, tmp_path: Path) -> None:
    """Killed outright, with a tone under way."""
    code = (
        "import sys, time; from pathlib import Path; from companion.cues.observer import Cues, Wanted;"
        "from tests.test_cues import alert; from sessions.events import Level;"
        "cues = Cues(Wanted(True, True, Path(sys.argv[1])), lambda notice: None); cues.start();"
        "cues(alert(Level.STOP)); time.sleep(60)"
    )
    speaker.manner("aplay:hangs")
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "sounds")], cwd=ROOT)
    try:
        until(lambda: speaker.given("aplay"))
        processes = psutil.Process(parent.pid).children(recursive=True)
        assert speaker.given("aplay")[0].pid in [process.pid for process in processes]
        assert len(processes) >= 2
    finally:
        parent.kill()
        parent.wait()
    gone, alive = psutil.wait_procs(processes, timeout=LIMIT_S)
    assert not alive
    assert gone


def test_a_ctrl_c_on_the_terminal_leaves_the_sound_on(session: Session, speaker: Loudspeaker) -> None:
    """The session is still being ended and saved: who lies on the ball must hear a stop till then."""
    pid = session.cues.pid
    assert pid is not None
    assert os.getsid(pid) != os.getsid(0), "the terminal's signals do not reach it"
    os.kill(pid, signal.SIGINT)
    session.cues(alert(Level.CAUTION))
    until(lambda: len(speaker.given("aplay")) == 2)
    assert session.cues.pid == pid


def test_the_engine_never_waits(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even with a child that takes nothing and a queue that is full."""
    pid = session.cues.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    slowest_s = 0.0
    for number in range(3 * QUEUE_MAX):
        event = alert(Level.STOP if number % 2 else Level.CAUTION, cause=f"cause {number % 50}")
        begin_s = time.thread_time()
        session.cues(event)
        slowest_s = max(slowest_s, time.thread_time() - begin_s)
    assert slowest_s < 0.05, "own processor time of one call"
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def test_more_than_the_queue_holds_is_counted_and_told(tmp_path: Path, speaker: Loudspeaker) -> None:
    session = Session(tmp_path)
    held = threading.Event()
    begin = session.cues._begin

    def late() -> None:
        held.wait()
        begin()

    session.cues._begin = late  # type: ignore[method-assign]  # the thread is held at its first step
    session.start()
    for _ in range(QUEUE_MAX + 7):
        session.cues(alert(Level.CAUTION))
    held.set()
    notice = session.told.wait(Notice, lambda notice: "not sounded" in notice.text)
    assert notice.text == "7 warnings were not sounded: watch the screen"
    session.cues.close()


def test_the_bell_rings_with_urgent_tones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any player, too."""
    Loudspeaker(tmp_path / "speaker").use(monkeypatch)
    read, write = os.pipe()
    session = Session(tmp_path, bell=Bell(write)).start()
    session.cues(alert(Level.NOTICE))
    session.cues(alert(Level.CAUTION))
    assert os.read(read, 10) == b"\a"
    session.cues.close()
    os.set_blocking(read, False)
    with pytest.raises(BlockingIOError):
        os.read(read, 10)
    os.close(read)
    os.close(write)


def test_a_bell_that_nobody_takes_holds_nobody() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    with suppress(BlockingIOError):
        while os.write(write, bytes(4096)):
            pass
    os.set_blocking(write, True)
    bell = Bell(write)
    for _ in range(1000):
        bell.ring()
    assert select([], [write], [], 0)[1] == [], "all came back, and still nobody has taken a byte"
    bell.close()
    os.close(read)  # lets the thread go
    os.close(write)


def test_rubbish_does_not_move_the_child(speaker: Loudspeaker, tmp_path: Path) -> None:
    reports: list[dict[str, Any] | None] = []
    child = Child(["--sounds", str(tmp_path / "sounds")], reports.append)
    for rubbish in ({"play": 7}, {"play": "../../etc/passwd", "n": 1}, {"say": ["x"]}, {"hush": 1, "level": "high"}):
        assert child.send(rubbish)
    assert child.send({"n": 5, "play": "notice", "level": 1})
    until(lambda: {"took": 5} in reports)
    until(lambda: speaker.given())
    child.close(LIMIT_S)
    assert [given.what for given in speaker.given()] == ["notice"]
    assert reports[-1] is None
    assert not child.send({"n": 6}), "gone"


def test_a_directory_that_cannot_be_written_is_replaced(speaker: Loudspeaker, tmp_path: Path) -> None:
    (tmp_path / "sounds").write_text("a file where the directory should be")
    reports: list[dict[str, Any] | None] = []
    child = Child(["--sounds", str(tmp_path / "sounds")], reports.append)
    assert child.send({"n": 1, "play": "notice", "level": 1})
    until(lambda: speaker.given())
    file = Path(speaker.log.read_text().split("\t")[-1].strip())
    assert file.name.startswith("notice-")
    child.close(LIMIT_S)
    assert not file.exists(), "nothing is left behind"


def test_the_child_imports_nothing_heavy() -> None:
    heavy = "{'numpy', 'asyncio', 'textual', 'sqlalchemy'}"
    code = f"import sys, companion.cues.player; print(*sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.split() == []
