"""Log lines: set-up, context, and JSON that is safe to write."""
