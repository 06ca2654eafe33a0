"""Measurements of speed, size and memory: `python -m tests.benchmarks [AREA...]` prints one table.

Machines are noisy, so a figure is a ratio measured in the same run wherever a peer exists, and a median over repeats.
Each module beside this one measures one area with `figures()`. Nothing here is a test.
"""
