"""What a plan asks of people and of other systems: changes, notices, calls of endpoints, tasks."""
