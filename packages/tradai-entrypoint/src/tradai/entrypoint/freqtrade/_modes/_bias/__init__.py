"""Analysis of a strategy for bias, by the analyses of the engine."""
