"""Language models that write plans, through pydantic-ai, an optional part of an installation."""
