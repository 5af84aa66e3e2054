"""Port of the shared tier."""
