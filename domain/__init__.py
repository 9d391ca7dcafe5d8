"""What may happen: facts, state and decisions of outreach; pure."""
