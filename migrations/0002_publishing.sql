-- 0002 publishing: what happens inside the producer's transaction.
--
-- Locks:        CREATE TRIGGER takes SHARE ROW EXCLUSIVE on the outbox for an instant.
-- Old workers:  may keep running.
--
-- Everything here must be total: an error would abort the producer's business transaction. The only errors raised are for
-- what the producer wrote wrong. No shared row is locked, nothing notifies, no payload is parsed.

SET LOCAL search_path = pg_catalog, pg_temp;

-- The names of headers that neither an event nor an endpoint may set: a regular expression for lower-case names. Swift has the
-- same list in ReservedHeader.swift; a test compares the two.
CREATE FUNCTION postrider.reserved_headers() RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT 'host|content-length|content-type|content-encoding|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|'
        'accept-encoding|user-agent|traceparent|http2-settings|proxy-.*|webhook-.*'
$f$;

-- Which rule a header of an event or of an endpoint breaks; NULL if none. Swift has the same rules in HeaderField.swift. The
-- words never repeat the value: it may be a credential.
CREATE FUNCTION postrider.header_rule(p_name text, p_value text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT CASE
        WHEN p_name !~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]{1,128}$'
            THEN 'is not a header name of 1 to 128 letters, digits and hyphens'
        WHEN p_name ~* ('^(' || postrider.reserved_headers() || ')$') THEN 'is reserved'
        WHEN p_value !~ '^[\x20-\x7e\t]*$' THEN 'must have a value of visible ASCII'
        WHEN p_value ~ '^[ \t]*$' THEN 'has no value'
        WHEN octet_length(p_name) + octet_length(btrim(p_value, E' \t')) > 4096 THEN 'is longer than 4096 bytes'
    END
$f$;

