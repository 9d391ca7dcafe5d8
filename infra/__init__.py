"""The outside world: database, broker, providers, processes, command line."""
