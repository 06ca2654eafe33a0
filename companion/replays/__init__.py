"""A session once more: from a capture's bytes, or from the values and events of the log.

Laws of this package: the same stages judge, with the context and the smoothing that held then. What this computer said
of itself then (its disk, its screens) is not said again. Nothing here waits for a ball, and nothing is sent.
"""
