"""HTTP servers that behave like the providers."""
