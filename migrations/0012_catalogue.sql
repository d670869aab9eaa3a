-- 0012 catalogue: what types of events there are, for people and for `event publish`. Nothing in the producer's transaction reads it.
--
-- Locks:        none at migration; at run time one row of the catalogue.
-- Old workers:  may keep running.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE postrider.catalogue (
    event_type text PRIMARY KEY,
    description text,
    -- A JSON Schema of the payload, and a payload as an example.
    schema json,
    example json,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_by text NOT NULL DEFAULT session_user
);

-- The types that are described.
CREATE VIEW postrider.event_types AS
SELECT c.event_type, c.description, c.schema, c.example, c.created_at, c.updated_at, c.updated_by FROM postrider.catalogue c;

-- Describes a type, or describes it better: what is NULL stays as it is. Whether the schema is one is for the command to say:
-- postrider event-type add checks it.
CREATE FUNCTION postrider.describe_event_type(
    event_type text, description text DEFAULT NULL, schema json DEFAULT NULL, example json DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_variable
BEGIN
    IF event_type IS NULL OR length(event_type) > 128 OR event_type !~ '^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$' THEN
        PERFORM postrider.refuse('event_type',
            'must be segments of A-Z, a-z, 0-9 and _ joined by dots, at most 128 characters, such as order.paid');
    ELSIF octet_length(description) > 4096 THEN
        PERFORM postrider.refuse('description', 'must be at most 4096 bytes');
    ELSIF octet_length(schema::text) > 262144 THEN
        PERFORM postrider.refuse('schema', 'must be at most 262144 bytes');
    ELSIF octet_length(example::text) > 262144 THEN
        PERFORM postrider.refuse('example', 'must be at most 262144 bytes');
    ELSIF (SELECT count(*) FROM postrider.catalogue c) >= 10000 THEN
        PERFORM postrider.refuse('event_type', 'must be one of at most 10000 that are described');
    END IF;
    INSERT INTO postrider.catalogue AS c (event_type, description, schema, example)
    VALUES (event_type, description, schema, example)
    ON CONFLICT ON CONSTRAINT catalogue_pkey DO UPDATE
    SET description = coalesce(excluded.description, c.description), schema = coalesce(excluded.schema, c.schema),
        example = coalesce(excluded.example, c.example), updated_at = clock_timestamp(), updated_by = session_user;
    PERFORM postrider.note_act('describe', 'event type ' || event_type, 1, NULL);
END
$f$;

-- Takes a type out of the catalogue; returns whether it was there. Events of it go on as before.
CREATE FUNCTION postrider.forget_event_type(event_type text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    DELETE FROM postrider.catalogue c WHERE c.event_type = forget_event_type.event_type;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM postrider.note_act('forget', 'event type ' || forget_event_type.event_type, 1, NULL);
    RETURN true;
END
$f$;

-- The types of the newest events, at most p_events of them: how many there are of each, and when the last was published. No
-- index is there for this: it would cost each producer.
CREATE FUNCTION postrider.published_types(p_events int DEFAULT 100000) RETURNS TABLE (event_type text, events bigint, last_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $f$
    SELECT n.event_type, count(*), max(n.created_at)
    FROM (SELECT o.event_type, o.created_at FROM postrider.outbox o ORDER BY o.created_at DESC, o.id DESC LIMIT least(p_events, 1000000)) n
    GROUP BY n.event_type
$f$;

REVOKE ALL ON ALL TABLES IN SCHEMA postrider FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA postrider FROM PUBLIC;
-- A producer may read what it should publish.
GRANT SELECT ON postrider.event_types TO postrider_producer, postrider_operator;
GRANT EXECUTE ON FUNCTION
    postrider.describe_event_type(text, text, json, json), postrider.forget_event_type(text), postrider.published_types(int)
TO postrider_operator;
