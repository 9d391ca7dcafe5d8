-- What plans were accepted with. A plan may be accepted for many contacts, under a policy that changes:
-- the report of each acceptance is kept by its digest, which the log has.
CREATE TABLE {schema}.plan_reports (
    plan_hash   text NOT NULL,
    digest      text NOT NULL,
    report      bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan_hash, digest)
);
ALTER TABLE {schema}.plans DROP COLUMN report;
