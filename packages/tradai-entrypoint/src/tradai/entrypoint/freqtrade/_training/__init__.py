"""Models that FreqAI trained: recorded while they are made, measured when they are loaded again."""
