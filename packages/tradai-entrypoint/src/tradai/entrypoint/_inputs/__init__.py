"""Inputs of a run that are elsewhere: fetched from a store into a local folder, pushed, pulled."""
