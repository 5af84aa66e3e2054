"""Launch of a task, once: its record, its request, and the search for what became of it."""
