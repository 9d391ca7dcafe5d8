"""Adapters of message providers."""
