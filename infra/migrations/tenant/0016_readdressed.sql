-- A mail rendered for an address that is the contact's no longer is rendered anew; one kept before
-- this column is taken for such a mail. Who said no at an address said it at every later one too.
ALTER TABLE {schema}.bodies ADD COLUMN to_email text;
COMMENT ON COLUMN {schema}.bodies.to_email IS 'the address that the mail is made out to';

CREATE TABLE {schema}.former_addresses (
    contact_id  uuid NOT NULL,
    email_hmac  bytea NOT NULL,
    left_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (contact_id, email_hmac)
);
CREATE INDEX former_addresses_hmac_idx ON {schema}.former_addresses (email_hmac);
COMMENT ON TABLE {schema}.former_addresses IS 'addresses that were a contact''s own: what a person said at them holds at the present one, too';
