"""Evidence in the engine's output, and the verdict on it."""
