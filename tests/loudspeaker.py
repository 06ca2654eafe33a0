"""Players and speakers that make no sound: programs on a PATH of their own that write down what they were given."""

import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

LOG, MANNER = "KNEAD_TEST_LOG", "KNEAD_TEST_MANNER"
# bash: it starts in 2 ms, and knows the time without another program
SCRIPT = """#!{bash}
printf '%s\\t%s\\t%s\\t%s\\n' "$EPOCHREALTIME" "{name}" "$$" "${{@: -1}}" >> "${log}"
manner=" $(<"${manner}") "
case "$manner" in
  *" {name}:fails "*) echo "{name}: device busy" >&2; exit 3 ;;
  *" {name}:hangs "*) exec /bin/sleep 60 ;;
  *" {name}:takes "*) exec /bin/sleep 1.5 ;;
esac
exit 0
"""


@dataclass(frozen=True, slots=True)
class Given:
    """One call of a fake program."""

    at_s: float  # of the wall clock
    program: str
    pid: int
    what: str  # a pattern's name, or the words


class Loudspeaker:
    """The only programs that a child finds: `names`. `manner` holds words such as "aplay:fails"."""

    def __init__(self, directory: Path, *names: str) -> None:
        self.bin, self.log, self._manner = directory / "bin", directory / "log", directory / "manner"
        self.bin.mkdir(parents=True)
        self.log.touch()
        self.manner("")
        for name in names:
            path = self.bin / name
            path.write_text(SCRIPT.format(bash="/bin/bash", name=name, log=LOG, manner=MANNER))
            path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def manner(self, words: str) -> None:
        beside = self._manner.with_suffix(".new")
        beside.write_text(words)
        beside.replace(self._manner)

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.bin), LOG: str(self.log), MANNER: str(self._manner)}

    def use(self, monkeypatch: pytest.MonkeyPatch) -> "Loudspeaker":
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        return self

    def given(self, program: str = "") -> list[Given]:
        out = []
        for line in self.log.read_text().splitlines():
            at_s, name, pid, what = line.split("\t")
            pattern = Path(what).name.rsplit("-", 1)[0] if what.endswith(".wav") else what
            if not program or name == program:
                out.append(Given(float(at_s), name, int(pid), pattern))
        return out


def needs_bash() -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        sys.platform != "linux" or not Path("/bin/bash").exists(), reason="the fake players are bash scripts"
    )
