"""What to do when something arrives: use cases over ports."""
