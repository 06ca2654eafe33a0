"""A ball that is not there, and the person lying on it.

Laws of this package: it opens no port and reads no clock; whoever serves a virtual ball gives both. What slot i
shows depends only on the scenario, the seed, i and the scan rates asked for, never on how ticks or bytes fall.
Scenarios are data (scenarios.toml): a new one is a new table there. The wire is `firmware_protocol.ball`'s.
"""
