-- Whom the tenant has erased, and who was given a copy of what is known of a contact.
-- Takes steps: each is a transaction of its own and may be repeated.

-- step: the id alone says nothing of the person, once nothing else has it
CREATE TABLE IF NOT EXISTS {schema}.erasures (
    contact_id   uuid PRIMARY KEY,
    ground       text NOT NULL,
    ordered_by   text NOT NULL,
    begun_at     timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz
);
COMMENT ON COLUMN {schema}.erasures.finished_at IS 'NULL: under way, or broken off and taken up again by the sweep';
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.erasures TO {role};

-- step: each copy counts against the quota of a day
CREATE TABLE IF NOT EXISTS {schema}.contact_exports (
    export_id    uuid PRIMARY KEY,
    contact_id   uuid NOT NULL,
    ordered_by   text NOT NULL,
    at           timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.contact_exports TO {role};

-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS contact_exports_at_idx ON {schema}.contact_exports (at);

-- step: the plans of one contact
CREATE INDEX CONCURRENTLY IF NOT EXISTS plan_contacts_contact_idx ON {schema}.plan_contacts (contact_id);
