"""The wire between a ball and its companion: PROTOCOL.md in code.

Laws of this package: it knows no port, no loop, no clock and no other package of the project. Bytes never
raise: damage is a value. Memory is bounded whatever comes. `vectors.json` and PROTOCOL.md are checked by tests.
"""
