"""Every key of every screen, in one table. Plain letters where one does; nothing needs a function key or alt.

A key's name, `SCREEN.DEED`, is what it is rebound by. What it does on the screen is the screen's own action.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Key:
    """One deed of a screen and the keys that do it."""

    deed: str
    keys: str  # as Textual names them, with commas between
    action: str
    label: str = ""  # in the line at the foot; empty: only in the help
    shown: str = ""  # the key as it is written there, where its name is not it
    told: str = ""  # in the help, and in a list of what can be done; empty: the label says it
    first: bool = False  # before the widget that has the focus


_MOVES = (Key("down", "j", "move(1)", told="down"), Key("up", "k", "move(-1)", told="up"))
_ENDS = (Key("first", "g", "edge(-1)", told="to the top"), Key("last", "G", "edge(1)", told="to the end"))
_HELP = Key("help", "question_mark", "help", "Help", "?", told="this page")
_PLACES = (
    Key("to_home", "1", "go('home')", told="balls"),
    Key("to_programs", "2", "go('programs')", told="programs"),
    Key("to_sessions", "3", "go('sessions')", told="sessions"),
    Key("to_settings", "4,comma", "go('settings')", told="settings"),
    Key("to_limits", "5", "go('limits')", told="limits"),
)

TABLE: Mapping[str, tuple[Key, ...]] = {
    "app": (
        Key("leave", "ctrl+q", "leave_all", told="out, saving", first=True),
        Key("leave_twice", "ctrl+c", "leave_all_twice", told="out, pressed twice", first=True),
        Key("deeds", "colon,ctrl+p", "deeds", told="all that can be done here, by name"),
    ),
    "deeds": (
        Key("choose", "enter", "choose", "Do it", "enter"),
        Key("up", "up", "move(-1)", told="up"),
        Key("down", "down", "move(1)", told="down"),
        Key("leave", "escape", "leave", "Back", "esc"),
    ),
    "home": (
        Key("connect", "enter", "connect", "Begin", "enter", "begin a session on the chosen ball", first=True),
        Key("programs", "2", "go('programs')", "Programs"),
        Key("sessions", "3", "go('sessions')", "Sessions"),
        Key("settings", "4,comma", "go('settings')", "Settings", "4"),
        Key("pair", "p", "go('pair')", "Pair", told="get to know a new ball, or a known one anew"),
        Key("demo", "d", "demo", "Demo", told="demonstration, no hardware"),
        Key("limits", "5", "go('limits')", "Limits"),
        Key("tare", "z", "tare", "Zero", told="zero the chosen ball"),
        Key("look", "r", "look", told="look for balls again"),
        Key("sound", "t", "sound", told="play the test of the sound"),
        Key("heard", "y", "heard(True)", told="the test of the sound was heard"),
        Key("not_heard", "n", "heard(False)", told="it was not"),
        _HELP,
        Key("quit", "q", "leave", "Quit", told="out"),
        *_MOVES,
    ),
    "pair": (
        Key("go", "enter", "go_on", "Go on", "enter", "pair the chosen ball, keep it, begin a session", first=True),
        Key("yes", "y", "say_yes", "Yes", told="yes; the size is as the ball says"),
        Key("no", "n", "say_no", "No", told="no, that is another ball"),
        Key("again", "b", "again", "Buzz again", told="let it buzz again"),
        Key("skip", "s", "skip", "Skip", told="leave this step out"),
        Key("address", "t", "type_address", "Type an address", told="type an address"),
        Key("size", "a", "type_size", "Size", told="type the size: a tool, or an area"),
        Key("name", "e", "type_name", "Name", told="type a name"),
        _HELP,
        Key("leave", "escape", "leave", "Back", "esc", "give up, or back: nothing is kept", first=True),
        *_MOVES,
    ),
    "live": (
        Key("end", "q", "end", "End", told="end the session, save it, go on"),
        Key("end_twice", "escape", "end_twice", shown="esc", told="the same, pressed twice"),
        Key("tare", "z", "act('tare')", "Zero", told="zero the ball, with nothing on it"),
        Key("mark", "m", "act('mark')", "Mark", told="set a mark"),
        Key("symptom", "s", "act('symptom')", "Pain/numb", told="pain, numb or tingling: a stop"),
        Key("silence", "x", "act('silence')", "Mute", told="sound off for a minute"),
        Key("pause", "space", "act('pause')", "Pause", "space", "pause the program and its cues, or go on"),
        Key("next", "n", "act('next')", "Next", told="next step"),
        Key("back", "b", "act('back')", told="the step before"),
        *(Key(f"pain_{score}", str(score), f"pain({score})", told=f"pain is {score} of 10") for score in range(10)),
        Key("pain_10", "t", "pain(10)", told="pain is 10 of 10"),
        Key("words", "w", "words", told="what was said at the start, again"),
        Key("far", "f", "far", "Far", told="far view, and back"),
        _HELP,
    ),
    "danger": (Key("silence", "x", "silence", "Sound off", told="sound off for a minute"),),
    "sessions": (
        Key("open", "enter", "open", "Open", "enter", "look at the session", first=True),
        Key("filter", "slash", "filter", "Find", "/", "find sessions"),
        Key("sort", "o", "sort", "Sort", told="another order"),
        Key("select", "space", "select", "Select", "space", "select, to compare"),
        Key("compare", "c", "compare", "Compare", told="compare those selected"),
        Key("ask_delete", "delete,backspace", "ask_delete", "Delete", "del", "delete a session, then y"),
        Key("trends", "t", "trends", "Trends", told="trends of the last weeks"),
        Key("export", "e", "export", "Export", told="write those selected, or this one, to a file"),
        Key("undo", "u", "undo", told="bring a deleted one back"),
        Key("home", "1", "home", told="balls"),
        _HELP,
        Key("leave", "q,escape", "leave", "Back", "q", "back"),
        Key("delete", "y", "delete", told="yes, delete it"),
        *_MOVES,
    ),
    "detail": (
        Key("pan_left", "left", "pan(-0.25)", told="move along the plot", first=True),
        Key("pan_right", "right", "pan(0.25)", told="move along the plot", first=True),
        Key("zoom_in", "plus,equals_sign", "zoom(0.5)", "Zoom", "+ -", "zoom in"),
        Key("zoom_out", "minus", "zoom(2.0)", told="zoom out"),
        Key("fit", "0", "fit", "Whole", told="the whole session"),
        Key("next_step", "right_square_bracket", "jump('step', 1)", "Step", "[ ]", "next step"),
        Key("last_step", "left_square_bracket", "jump('step', -1)", told="the step before"),
        Key("next_mark", "m", "jump('mark', 1)", "Mark", told="next mark"),
        Key("last_mark", "M", "jump('mark', -1)", told="the mark before"),
        Key("next_alert", "a", "jump('alert', 1)", "Alert", told="next warning"),
        Key("last_alert", "A", "jump('alert', -1)", told="the warning before"),
        Key("note", "n", "note", "Note", told="write a note"),
        Key("export", "e", "export", "Export", told="write it to a file: a table, a document, a report"),
        Key("next_gap", "g", "jump('gap', 1)", "Gap", told="next gap"),
        Key("last_gap", "G", "jump('gap', -1)", told="the gap before"),
        Key("pain", "p", "pain", "Pain", told="write the pain before and after"),
        Key("tags", "t", "tags", told="write tags"),
        Key("mark", "i", "mark", told="set a mark in the middle"),
        Key("ask_delete", "delete", "ask_delete", told="delete the session, then y"),
        Key("delete", "y", "delete", told="yes, delete it"),
        Key("home", "1", "home", told="balls"),
        _HELP,
        Key("accept", "enter", "accept", told="write what was typed", first=True),
        Key("leave", "q,escape", "leave", "Back", "q", "back"),
        Key("down", "j", "scroll(1)", told="down"),
        Key("up", "k", "scroll(-1)", told="up"),
    ),
    "compare": (
        Key("turn", "tab", "turn", "Overlay/Trends", "tab", "the curves, or the trends", first=True),
        Key("align", "a", "align", "Align", told="align on another moment"),
        Key("weeks", "w", "weeks", "Weeks", told="another number of weeks"),
        *(Key(f"hide_{number + 1}", str(number + 1), f"hide({number})", told="hide a curve") for number in range(5)),
        _HELP,
        Key("leave", "q,escape", "leave", "Back", "q", "back"),
        Key("down", "j", "scroll(1)", told="down"),
        Key("up", "k", "scroll(-1)", told="up"),
    ),
    "help": (
        Key("leave", "q,escape,question_mark", "leave", "Back", "q", "back"),
        Key("down", "j,down", "scroll(1)", "Down", "down"),
        Key("up", "k,up", "scroll(-1)", "Up", "up"),
        Key("page", "space,pagedown", "page(1)", "Page", "space"),
        Key("page_up", "b,pageup", "page(-1)", told="a page up"),
    ),
    "programs": (
        Key("start", "enter", "start", "Start", "enter", "begin the program on the chosen ball", first=True),
        Key("left", "l", "side('left')", told="left side"),
        Key("right", "r", "side('right')", told="right side"),
        Key("both", "b", "side('both')", told="both sides, one after the other"),
        Key("side", "left,right", "turn_side", "Side", "l r b", "another side", first=True),
        Key("more", "space,pagedown", "more", "More", "space", "more of the text"),
        *_PLACES[:1],
        *_PLACES[2:],
        _HELP,
        Key("leave", "q,escape", "leave", "Back", "q", "back"),
        *_MOVES,
        *_ENDS,
    ),
    "settings": (
        Key("accept", "enter", "accept", "Change", "enter", "the next value, or write what was typed", first=True),
        Key("next_value", "right", "turn(1)", told="the next value", first=True),
        Key("last_value", "left", "turn(-1)", told="the value before", first=True),
        Key("type", "e", "type", "Type", told="type a value"),
        Key("reset", "r", "reset", "Default", told="forget it: the default holds again"),
        Key("limits", "5", "go('limits')", "Limits"),
        *_PLACES[:3],
        _HELP,
        Key("leave", "q,escape", "leave", "Back", "q", "back"),
        *_MOVES,
        *_ENDS,
    ),
    "limits": (
        Key("accept", "enter", "accept", "Set", "enter", "set the limit, or write what was typed", first=True),
        Key("lower", "minus", "lower", "Lower", "-", "lower the limit by a twentieth"),
        Key("work", "w", "limit(True)", "Work", told="set the top of the working range"),
        Key("reset", "r", "reset", "Reset", told="back to the published limit"),
        Key("beside", "b", "beside", "Body, sources", told="whole body, days, blocked sites, sources"),
        Key("settings", "4,comma", "go('settings')", told="settings"),
        *_PLACES[:3],
        _HELP,
        Key("leave", "q,escape", "leave", "Back", "q", "back"),
        *_MOVES,
        *_ENDS,
    ),
    "after": (
        *(Key(f"score_{score}", str(score), f"score({score})", told=f"pain now {score}") for score in range(10)),
        Key("score_10", "x", "score(10)", "Ten", told="pain now, ten"),
        Key("less", "left,minus", "step(-1)", told="one less"),
        Key("more", "right,plus", "step(1)", told="one more"),
        Key("keep", "enter", "keep", "Save", "enter", "write the score, and go on", first=True),
        Key("before", "b", "before", "Before", told="write the pain before"),
        Key("note", "n", "note", "Note", told="write a note"),
        Key("tags", "t", "tags", "Tags", told="write tags"),
        Key("open", "o", "open", "Look", told="look at the whole session"),
        _HELP,
        Key("leave", "escape,q", "leave", "Skip", "esc", "go on without a score"),
    ),
    "questions": (
        Key("yes", "y", "answer('y')", "Yes"),
        Key("no", "n", "answer('n')", "No"),
        Key("side", "l,r,b,u", "none", told="left, right, both, unknown"),
        Key("rest", "a", "rest", "No to this part"),
        Key("up", "up,k", "move(-1)", "Up", "up"),
        Key("down", "down,j", "move(1)", "Down", "down"),
        Key("keep", "enter", "keep", "Done", "enter"),
        Key("skip", "escape", "skip", "Skip", "esc"),
    ),
}


def name_of(bindings: Iterable[BindingType]) -> str:
    """Of the screen that has these."""
    ids = (binding.id or "" for binding in bindings if isinstance(binding, Binding))
    return next(iter(ids), "").partition(".")[0]


def bindings(screen: str) -> list[BindingType]:
    """What a screen's `BINDINGS` are."""
    return [
        Binding(
            key.keys,
            key.action,
            key.label or key.told,
            show=bool(key.label),
            key_display=key.shown or None,
            priority=key.first,
            id=f"{screen}.{key.deed}",
        )
        for key in TABLE[screen]
    ]
