-- Who moved before addresses were kept: an earlier one is known by what was written to it. Noes said
-- there, and the days between two campaigns, then hold at the present address as well. Profiles are
-- in there too; their digests are never those of an address.
INSERT INTO {schema}.former_addresses (contact_id, email_hmac)
SELECT DISTINCT o.contact_id, o.identity
  FROM {schema}.outreach o JOIN {schema}.contacts c USING (contact_id)
 WHERE o.identity IS DISTINCT FROM c.email_hmac AND o.identity IS DISTINCT FROM c.linkedin_hmac
ON CONFLICT (contact_id, email_hmac) DO NOTHING;
