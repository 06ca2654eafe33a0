"""The host's side of a conversation with a ball that speaks protocol v1 (PROTOCOL.md sections 5 and 6). Sans-IO.

`Host` is the driver of the native protocol: it hears the ball out, and tells course.py, which holds the states.
Tags and retries are conversation.py's, who the ball is greeting.py's, places and holes of scans intake.py's.
"""

from collections import Counter
from collections.abc import Mapping

from firmware_protocol import messages as m
from firmware_protocol.codec import decode_from_ball, encode
from firmware_protocol.conversation import BUSY_S, Errand
from firmware_protocol.course import DEAF, LISTENING, NEWEST_VERSION, OLDEST_VERSION, Course
from firmware_protocol.driver import (
    BallEvent,
    BallEventCode,
    Calibrated,
    Chunk,
    Damaged,
    DriverEvent,
    LimitInForce,
    Phase,
    PointsTold,
    RawMeans,
    Send,
)
from firmware_protocol.framing import Damaged as DamagedInput
from firmware_protocol.framing import Deframer
from firmware_protocol.greeting import status_of
from firmware_protocol.messages import Caps, Flags, IdentField
from firmware_protocol.placement import Misplaced
from firmware_protocol.words import closing, failed_start, name_of, newer_version, refused, wrong_ball
from firmware_protocol.zero import ZeroWatch

MAX_WAITING = 16  # requests of a person behind the outstanding one
MAX_T_US = 1 << 62  # 146 000 years since boot is no clock; and wide times must fit 64 signed bits where they are kept
SLOW_PERIOD_US, SLOW_LATENCY_MS = 50_000, 100  # R53: beyond these warnings come late
OFF = m.LimitSettings(False, m.Pattern.NONE, 0, 0, 0)
JOINED = (Phase.CHECKING, Phase.STARTING, *LISTENING)  # where it matters that somebody else is sending
ENDINGS = {1: "silent", 2: "fault", 3: "battery", 4: "elsewhere"}  # EVENT 10's value


