"""Numbered SQL of the control schema and of each tenant schema, and what applies it."""
