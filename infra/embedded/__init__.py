"""PostgreSQL and Valkey under our own supervisor."""
