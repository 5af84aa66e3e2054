"""Parts of live trading that place no order: sessions, the halt latch and the watch of risks."""
