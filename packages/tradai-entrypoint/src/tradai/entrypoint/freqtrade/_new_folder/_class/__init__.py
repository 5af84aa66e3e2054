"""The class of a moved strategy: its files, and what the configuration has to say of it."""
