"""The processes of a deployment, one file a role; each runs until it is told to stop."""
