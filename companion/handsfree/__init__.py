"""Hands-free: the ball itself as the only control, for somebody who lies on it and reaches no key.

Laws of this room:
1. Pressure in, notices and actions out, scan by scan: any split gives the same. No clock, no device, no screen.
2. The guard is not asked and not told to wait: it runs before, always. Nothing here ends a session under load.
3. What is heard through the ball is heard only while it is unloaded, so that lying on it is never taken for an answer.
4. A time that is measured here is measured time: what did not arrive is neither contact nor absence.
"""
