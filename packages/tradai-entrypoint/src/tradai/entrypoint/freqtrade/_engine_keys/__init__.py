"""The block `engine` of a strategy configuration: further keys of the engine, by its own names."""
