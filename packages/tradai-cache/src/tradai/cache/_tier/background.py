"""Calls in threads of their own, which no caller waits for."""

import threading
from collections.abc import Callable


def run_in_background(call: Callable[[], object]) -> None:
    """Start `call` in a thread of its own; do nothing when the process is shutting down."""
    try:
        threading.Thread(target=call, name="tradai-cache", daemon=True).start()
    except RuntimeError:
        return
