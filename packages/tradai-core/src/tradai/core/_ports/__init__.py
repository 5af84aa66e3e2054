"""Interfaces to the outside, and the look-up of the backend that serves a URI."""
