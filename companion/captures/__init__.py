"""All that a session's pipeline was told, byte for byte, in a file of its own: `knead live --capture FILE`.

Laws of this package: the engine waits for nothing here; a thread of its own writes. What is in the file up to any
cut is whole and in order, and gives the same events again. A file that exists is never written to.
"""
