"""The plan language: shape, normal form, checks, templates, pictures; pure."""
