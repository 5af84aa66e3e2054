"""Interface of the shared tier."""
