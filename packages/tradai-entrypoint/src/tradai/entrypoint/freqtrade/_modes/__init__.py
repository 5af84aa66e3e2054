"""One handler per mode."""