-- Which rule the headers of an event break; NULL if none.
CREATE FUNCTION postrider.event_headers_rule(p_headers jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_rule text; v_bytes bigint;
BEGIN
    IF jsonb_typeof(p_headers) <> 'object' THEN
        RETURN 'must be an object of at most 32 names with text values';
    END IF;
    IF (SELECT count(*) > 32 OR bool_or(jsonb_typeof(h.value) <> 'string') FROM jsonb_each(p_headers) AS h) THEN
        RETURN 'must be an object of at most 32 names with text values';
    END IF;
    SELECT format('must not hold %L: it %s', left(b.key, 100), b.rule) INTO v_rule
    FROM (SELECT h.key, coalesce(postrider.header_rule(h.key, h.value), CASE
              WHEN h.value ~ '^ | $|\t' THEN 'begins or ends with a space, or holds a tab' END) AS rule
          FROM jsonb_each_text(p_headers) AS h) b
    WHERE b.rule IS NOT NULL LIMIT 1;
    IF FOUND THEN
        RETURN v_rule;
    END IF;
    SELECT format('must not hold %L twice', min(h.key)) INTO v_rule FROM jsonb_object_keys(p_headers) AS h (key)
    GROUP BY lower(h.key COLLATE "C") HAVING count(*) > 1 LIMIT 1;
    IF FOUND THEN
        RETURN v_rule;
    END IF;
    -- As they stand on the wire, each with a colon, a space and a line break.
    SELECT sum(octet_length(h.key) + octet_length(h.value) + 4) INTO v_bytes FROM jsonb_each_text(p_headers) AS h;
    RETURN CASE WHEN v_bytes > 16384 THEN format('must be at most 16384 bytes together, these have %s', v_bytes) END;
END
$f$;

-- Runs only for a row that breaks a rule (the trigger's WHEN has already said so): finds the rule and names it. One kind of
-- good row comes here too: with headers of more than 4096 bytes, which WHEN cannot measure one by one. With the owner's
-- rights, since a producer may not call the functions above.
CREATE FUNCTION postrider.reject_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_column text; v_rule text;
BEGIN
    IF NEW.event_type IS NULL THEN
        v_column := 'event_type'; v_rule := 'is required';
    ELSIF length(NEW.event_type) > 128 OR NEW.event_type !~ '^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$' THEN
        v_column := 'event_type';
        v_rule := 'must be segments of A-Z, a-z, 0-9 and _ joined by dots, at most 128 characters, such as order.paid';
    ELSIF NEW.payload IS NULL AND NEW.body IS NULL THEN
        v_column := 'payload'; v_rule := 'or body must be given';
    ELSIF NEW.payload IS NOT NULL AND NEW.body IS NOT NULL THEN
        v_column := 'payload'; v_rule := 'and body must not both be given';
    ELSIF octet_length(NEW.payload::text) > 262144 THEN
        v_column := 'payload';
        v_rule := format('must be at most 262144 bytes, this one has %s', octet_length(NEW.payload::text));
    ELSIF octet_length(NEW.body) > 262144 THEN
        v_column := 'body'; v_rule := format('must be at most 262144 bytes, this one has %s', octet_length(NEW.body));
    ELSIF NEW.content_type IS NOT NULL AND NEW.body IS NULL THEN
        v_column := 'content_type'; v_rule := 'goes with body; a payload is always application/json';
    ELSIF octet_length(NEW.content_type) > 200
        OR NEW.content_type !~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]+/[!#$%&''*+.^_`|~0-9A-Za-z-]+ *(;[\x20-\x7e]*)?$' THEN
        v_column := 'content_type';
        v_rule := 'must be at most 200 bytes of visible ASCII like application/xml or text/plain; charset=utf-8';
    ELSIF octet_length(NEW.ordering_key) NOT BETWEEN 1 AND 512 THEN
        v_column := 'ordering_key'; v_rule := 'must be 1 to 512 bytes';
    ELSIF octet_length(NEW.idempotency_key) NOT BETWEEN 1 AND 512 THEN
        v_column := 'idempotency_key'; v_rule := 'must be 1 to 512 bytes';
    ELSIF octet_length(NEW.endpoint) NOT BETWEEN 1 AND 800 THEN
        v_column := 'endpoint'; v_rule := 'must be 1 to 800 bytes, the name of an endpoint';
    ELSIF NEW.tenant IS NULL OR octet_length(NEW.tenant) > 512 THEN
        v_column := 'tenant'; v_rule := 'must be at most 512 bytes and not NULL';
    ELSIF NEW.deliver_after IN ('infinity', '-infinity') THEN
        v_column := 'deliver_after'; v_rule := 'must be a finite time';
    ELSIF NEW.expires_at IN ('infinity', '-infinity') THEN
        v_column := 'expires_at'; v_rule := 'must be a finite time';
    ELSIF NEW.traceparent !~ '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' THEN
        v_column := 'traceparent'; v_rule := 'must be a W3C trace context, version-trace-parent-flags in lower-case hex';
    ELSE
        v_column := 'headers'; v_rule := postrider.event_headers_rule(NEW.headers);
        IF v_rule IS NULL THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'check_violation', SCHEMA = 'postrider', TABLE = 'outbox', COLUMN = v_column,
        MESSAGE = format('postrider.outbox: %s %s', v_column, v_rule);
END
$f$;

-- The rules stand in WHEN, which the executor evaluates natively: a good row never enters PL/pgSQL. Only built-in
-- functions, because WHEN runs with the producer's rights. The name makes it fire first. The list of reserved
-- headers is put in as text.
DO $do$
BEGIN
    EXECUTE replace($t$
CREATE TRIGGER outbox_1_reject BEFORE INSERT ON postrider.outbox FOR EACH ROW
WHEN (
    NEW.event_type IS NULL OR length(NEW.event_type) > 128
    OR NEW.event_type !~ '^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$'
    OR num_nonnulls(NEW.payload, NEW.body) <> 1
    OR octet_length(NEW.payload::text) > 262144 OR octet_length(NEW.body) > 262144
    OR (NEW.content_type IS NOT NULL AND (NEW.body IS NULL OR octet_length(NEW.content_type) > 200
        OR NEW.content_type !~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]+/[!#$%&''*+.^_`|~0-9A-Za-z-]+ *(;[\x20-\x7e]*)?$'))
    OR octet_length(NEW.ordering_key) NOT BETWEEN 1 AND 512
    OR octet_length(NEW.idempotency_key) NOT BETWEEN 1 AND 512
    OR octet_length(NEW.endpoint) NOT BETWEEN 1 AND 800
    OR NEW.tenant IS NULL OR octet_length(NEW.tenant) > 512
    OR NEW.deliver_after IN ('infinity', '-infinity') OR NEW.expires_at IN ('infinity', '-infinity')
    OR NEW.traceparent !~ '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$'
    -- `strict`, because the lax mode looks into arrays and would take ["a"] for "a".
    OR (NEW.headers IS NOT NULL AND (
        jsonb_typeof(NEW.headers) <> 'object'
        OR octet_length(NEW.headers::text) > 4096
        OR jsonb_path_exists(NEW.headers, 'strict $.* ? (@.type() != "string")')
        OR jsonb_path_exists(NEW.headers, '$.* ? (!(@ like_regex "^[\\x21-\\x7e]([\\x20-\\x7e]*[\\x21-\\x7e])?$"))')
        OR jsonb_path_exists(NEW.headers, '$.keyvalue().key ? (!(@ like_regex "^[!#$%&''*+.^_`|~0-9A-Za-z-]{1,128}$"))')
        OR jsonb_path_exists(NEW.headers, '$.keyvalue().key ? (@ like_regex "^(@reserved@)$" flag "i")')
        OR jsonb_array_length(jsonb_path_query_array(NEW.headers, '$.keyvalue().key')) > 32
        -- A name twice in different letter case is there once when all is in lower case.
        OR jsonb_array_length(jsonb_path_query_array(NEW.headers, '$.keyvalue().key'))
            <> jsonb_array_length(jsonb_path_query_array(lower(NEW.headers::text COLLATE "C")::jsonb, '$.keyvalue().key'))))
)
EXECUTE FUNCTION postrider.reject_event()
$t$, '@reserved@', postrider.reserved_headers());
END
$do$;

-- A second event with the same (tenant, idempotency_key) is not stored: the insert is skipped without an error. While
-- the first one's transaction is open, the second waits for its end, as a unique index must.
CREATE FUNCTION postrider.skip_known_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_fingerprint bytea := sha256(convert_to(NEW.event_type || ' ', 'UTF8')
                                  || coalesce(NEW.body, convert_to(NEW.payload::text, 'UTF8')));
    v_known bytea;
BEGIN
    INSERT INTO postrider.idempotency_keys (tenant, idempotency_key, event_id, event_at, fingerprint)
    VALUES (NEW.tenant, NEW.idempotency_key, NEW.id, NEW.created_at, v_fingerprint)
    ON CONFLICT (tenant, idempotency_key) DO NOTHING;
    IF FOUND THEN
        RETURN NEW;
    END IF;
    SELECT k.fingerprint INTO v_known FROM postrider.idempotency_keys k
    WHERE k.tenant = NEW.tenant AND k.idempotency_key = NEW.idempotency_key;
    IF v_known <> v_fingerprint THEN
        RAISE WARNING 'postrider.outbox: this idempotency_key belongs to an event with other content; the new event is not stored';
    END IF;
    RETURN NULL;
END
$f$;
CREATE TRIGGER outbox_2_skip_known BEFORE INSERT ON postrider.outbox FOR EACH ROW
WHEN (NEW.idempotency_key IS NOT NULL) EXECUTE FUNCTION postrider.skip_known_event();

-- The patterns that match an event type: order.paid.late → {*, order.paid.late, order.*, order.paid.*}. Events of the outbox about itself,
-- which begin with postrider., are for those only who ask for them: * does not match them.
CREATE FUNCTION postrider.patterns_matching(event_type text) RETURNS text[]
-- RETURN: what its names mean is settled when it is made, which costs callers less than a SET at each call.
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN starts_with(event_type, 'postrider.') THEN ARRAY[event_type] ELSE ARRAY['*', event_type] END || ARRAY(
    SELECT array_to_string(p.parts[1:n], '.') || '.*'
    FROM (SELECT string_to_array(event_type, '.') AS parts) p, generate_series(1, cardinality(p.parts) - 1) AS n);

-- One delivery per matching endpoint. One pass over the new rows with index look-ups for each: the plan is cached with
-- the row count that came first, so a shape that is right for one row must be right for a million (a join of new_events
-- with anything could become quadratic). Rows are made in the order of the events' ids: within a key that is the order
-- of delivery.
CREATE FUNCTION postrider.fan_out() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes, ordering_key)
    -- At its expiry at the latest, so that it is seen to expire. LEAST and GREATEST pass over NULL.
    SELECT least(greatest(clock_timestamp(), n.deliver_after),
                 CASE WHEN n.expires_at IS NOT NULL THEN greatest(clock_timestamp(), n.expires_at) END),
           n.id, n.created_at, owed.endpoint_id,
           coalesce(octet_length(n.body), octet_length(n.payload::text)), n.ordering_key
    FROM new_events n
    CROSS JOIN LATERAL (
        SELECT DISTINCT s.endpoint_id FROM postrider.subscriptions s
        WHERE n.endpoint IS NULL AND s.tenant = n.tenant
            AND s.pattern = ANY (postrider.patterns_matching(n.event_type))
        UNION ALL
        SELECT e.id FROM postrider.endpoints e
        WHERE n.endpoint IS NOT NULL AND e.name = n.endpoint AND e.tenant = n.tenant AND e.state <> 'removed') owed
    ORDER BY n.id;
    RETURN NULL;
END
$f$;
CREATE TRIGGER outbox_3_fan_out AFTER INSERT ON postrider.outbox REFERENCING NEW TABLE AS new_events
FOR EACH STATEMENT EXECUTE FUNCTION postrider.fan_out();

-- Publishes an event of the outbox about itself, under the tenant ''; none where no endpoint asks for it. It locks nothing but what any producer
-- does.
CREATE FUNCTION postrider.announce(p_type text, p_payload jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF EXISTS (SELECT FROM postrider.subscriptions s
               WHERE s.tenant = '' AND s.pattern = ANY (postrider.patterns_matching(p_type))) THEN
        INSERT INTO postrider.outbox (event_type, payload) VALUES (p_type, jsonb_strip_nulls(p_payload)::json);
    END IF;
END
$f$;

-- Whether an event is one of the outbox about itself. A failure to deliver one publishes none.
CREATE FUNCTION postrider.is_own_event(p_event bigint, p_event_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
    SELECT coalesce((SELECT starts_with(o.event_type, 'postrider.') AND o.tenant = '' FROM postrider.outbox o
                     WHERE o.created_at = p_event_at AND o.id = p_event), false)
$f$;

-- The same insert for those who want the ids back: a producer's role may not read the outbox, so no RETURNING there.
CREATE FUNCTION postrider.publish(
    event_type text, payload json DEFAULT NULL, body bytea DEFAULT NULL, content_type text DEFAULT NULL,
    ordering_key text DEFAULT NULL, idempotency_key text DEFAULT NULL, endpoint text DEFAULT NULL,
    tenant text DEFAULT '', headers jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL,
    expires_at timestamptz DEFAULT NULL, traceparent text DEFAULT NULL,
    OUT event_id bigint, OUT webhook_id text, OUT reused boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_variable
DECLARE
    v_event_at timestamptz;
    v_ended text;
BEGIN
    reused := false;
    INSERT INTO postrider.outbox AS o (event_type, payload, body, content_type, ordering_key, idempotency_key, endpoint,
                                       tenant, headers, deliver_after, expires_at, traceparent)
    VALUES (event_type, payload, body, content_type, ordering_key, idempotency_key, endpoint,
            tenant, headers, deliver_after, expires_at, traceparent)
    RETURNING o.id, o.created_at INTO event_id, v_event_at;
    IF event_id IS NULL THEN
        reused := true;
        SELECT k.event_id, k.event_at INTO event_id, v_event_at FROM postrider.idempotency_keys k
        WHERE k.tenant = publish.tenant AND k.idempotency_key = publish.idempotency_key;
        -- The key stays taken. Two index look-ups, for a producer waits: event_state() tells all, and costs more.
        SELECT format('%s since %s', ended.status, date_trunc('second', ended.at)) INTO v_ended FROM (
            SELECT c.status, c.closed_at AS at FROM postrider.closed c WHERE c.event_id = publish.event_id AND c.event_at = v_event_at
            UNION ALL
            SELECT 'dead', x.dead_at FROM postrider.dead x WHERE x.event_id = publish.event_id AND x.event_at = v_event_at
            LIMIT 1) ended;
        IF FOUND THEN
            RAISE NOTICE 'this idempotency_key belongs to event %, which is %; the new event is not stored', event_id, v_ended;
        END IF;
    END IF;
    webhook_id := postrider.webhook_id(v_event_at, event_id);
END
$f$;

-- The same for a payload of type jsonb, which programs often have at hand; it is sent as jsonb writes it. PostgreSQL takes a literal for
-- text where it could be json or jsonb, so there is one for text too, which keeps the bytes.
DO $make$
DECLARE
    v_type text;
BEGIN
    FOREACH v_type IN ARRAY ARRAY['jsonb', 'text'] LOOP
        EXECUTE format($t$
CREATE FUNCTION postrider.publish(
    event_type text, payload %s, body bytea DEFAULT NULL, content_type text DEFAULT NULL,
    ordering_key text DEFAULT NULL, idempotency_key text DEFAULT NULL, endpoint text DEFAULT NULL,
    tenant text DEFAULT '', headers jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL,
    expires_at timestamptz DEFAULT NULL, traceparent text DEFAULT NULL,
    OUT event_id bigint, OUT webhook_id text, OUT reused boolean)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT p.event_id, p.webhook_id, p.reused
    FROM postrider.publish(event_type, payload::json, body, content_type, ordering_key, idempotency_key, endpoint, tenant, headers,
                           deliver_after, expires_at, traceparent) p
$f$
$t$, v_type);
    END LOOP;
END
$make$;
