"""Comparison of recorded runs: curves on one axis, figures with deltas, and what was configured."""
