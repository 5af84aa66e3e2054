"""The way of a job to its end: looks at its task, waits, and the lines of its log."""
