"""Widgets that draw themselves row by row. All are `Painted`, which is what keeps them fast and monochrome-proof."""
