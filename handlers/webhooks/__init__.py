"""What providers report: verified, kept, answered, then read in our words."""
