-- A ban names what it came from, so that a message that it cancelled is explained to the end.
ALTER TABLE {schema}.suppressions ADD COLUMN cause text NOT NULL DEFAULT '';
COMMENT ON COLUMN {schema}.suppressions.cause IS 'kind:id of the delivery, link, order or list that set it, as causes of facts; empty before this column';
