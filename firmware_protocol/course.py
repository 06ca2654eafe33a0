"""The course of a conversation: the states of PROTOCOL.md section 5, and what the host does in them unasked.

`Course` knows what to ask next and when silence is too long. What is heard is host.py's; it tells the course.
"""

from collections.abc import Callable

from firmware_protocol import messages as m
from firmware_protocol.conversation import Conversation, Errand
from firmware_protocol.driver import Close, DriverEvent, Phase, PhaseChanged, Profile
from firmware_protocol.greeting import Greeting
from firmware_protocol.intake import Intake
from firmware_protocol.words import closing, refused

OLDEST_VERSION = NEWEST_VERSION = m.PROTOCOL_VERSION
HELLO_TRIES = {True: (16, 0.5), False: (3, 2.0)}  # framed (serial), BLE: tries and seconds each
SILENT_S = 1.0  # LIVE to STALE
FIRST_SILENT_S = 1.5  # the same, before the first SAMPLES
ANSWERED_SILENT_S = 1.0  # STALE to STARTING: TIME was answered, but no SAMPLES came
KEEP_ALIVE_S = 10.0  # the ball closes the link after 30 s without a request
SETBACKS = 3  # the third START or HELLO running that brings no SAMPLES closes the link
TOO_BIG_S, TOO_BIG_TRIES = 1.0, 2  # START is asked again after, so many times
LISTENING = (Phase.LIVE, Phase.STALE)
DEAF = (Phase.DOWN, Phase.ENDED)


