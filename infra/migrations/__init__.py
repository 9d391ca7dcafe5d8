"""Numbered SQL of the control schema and of each tenant schema, and the runner that brings both up to date."""