class Host:
    """A `driver.Driver`. One per session, over any number of links; keeps no more than a few kilobytes.

    `framed`: serial (a stream of frames), else BLE (a message per chunk). `first_tag`: 1..255, random in earnest.
    `rate_hz`, `latency_ms` 0: the ball's default. `expect_serial` "": whichever ball answers first is the right one.
    `limit`: what the ball is to watch by itself; None switches its limit off.
    """

    def __init__(
        self,
        *,
        framed: bool,
        first_tag: int,
        rate_hz: int = 0,
        latency_ms: int = 0,
        expect_serial: str = "",
        limit: m.LimitSettings | None = None,
    ) -> None:
        self._framed = framed
        self._latency_ms = latency_ms
        self._expect_serial = expect_serial
        self._limit = limit
        self._wrong_ball = False  # it ended with one: the right one may yet be found
        self.limit_in_force: m.LimitSettings | None = None  # what the ball said, which may be lower (R34)
        self._deframer = Deframer()
        self._course = Course(framed=framed, first_tag=first_tag, rate_hz=rate_hz, latency_ms=latency_ms)
        self._zero = ZeroWatch()
        self._damage: Counter[str] = Counter()

    @property
    def damage(self) -> Mapping[str, int]:
        return self._damage

    @property
    def phase(self) -> Phase:
        return self._course.phase

    @property
    def calibration(self) -> Mapping[int, m.CalGetReply]:
        """The ball's calibration points by channel, as far as it told them."""
        return self._course.greeting.calibration

    @property
    def warnings_late(self) -> bool:
        """Scans come so rarely, or wait so long, that warnings come late (R53)."""
        return self._course.intake.period_us > SLOW_PERIOD_US or self._latency_ms > SLOW_LATENCY_MS

    def opened(self, now_s: float) -> list[DriverEvent]:
        self._course.now_s = now_s
        if self.phase is not Phase.ENDED or self._wrong_ball:
            self._wrong_ball = False
            self._deframer.reset()
            self._course.open()
        return self._told()

    def closed(self, now_s: float) -> list[DriverEvent]:
        self._course.now_s = now_s
        self._course.lose()
        return self._told()

    def feed(self, chunk: Chunk) -> list[DriverEvent]:
        self._course.now_s = chunk.arrival_s
        if self.phase not in DEAF:
            for part in self._deframer.feed(chunk.data) if self._framed else (chunk.data,):
                if isinstance(part, DamagedInput):
                    self._damaged(part.reason)
                else:
                    self._hear(part)
                    self._course.proceed()
                if self.phase in DEAF:
                    break
        return self._told()

    def tick(self, now_s: float) -> list[DriverEvent]:
        self._course.now_s = now_s
        if self.phase not in DEAF:
            match self._course.conversation.tick(now_s):
                case Send() as send:
                    self._course.tell(send)
                case Errand() as errand:
                    if not errand.own:
                        self._course.tell(refused(errand.request, None))
                    self._course.given_up()
            self._course.tick()
        return self._told()

    def ask(self, request: m.Request, now_s: float) -> list[DriverEvent]:
        """EncodeError if the wire cannot carry it. HELLO, START and LOG_READ are the host's own: ValueError."""
        if isinstance(request, m.Hello | m.Start | m.LogRead):
            raise ValueError(f"{name_of(request)} is not for others to ask")
        encode(request, 1)
        self._course.now_s = now_s
        if isinstance(request, m.Stop):
            self._course.stop(closing("stopped"))
        elif isinstance(request, m.Limits) and request.settings is not None:
            self._limit = request.settings if request.settings.enable else None
            if self.phase in LISTENING:  # else it goes with START
                self._course.conversation.ask_instead(Errand(request))
        elif self.phase not in LISTENING:
            self._course.tell(refused(request, None, "no ball is connected"))
        elif self._course.conversation.waiting >= MAX_WAITING:
            self._course.tell(refused(request, m.Status.BUSY))
        elif isinstance(request, m.CalSet):
            self._course.change(Errand(request, own=False))
        elif isinstance(request, m.Alert) and m.Pattern.FIND_ME not in (request.haptic, request.led):
            self._course.conversation.ask_instead(Errand(request))  # a warning: the newest one counts, and comes first
        else:
            self._course.conversation.ask(Errand(request, own=False))
        return self._told()

    def deadline(self) -> float | None:
        return self._course.deadline()

    def _told(self) -> list[DriverEvent]:
        self._course.proceed()
        return self._course.told()

    # What the ball says

    def _damaged(self, reason: str) -> None:
        self._damage[reason] += 1
        self._course.tell(Damaged(reason))

    def _hear(self, data: bytes) -> None:
        hello = self._course.greeting.hello
        heard = decode_from_ball(data, None if hello is None else hello.channels)
        if isinstance(heard, DamagedInput):
            self._damaged(heard.reason)
            return
        tag, message = heard
        if isinstance(message, m.SampleBatch | m.BallEventMessage | m.StatusMessage):
            self._course.intake.unsolicited(tag)
            self._unasked(message)
        elif isinstance(message, m.StartReply | m.TimeReply | m.LogReadReply) and message.t_us > MAX_T_US:
            self._damaged("value")
        elif (errand := self._course.conversation.answer(tag, message)) is None:
            self._damaged("tag")
        elif isinstance(message, m.Refusal):
            self._refused(errand, message)
        else:
            self._answered(errand, message)

    def _unasked(self, message: m.Unsolicited) -> None:
        match message:
            case m.SampleBatch():
                self._scans(message)
            case m.BallEventMessage():
                self._happened(message)
            case m.StatusMessage():
                self._state(message)

    def _scans(self, batch: m.SampleBatch) -> None:
        course = self._course
        if course.phase not in LISTENING:
            self._damaged("anchor")
            return
        placed = (course.intake.late if batch.backfill else course.intake.live)(batch, course.now_s)
        if isinstance(placed, Misplaced):
            self._damaged(placed.value)
            if placed is Misplaced.ORDER and not batch.backfill:
                course.setback(course.greet)
            return
        if not batch.backfill:
            course.scans_came()
        course.tell(placed)

    def _happened(self, event: m.BallEventMessage) -> None:
        course = self._course
        channel = None if event.channel == m.NO_CHANNEL else event.channel
        t_us = course.intake.placement.widen_time(event.t_us)
        course.tell(BallEvent(event.code, channel, t_us, event.value, course.now_s))
        if event.code == BallEventCode.TARED:
            course.tell(self._zero.changed(event.value, None, course.greeting.full_scale))
        elif event.code == BallEventCode.SENDING_ENDED and course.phase in LISTENING:
            match ENDINGS.get(event.value):
                case "silent":
                    course.setback(course.greet)
                case "elsewhere" as cause:
                    course.end(closing(cause))
                case str() as cause:
                    course.stop(closing(cause))

    def _state(self, status: m.StatusMessage) -> None:
        self._course.tell(status_of(status))
        unseen = self._zero.counted(status.zero_changes)
        if unseen is not None:
            self._course.tell(unseen)
        if status.flags & Flags.ELSEWHERE and self.phase in JOINED:
            self._course.end(closing("elsewhere"))

    def _answered(self, errand: Errand, reply: m.Reply) -> None:
        course, request = self._course, errand.request
        match reply:
            case m.HelloReply():
                self._greeted(reply)
            case m.IdentReply(text) if request == m.Ident(IdentField.SERIAL):
                self._identified(text)
            case m.CalGetReply(day, points) if isinstance(request, m.CalGet) and not errand.own:
                course.tell(PointsTold(request.channel, day, tuple((point.raw, point.newton) for point in points)))
            case m.RawReply(means):
                course.tell(RawMeans(tuple(map(float, means))))
            case m.CalSetReply(cal_crc) if isinstance(request, m.CalSet):
                course.tell(Calibrated(request.channel, cal_crc))
                course.greet()
            case m.IdentReply() | m.SensorReply() | m.CalGetReply():
                course.greeting.learn(request, reply)
            case m.TimeReply(t_us):
                course.intake.placement.saw_time(t_us)
                course.time_told()
            case m.StartReply():
                self._started(reply)
            case m.LimitsReply(settings):
                self.limit_in_force = settings
                course.tell(LimitInForce(settings))
            case m.TareReply(from_index, zero):
                index = course.intake.placement.widen_index(from_index)
                course.tell(self._zero.changed(zero, index, course.greeting.full_scale))
            case m.LogReadReply():
                course.intake.log_told(reply, course.now_s)
            case m.StopReply() if course.phase is Phase.CLOSING:
                course.stopped()

    def _greeted(self, hello: m.HelloReply) -> None:
        if OLDEST_VERSION <= hello.version <= NEWEST_VERSION:
            self._zero.booted(hello.boot_id)
            self._course.check(hello)
        else:
            self._course.end(newer_version(hello.version))

    def _identified(self, text: str) -> None:
        """The right ball is the one expected, or else the first of this session."""
        greeting = self._course.greeting
        if text and not greeting.identified(text):
            self._damaged("value")
        self._expect_serial = self._expect_serial or greeting.serial
        if greeting.serial == self._expect_serial:
            self._course.asking(greeting.questions())
        else:
            self._wrong_ball = True
            self._course.end(wrong_ball(self._expect_serial, greeting.serial))

    def _started(self, reply: m.StartReply) -> None:
        course, hello = self._course, self._course.greeting.hello
        assert hello is not None
        asked_s = course.conversation.last_sent_s
        course.tell(course.intake.start(hello.boot_id, bool(hello.caps & Caps.LOG), reply, course.now_s, asked_s))
        course.live()
        if hello.caps & Caps.LIMITS:
            course.conversation.ask_first(Errand(m.Limits(self._limit or OFF)))

    def _refused(self, errand: Errand, refusal: m.Refusal) -> None:
        course, request, status = self._course, errand.request, refusal.status
        if course.phase is Phase.CLOSING:
            course.stopped()
        elif status == m.Status.BUSY and errand.patient():
            course.conversation.again(errand, course.now_s + BUSY_S)
        elif isinstance(request, m.Hello):
            self._not_greeted(errand, refusal)
        elif status == m.Status.HELLO_FIRST:
            if not errand.own:
                course.tell(refused(request, status))
            course.setback(course.greet)
        elif isinstance(request, m.Start):
            if status != m.Status.TOO_BIG or not course.start_too_big(errand):
                course.end(failed_start(status))
        elif request == m.Ident(IdentField.SERIAL) and course.phase is Phase.CHECKING:
            self._identified("")
        elif isinstance(request, m.LogRead):
            course.intake.log_refused()
        elif isinstance(request, m.Time):
            course.time_told()  # odd, but a sign of life
        elif not errand.own or (isinstance(request, m.Limits) and self._limit is not None):
            course.tell(refused(request, status))

    def _not_greeted(self, errand: Errand, refusal: m.Refusal) -> None:
        if refusal.highest_version is not None:
            self._course.end(newer_version(refusal.highest_version))
            return
        if refusal.status == m.Status.DENIED:
            self._course.end(failed_start(refusal.status))
            return
        errand.tries -= 1
        if errand.tries > 0:
            self._course.conversation.again(errand, self._course.now_s + errand.timeout_s)
        else:
            self._course.given_up()
