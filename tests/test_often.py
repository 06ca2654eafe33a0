"""What comes too often is told as a count, and none of it is forgotten; and so it is in a whole session."""

from datetime import UTC, datetime

from companion.contexts import guard_context
from companion.news import LINKS
from companion.often import ONE_BY_ONE, Often
from companion.pipeline import Pipeline
from companion.run import LiveRequest
from companion.stages import Output, Plan
from firmware_protocol.codec import encode
from firmware_protocol.driver import BallEventCode, Chunk, Send
from firmware_protocol.framing import encode_frame
from firmware_protocol.host import Host
from firmware_protocol.messages import BallEventMessage, Flags, StatusMessage
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Action, Json, Notice


def test_a_few_pass_and_the_rest_are_counted() -> None:
    often = Often[int]()
    assert [often.take("button", number, 5.0 + number / 100) for number in range(8)] == [True] * 5 + [False] * 3
    assert often.take("battery", 1, 5.1), "each kind has its own"
    assert often.deadline() == 6.0
    assert often.due(5.9) == []
    assert often.due(6.0) == [(7, 3)]
    assert often.deadline() is None


def test_a_flood_has_one_line_a_second_and_ends_with_it() -> None:
    often = Often[int]()
    told: list[tuple[int, int]] = []
    for number in range(1000):  # a hundred a second
        at_s = number / 100
        if often.take("button", number, at_s):
            told.append((number, 1))
        told += often.due(at_s)
    told += often.rest(10.0)
    assert sum(count for _, count in told) == 1000
    assert len(told) <= ONE_BY_ONE + 10
    assert often.take("button", 0, 11.5), "what comes later is news again"


class Heard:
    """A ball that is live, and what its session is told."""

    def __init__(self) -> None:
        request = LiveRequest(region="glute", side="left")
        plan = Plan(
            "me",
            "glute",
            "left",
            None,
            lambda profile: guard_context(profile, request),
            lambda at_s: datetime.fromtimestamp(at_s, UTC),
            "test",
        )
        self.line = Pipeline(Host(framed=True, first_tag=1), plan)
        self.ball = VirtualBall("calm", boot_id=3)
        self.told: list[Output] = []
        self.now_s = 0.0
        self.ball.connected(0.0)
        self.take(self.line.opened(0.0))
        self.go_on(2.0)

    def take(self, out: list[Output]) -> None:
        for item in out:
            if isinstance(item, Send):
                self.ball.feed(item.data, self.now_s)
        self.told += out

    def go_on(self, seconds: float, extra: bytes = b"") -> None:
        """`extra`: what comes in each twentieth of a second besides."""
        for _ in range(round(seconds * 20)):
            self.now_s = round(self.now_s + 0.05, 6)
            self.ball.tick(self.now_s)
            self.take(self.line.feed(Chunk("serial", self.ball.outgoing() + extra, self.now_s)))
            self.take(self.line.tick(self.now_s))

    def notices(self, kind: str) -> list[Notice]:
        return [item for item in self.told if isinstance(item, Notice) and item.kind == kind]


def said(message: BallEventMessage | StatusMessage, tag: int = 1) -> bytes:
    return encode_frame(encode(message, tag))


def count_of(notices: list[Notice]) -> int:
    counts: list[Json] = [notice.fields.get("count", 1) for notice in notices]
    return sum(count for count in counts if isinstance(count, int))


def test_a_button_that_rattles_is_counted_and_confirms_no_more_than_a_hand_could() -> None:
    heard = Heard()
    heard.go_on(3.0, said(BallEventMessage(BallEventCode.BUTTON, 255, 0, 0)) * 30)
    heard.take([*heard.line.finish(heard.now_s, "user")])
    told = heard.notices("ball_event")
    assert count_of(told) == 3 * 20 * 30
    assert len(told) <= ONE_BY_ONE + 4
    assert told[-1].text.startswith("ball: button, ")
    confirms = [item for item in heard.told if isinstance(item, Action) and item.kind == "confirm"]
    assert ONE_BY_ONE < len(confirms) <= len(told)


def test_a_ball_that_answers_and_ends_again_without_pause_does_not_fill_the_log() -> None:
    heard = Heard()
    before = len(heard.notices("link"))
    heard.go_on(5.0, said(BallEventMessage(BallEventCode.SENDING_ENDED, 255, 0, 1)))
    heard.go_on(2.0)
    told = heard.notices("link")[before:]
    assert count_of(told) > 100
    assert len(told) <= LINKS + 6
    assert told[-1].fields["state"] == "live", "the newest is always told"


def test_a_link_lost_and_made_again_is_told_step_by_step() -> None:
    heard = Heard()
    before = len(heard.notices("link"))
    heard.take(heard.line.closed(heard.now_s, "pulled"))
    heard.ball.disconnected(heard.now_s)
    heard.ball.connected(heard.now_s)
    heard.take(heard.line.opened(heard.now_s))
    heard.go_on(0.9)
    states = [notice.fields["state"] for notice in heard.notices("link")[before:]]
    assert states == ["lost", "down", "greeting", "checking", "starting", "live"]


def test_a_few_presses_are_told_one_by_one() -> None:
    heard = Heard()
    for _ in range(4):
        heard.take(heard.line.feed(Chunk("serial", said(BallEventMessage(1, 255, 0, 0)), heard.now_s)))
        heard.go_on(0.3)
    assert [notice.text for notice in heard.notices("ball_event")] == ["ball: button"] * 4


def test_of_a_flood_of_zeros_none_is_believed() -> None:
    heard = Heard()
    flood = b"".join(said(BallEventMessage(BallEventCode.TARED, 255, 0, value), value) for value in range(20))
    heard.take(heard.line.feed(Chunk("serial", flood, heard.now_s)))
    zeros = heard.notices("zero")
    assert len(zeros) == ONE_BY_ONE + 1
    assert zeros[-1].fields["trusted"] is False, "at once, not after a second"


def test_news_of_the_battery_in_a_flood_ends_with_the_newest() -> None:
    heard = Heard()
    before = len(heard.notices("status"))
    flood = b"".join(said(StatusMessage(Flags(0), 5 + n % 90, 0, 0, 0, 0), n % 256) for n in range(200))
    heard.take(heard.line.feed(Chunk("serial", flood, heard.now_s)))
    heard.go_on(1.5)
    told = heard.notices("status")[before:]
    assert len(told) <= ONE_BY_ONE + 2
    assert any(notice.fields["battery_pct"] == 5 + 199 % 90 for notice in told)
