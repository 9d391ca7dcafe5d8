-- Why a contact may be written to, and what the checks of its address said.
ALTER TABLE {schema}.contacts
    ADD COLUMN country            text,
    ADD COLUMN subscriber         text,
    ADD COLUMN consent_ground     text,
    ADD COLUMN consent_at         timestamptz,
    ADD COLUMN consent_expires_at timestamptz,
    ADD COLUMN consent_source     text,
    ADD COLUMN consent_text       text;
COMMENT ON COLUMN {schema}.contacts.country IS 'ISO 3166: US, or a part such as US-CA; NULL: nobody told';
COMMENT ON COLUMN {schema}.contacts.subscriber IS 'individual or corporate; NULL: nobody told';
CREATE INDEX contacts_linkedin_idx ON {schema}.contacts (linkedin_hmac) WHERE linkedin_hmac IS NOT NULL;

CREATE TABLE {schema}.consents (
    consent_id    bigserial PRIMARY KEY,
    contact_id    uuid NOT NULL,
    ground        text,
    at            timestamptz,
    expires_at    timestamptz,
    source        text,
    text_version  text,
    recorded_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX consents_contact_idx ON {schema}.consents (contact_id, consent_id);
COMMENT ON TABLE {schema}.consents IS 'evidence: every change of a consent; only ever added to, until the contact is erased';

CREATE TABLE {schema}.address_checks (
    address_hmac  bytea PRIMARY KEY,
    verdict       text NOT NULL DEFAULT 'unchecked' CHECK (verdict IN ('valid', 'risky', 'invalid', 'unchecked')),
    source        text NOT NULL DEFAULT '',
    checked_at    timestamptz,
    due_at        timestamptz DEFAULT '2000-01-01Z'
);
CREATE INDEX address_checks_due_idx ON {schema}.address_checks (due_at);
COMMENT ON COLUMN {schema}.address_checks.due_at IS 'when the address is looked at (again), by the clock of the plans; NULL: when a contact has it again';
INSERT INTO {schema}.address_checks (address_hmac)
SELECT DISTINCT email_hmac FROM {schema}.contacts WHERE email_hmac IS NOT NULL;
