-- How often contacts of a campaign came to a node and by which way they left it.
CREATE TABLE {schema}.passages (
    campaign_id  uuid NOT NULL,
    node         text NOT NULL,
    way          text NOT NULL,
    target       text NOT NULL,
    times        bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign_id, node, way, target)
) WITH (fillfactor = 80);
