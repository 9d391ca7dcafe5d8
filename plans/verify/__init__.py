"""Checks of a plan, one subject a file."""
