"""The JSON API: one table of operations, each of them a use case or a read model away."""
