"""The strategy configuration: its schema, its loader, differences."""