class Course:
    """Time is `now_s`, set by the owner before each call; `told` gives the events since the last time."""

    def __init__(self, *, framed: bool, first_tag: int, rate_hz: int, latency_ms: int) -> None:
        self.conversation = Conversation(framed, first_tag)
        self.greeting = Greeting()
        self.intake = Intake()
        self.phase = Phase.DOWN
        self.now_s = 0.0
        self._framed = framed
        self._rate_hz, self._latency_ms = rate_hz, latency_ms
        self._events: list[DriverEvent] = []
        self._profile: Profile | None = None  # as last told
        self._closing: Close = closing("stopped")  # what CLOSING ends with
        self._setbacks = 0  # since the last SAMPLES
        self._too_big = 0  # answers TOO_BIG to this START
        self._silent_s = 0.0  # LIVE: STALE then
        self._restart_s: float | None = None  # STALE: STARTING then

    def tell(self, *events: DriverEvent) -> None:
        self._events += events

    def told(self) -> list[DriverEvent]:
        events, self._events = self._events, []
        return events

    # Moving on

    def open(self) -> None:
        """A link is up."""
        self.conversation.restart()
        self.intake.opened()
        self._setbacks = 0
        self.greet()

    def lose(self) -> None:
        """The link is gone."""
        if self.phase is Phase.CLOSING:
            self.end(self._closing)
        elif self.phase not in DEAF:
            self._forget_asked("the link was lost")
            self._enter(Phase.DOWN)

    def greet(self) -> None:
        """GREETING: HELLO until it is answered."""
        self._forget_asked("the conversation began anew")
        self._enter(Phase.GREETING)
        tries, timeout_s = HELLO_TRIES[self._framed]
        self.conversation.ask(Errand(m.Hello(OLDEST_VERSION, NEWEST_VERSION), tries=tries, timeout_s=timeout_s))

    def check(self, hello: m.HelloReply) -> None:
        """CHECKING: who is it? The rest of the questions come by `asking`."""
        self._enter(Phase.CHECKING)
        self.conversation.ask(Errand(self.greeting.greeted(hello)))

    def asking(self, questions: list[m.Request]) -> None:
        for question in questions:
            self.conversation.ask(Errand(question))

    def start(self) -> None:
        """STARTING."""
        self._too_big = 0
        self._enter(Phase.STARTING)
        self.conversation.ask_first(Errand(m.Start(self._rate_hz, self._latency_ms)))

    def start_too_big(self, errand: Errand) -> bool:
        """START was answered TOO_BIG: once more in a moment; False: that was often enough."""
        self._too_big += 1
        if self._too_big <= TOO_BIG_TRIES:
            self.conversation.again(errand, self.now_s + TOO_BIG_S)
            return True
        return False

    def live(self) -> None:
        """LIVE: START was answered."""
        self._silent_s = self.now_s + FIRST_SILENT_S
        self._enter(Phase.LIVE)

    def scans_came(self) -> None:
        self._setbacks = 0
        self._silent_s = self.now_s + SILENT_S
        self._enter(Phase.LIVE)

    def time_told(self) -> None:
        """TIME was answered: in STALE the ball has a last second to send."""
        if self.phase is Phase.STALE and self._restart_s is None:
            self._restart_s = self.now_s + ANSWERED_SILENT_S

    def setback(self, then: Callable[[], None]) -> None:
        """Do it again; but not for ever, if no SAMPLES come in between."""
        self._setbacks += 1
        if self._setbacks < SETBACKS:
            then()
        else:
            self.end(closing("silent"))

    def change(self, errand: Errand) -> None:
        """CAL_SET, which only an idle ball takes (R31): STOP before it. After it HELLO tells what has changed."""
        self._forget_asked("the ball is being calibrated")
        self._enter(Phase.CHECKING)
        self.conversation.ask(Errand(m.Stop()))
        self.conversation.ask(errand)

    def stop(self, then: Close) -> None:
        """CLOSING: STOP if the ball may be scanning for us, then the end."""
        if self.phase in (Phase.STARTING, *LISTENING):
            self._closing = then
            self._forget_asked("the session ends")
            self._enter(Phase.CLOSING)
            self.conversation.ask(Errand(m.Stop()))
        elif self.phase not in (Phase.CLOSING, Phase.ENDED):
            self.end(then)

    def stopped(self) -> None:
        """STOP was answered, or never will be."""
        self.end(self._closing)

    def end(self, close: Close) -> None:
        """The link is to be closed: DOWN if it will be tried again, else ENDED."""
        self._forget_asked(close.text)
        self._enter(Phase.DOWN if close.retry else Phase.ENDED)
        self.tell(close)

    def given_up(self) -> None:
        """A request had no answer to its last try (R44)."""
        if self.phase is Phase.CLOSING:
            self.stopped()
        elif self.phase is Phase.GREETING:
            self.end(closing("no_ball" if self.greeting.hello is None else "silent"))
        elif self._framed:
            self.setback(self.greet)
        else:
            self.end(closing("silent"))

    # What happens by itself

    def tick(self) -> None:
        self.intake.tick(self.now_s)
        keep_alive_s = self._keep_alive_s()
        if self.phase is Phase.LIVE and self.now_s >= self._silent_s:
            self._restart_s = None
            self._enter(Phase.STALE)
            current = self.conversation.current
            if current is None or not isinstance(current.request, m.Time):
                self.conversation.ask_first(Errand(m.Time()))
        elif self.phase is Phase.STALE and self._restart_s is not None and self.now_s >= self._restart_s:
            self.setback(self.start)
        elif self.phase is Phase.LIVE and keep_alive_s is not None and self.now_s >= keep_alive_s:
            self.conversation.ask(Errand(m.Time()))

    def deadline(self) -> float | None:
        if self.phase in DEAF:
            return None
        due = [self.conversation.deadline(), self.intake.deadline()]
        if self.phase is Phase.LIVE:
            due += [self._silent_s, self._keep_alive_s()]
        elif self.phase is Phase.STALE:
            due.append(self._restart_s)
        return min((at_s for at_s in due if at_s is not None), default=None)

    def proceed(self) -> None:
        """If nothing is outstanding, ask what comes next."""
        if self.conversation.current is not None or self.phase in DEAF:
            return
        if not self.conversation.waiting:
            if self.phase is Phase.CHECKING:
                self._checked()
            elif self.phase is Phase.LIVE:
                self._improve()
        send = self.conversation.next(self.now_s)
        if send is not None:
            self.tell(send)

    def _keep_alive_s(self) -> float | None:
        return None if self.conversation.current else self.conversation.last_sent_s + KEEP_ALIVE_S

    def _checked(self) -> None:
        profile = self.greeting.profile()
        if profile != self._profile:
            self._profile = profile
            self.tell(profile)
        self.start()

    def _improve(self) -> None:
        """Slow a stream down that the ball cannot get rid of (R53); fill its holes (R50)."""
        slower_hz = self.intake.slower_hz(self._rate_hz)
        if slower_hz is not None:
            self._rate_hz = slower_hz
            self.start()
        elif (log_read := self.intake.log_read()) is not None:
            self.conversation.ask(Errand(log_read))

    def _enter(self, phase: Phase) -> None:
        if phase is not self.phase:
            self.phase = phase
            self.tell(PhaseChanged(phase, self.now_s))

    def _forget_asked(self, why: str) -> None:
        self.tell(*(refused(errand.request, None, why) for errand in self.conversation.drop()))
        self.intake.interrupted()
