"""What breaks, done to the product on purpose: one module per family of faults, one row per fault.

A row counts what was lost and what was invented against the known truth, and says when a promise is broken.
`python -m tests.reliability` is the whole form; tests/test_reliability.py runs the short one.
"""
