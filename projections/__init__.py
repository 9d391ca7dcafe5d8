"""Read models: one pure function each, from a recorded fact to row changes."""
