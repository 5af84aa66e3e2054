"""Long-lived services."""
