"""Test kit of the port of approvals: a place in memory, and the conformance suite."""
