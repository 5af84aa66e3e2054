"""JSON and YAML documents as trees of values."""
