"""Tamper evidence: what a log held, and in which order, cannot be changed unseen (trust.md 7)."""
