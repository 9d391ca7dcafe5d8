"""Limits on how much is sent: hard counters in PostgreSQL, smoothing in Redis before them."""
