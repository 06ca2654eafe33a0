"""The companion of a pressure-sensing massage ball or roller.

Laws of this package:
1. Feed anything, in any split, and the answer is the same. Stages are synchronous and read no clock.
2. The alarm waits for nobody: alerts are computed before any observer runs.
3. Silence is an alarm. Past its age a value is unknown: never zero, never the last number.
4. Nothing is lost, nothing is invented. What did not arrive is a gap with a cause.
5. Raw in, everything else derived.
6. One thing, one file.
7. The device is hostile until decoded; its text is never markup, a path or an escape.

Imports go downwards only: stages, safety <- pipeline <- engine <- compose <- tui, cli.
"""
