"""`python -m tests.fuzz [--seconds N] [--corpus DIR]`: guided by coverage, from the golden vectors; 1 on a find."""

import argparse
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from firmware_protocol.framing import MAX_MESSAGE, MIN_MESSAGE, encode_frame
from firmware_protocol.messages import REPLY
from sessions.batches import pack
from sessions.codec import encode
from tests.fuzz.drill import SPOKEN
from tests.fuzz.script import answered, framed, streamed
from tests.reliability.needs import MissingError, require
from tests.session_events import batch_of, readings

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "firmware_protocol" / "vectors.json"
FOREIGN = (
    bytes.fromhex("0108744193C276BBC70100000000"),
    bytes.fromhex("00000000000000000000007b00001100"),
    b"Reading: 12.3 g\r\nTimes,Measures\r\n1234,5.6\r\n",
)
ONE_INPUT_S, MEMORY_MB, LONGEST = 10, 2048, 1024
START_S = 60.0  # to instrument all modules, on a busy machine


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it. `failure` is empty where nothing was found."""

    inputs: int
    covered: int
    failure: str


def seed(corpus: Path) -> int:
    """Write the golden vectors, and a chunk of the log, as inputs; how many."""
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    streams = [bytes.fromhex(row["stream"]) for row in vectors["streams"]]
    said = [bytes.fromhex(row["message"]) for row in vectors["messages"]]
    messages = [message for message in said if MIN_MESSAGE <= len(message) <= MAX_MESSAGE]
    drills = [b"\0" + stream for stream in streams] + [b"\0" + encode_frame(message) for message in messages]
    drills += [b"\x80" + streamed(stream) for stream in streams]
    drills += [b"\x80" + framed(message) for message in messages]
    drills += [b"\x80" + answered(message[3:]) for message in messages if message[0] & REPLY]
    drills += [bytes((0x80 + spoken,)) + streamed(said) for spoken in range(1, len(SPOKEN)) for said in FOREIGN]
    drills.append(b"\0" + encode(pack([batch_of(each) for each in readings(1.0)])))
    for number, drill in enumerate(drills):
        (corpus / f"vector-{number:03d}").write_bytes(drill)
    return len(drills)


def fuzz(seconds: int, corpus: Path, finds: Path) -> Found:
    """Run the target for so long. What breaks a promise is kept in `finds`."""
    seed(corpus)
    options = [f"-max_total_time={seconds}", f"-timeout={ONE_INPUT_S}", f"-rss_limit_mb={MEMORY_MB}"]
    options += [f"-max_len={LONGEST}", f"-artifact_prefix={finds}/", "-print_final_stats=1"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.target", str(corpus), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds + ONE_INPUT_S + START_S,
        check=False,
    )
    inputs = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    covered = re.findall(r"cov: (\d+)", done.stderr)
    failure = "" if done.returncode == 0 else "\n".join((done.stdout + done.stderr).splitlines()[-40:])
    return Found(int(inputs[1]) if inputs else 0, int(covered[-1]) if covered else 0, failure)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="how long; 20 where changes are judged")
    parser.add_argument("--corpus", type=Path, help="kept from run to run; else a fresh one")
    given = parser.parse_args(arguments)
    try:
        require("atheris")
    except MissingError as missing:
        print(f"{missing}: pip install -e '.[fuzz]'", file=sys.stderr)
        return 1
    with TemporaryDirectory() as fresh:
        corpus = given.corpus or Path(fresh)
        corpus.mkdir(parents=True, exist_ok=True)
        found = fuzz(given.seconds, corpus, Path.cwd())
    print(f"{found.inputs} inputs, {found.covered} places covered, {'a find' if found.failure else 'no find'}")
    if found.failure:
        print(found.failure, file=sys.stderr)
    return 1 if found.failure or not found.inputs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
