"""Getting to know a ball once, and knowing it ever after.

Laws: a ball is known by its kind and its own serial, never by an address. What it says of itself may make limits
stricter; it loosens them only where a person has confirmed it. What is not known takes the stricter value, and that is
said. Everything here is pure: fed with events, told the time, asked for the next thing to do.
"""
