"""Tracked runs: spooled on this machine, and sent to the server in the background."""
