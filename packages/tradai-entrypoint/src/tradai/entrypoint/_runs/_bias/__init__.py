"""Analyses for bias among runs, and the ones that count."""
