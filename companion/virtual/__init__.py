"""Virtual balls for others to connect to: a serial port on a pseudo-terminal, or a TCP port.

Laws of this room: a ball never waits for whoever reads it, and every buffer has an end. The ball itself is
`firmware_protocol.simulator`'s; here are only ports. `pty` needs POSIX, so nothing here imports it but its user.
"""
