"""What the drivers of devices that speak somebody else's protocol share. Each of them is one file in `devices`.

Laws of this package: a value has the unit its device names, or is a count. A time is the device's own, or the moment
of arrival. A zero is the device's, or was taken here and is told. What is not known is told as not known.
"""
