"""Sound and speech: warnings for somebody who does not look at the screen.

Laws of this room:
1. The observer takes an event and returns. All else happens in its own thread and in one child process, which was
   started with the session: no alert waits for a program to start, for a loudspeaker or for a full queue.
2. What sounds is decided by pure code (sounding.py) from alerts and a clock that is handed in.
3. The child dies with its parent. Lost, it is started once more; whatever fails is told, and the screen stands in.
4. A pattern, a player or a speaker is added as one row of a table.

`patterns`, `equipment` and `player` run in the child: standard library only.
"""
