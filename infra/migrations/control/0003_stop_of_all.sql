-- Since when and why nothing of the whole installation leaves.
ALTER TABLE {schema}.sending ADD COLUMN paused_at timestamptz, ADD COLUMN paused_because text NOT NULL DEFAULT '';
