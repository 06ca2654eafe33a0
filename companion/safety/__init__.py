"""What is too hard, too long or too fast, and what is said about it.

Laws of this package:
1. Pure: no clock, no file while judging, no date, no store. All it knows from outside is one `GuardContext`.
2. Fed in any split, the events are the same, bit for bit. An alert carries the time of the scan that completed it.
3. Silence is judged by `tick` alone, or by scans that come without a value. Unknown is never zero and clears nothing.
4. Limits, areas and sources are data (limits.toml), the alarm table is data (causes.py); the code follows them.
5. A stop is never ended while loaded, and stays until a person confirms it.
6. Words are plain verbs. Nothing is promised, nothing is called harmless.

Imports go downwards only: table <- limits <- causes, dose, scans <- watch <- meters, alarms <- panel, telling <- guard.
"""
