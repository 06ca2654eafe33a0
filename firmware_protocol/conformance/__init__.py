"""Does a ball keep PROTOCOL.md? One item for each rule that can be seen from the host's end of a link. Sans-IO.

An item asks, hears and judges; what is to be mended it raises as `Mend`, in a maker's words, with the bytes. Nothing
here changes a calibration, and what the ball watches by itself is switched off at the end, as `Host` does at each
start; its zero is set anew. A moment of this computer is never held against the ball: where time is judged by arrival,
the middle of several tries counts.
"""
