"""Guided sessions: programs as data, and the coach that leads through one.

Laws of this package:
1. A program is one TOML file. Whoever adds one adds a file, and nothing else (`library.py` reads, `check.py` judges).
2. A file that is wrong is listed with its step and reason, and never run.
3. The coach is pure: scans and events in, cues out, the same in any split. It guides to the lower of the program and
   the limits in force, counts only what lies in the band, and never stands between a scan and its warning.
4. Pause stops coach and cues, never guard or journal.
5. Words are plain and short, the most important one first. Muscles are named; nothing is promised.

Imports go downwards only: program <- reading, checking <- library; program <- view, band <- repetition, closed, loads,
progress <- telling <- lead <- coach.
"""
