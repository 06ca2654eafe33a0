"""What a press of the ball's button means."""

from sessions.events import Action

LONG = 2  # it sets the zero (PROTOCOL.md, BALL_EVENT 1)


def pressed_button(value: int, *, stopped: bool) -> Action | None:
    """While a stop stands, that it was understood; else that something hurts, is numb or tingles."""
    if stopped:
        return Action("confirm", {"by": "button"})
    return None if value == LONG else Action("symptom", {"by": "button"})
