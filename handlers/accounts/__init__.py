"""What people, time and providers ask of sender accounts."""
