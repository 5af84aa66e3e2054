"""Checks of what ECS jobs need: resources exist and rights suffice. Nothing is changed."""
