-- 0014 receiving: where webhooks come from (sources), what came (the inbox), and how programs take it.
--
-- Locks:        none at migration; everything here is new. At run time: a source, then rows of the inbox by id. What receives and
--               what consumes wait for no one's row: each steps over what another session has.
-- Old workers:  may keep running; they make no partitions for the inbox, and its DEFAULT ones take the rows.
--
-- A source is a sender: its requests come to /in/NAME. What came is in `received`, append-only, with the bytes as they came.
-- Presence is the state: a row of `inbox_queue` is to be processed, and its times say the rest; gone is done. So a look at the queue
-- costs the same however much was processed. `inbox_ends` tells how, `inbox_dead` what was given up.
--
-- A consumer locks rows of the queue for its own transaction. There is no lease: what locks a row is alive, or its lock is gone.
--
-- Order. Of the rows of a source with the same correlation only the first may be taken. The others are parked at due_at 'infinity', out
-- of the way of each look, and the end of one wakes the next. A row is parked only behind one that `receive` could lock FOR KEY SHARE
-- until its commit: no consumer has that one, so whichever ends it will see the parked row. Behind one that a consumer has just now,
-- a row is not parked: it is due, and each look asks whether an earlier one is there. There are no more of these than a consumer holds.

SET LOCAL search_path = pg_catalog, pg_temp;

-- ------------------------------------------------------------------------------------------------------------- sources

CREATE TABLE postrider.sources (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Of all tenants, since the path of a request says nothing else.
    name text NOT NULL,
    tenant text NOT NULL DEFAULT '',
    -- How requests prove who sent them.
    scheme text NOT NULL,
    -- Where the type, the id and the correlation stand: $.a.b in the body, or header:Name. NULL: where the scheme has them, if it does.
    event_type_from text,
    id_from text,
    correlation_from text,
    -- Networks that may send; none for all.
    allow_networks text[] NOT NULL DEFAULT '{}',
    -- Networks of proxies whose forwarding headers say who sent.
    trust_proxies text[] NOT NULL DEFAULT '{}',
    max_body bigint NOT NULL,
    -- Requests a second.
    rate_limit double precision,
    -- How far a request's timestamp may be from now.
    tolerance interval NOT NULL,
    -- What the types of the events begin with that its rows become. NULL: programs take them.
    publish_as text,
    -- Waits after failures; a row has one attempt more than there are waits.
    retry_schedule interval[] NOT NULL,
    -- Drawn again with each change.
    version int NOT NULL DEFAULT floor(random() * 2147483647)::int,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- A removed source stays for the sake of its history; its name becomes free.
    removed_at timestamptz
);
CREATE UNIQUE INDEX sources_name ON postrider.sources (name) WHERE removed_at IS NULL;

-- What requests are verified with, any one of them. As it was given, or, with a key file, as sealed:v1:….
CREATE TABLE postrider.source_secrets (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id bigint NOT NULL REFERENCES postrider.sources (id),
    secret text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT 'infinity'
);
CREATE INDEX source_secrets_source ON postrider.source_secrets (source_id);

-- --------------------------------------------------------------------------------------------------------------- inbox

-- Append-only, in daily partitions by the start of the transaction that received it.
CREATE TABLE postrider.received (
    id bigint GENERATED ALWAYS AS IDENTITY,
    received_at timestamptz NOT NULL DEFAULT now(),
    source_id bigint NOT NULL,
    webhook_id text NOT NULL,
    event_type text,
    correlation text COLLATE "C",
    content_type text,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    remote_address text,
    -- The event that it became.
    event_id bigint,
    PRIMARY KEY (received_at, id)
) PARTITION BY RANGE (received_at);
CREATE INDEX received_id ON postrider.received USING brin (id) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX received_source ON postrider.received (source_id, received_at);
CREATE TABLE postrider.received_default PARTITION OF postrider.received DEFAULT;

-- The ledger behind webhook_id: a unique key cannot span time partitions.
CREATE TABLE postrider.inbox_ids (
    source_id bigint NOT NULL,
    -- By its bytes: a unique key must not depend on how a version of the system's library sorts, and comparing costs less.
    webhook_id text COLLATE "C" NOT NULL,
    inbox_id bigint NOT NULL,
    received_at timestamptz NOT NULL,
    -- How often the same id came again.
    duplicates int NOT NULL DEFAULT 0,
    PRIMARY KEY (source_id, webhook_id)
) WITH (fillfactor = 90);
CREATE INDEX inbox_ids_age ON postrider.inbox_ids (received_at);

-- What is to be processed.
CREATE TABLE postrider.inbox_queue (
    id bigint PRIMARY KEY,
    source_id bigint NOT NULL,
    -- In the future after a failure; 'infinity' while it waits behind an earlier row of its correlation.
    due_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    correlation text COLLATE "C",
    -- Failures. Those before the last replay do not count against the schedule.
    attempts smallint NOT NULL DEFAULT 0,
    attempt_base smallint NOT NULL DEFAULT 0,
    last_error text
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000, vacuum_truncate = off
);
CREATE INDEX inbox_queue_due ON postrider.inbox_queue (source_id, due_at, id);
CREATE INDEX inbox_queue_correlation ON postrider.inbox_queue (source_id, correlation, id) WHERE correlation IS NOT NULL;

-- What was given up, until an operator replays or discards it.
CREATE TABLE postrider.inbox_dead (
    id bigint PRIMARY KEY,
    source_id bigint NOT NULL,
    received_at timestamptz NOT NULL,
    correlation text COLLATE "C",
    attempts smallint NOT NULL,
    last_error text,
    dead_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX inbox_dead_source ON postrider.inbox_dead (source_id, id);

-- How what is neither live nor given up ended. In daily partitions by the time of its reception, as the rows that it tells of.
CREATE TABLE postrider.inbox_ends (
    received_at timestamptz NOT NULL,
    id bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('done', 'dead')),
    attempts smallint NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error text,
    PRIMARY KEY (received_at, id)
) PARTITION BY RANGE (received_at);
CREATE TABLE postrider.inbox_ends_default PARTITION OF postrider.inbox_ends DEFAULT;

-- No process receives yet, so today and yesterday get theirs from their beginning on, too.
SELECT postrider.make_partition(parent, (clock_timestamp() AT TIME ZONE 'UTC')::date + n, '-infinity')
FROM unnest(ARRAY['received', 'inbox_ends']) AS parent, generate_series(-1, 7) AS n;

-- ----------------------------------------------------------------------------------------------------- rules of a source

-- Which rule a scheme breaks; NULL if none. SourceScheme in Swift.
CREATE FUNCTION postrider.source_scheme_rule(p_scheme text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_parts text[] := postrider.hmac_parts(p_scheme);
BEGIN
    RETURN CASE
        WHEN p_scheme IN ('standard', 'github', 'stripe', 'shopify', 'slack', 'bearer', 'basic', 'jwt', 'none') THEN NULL
        WHEN p_scheme IS NULL THEN 'is required'
        WHEN v_parts IS NULL THEN
            'is none of standard, github, stripe, shopify, slack, hmac:HEADER,ALGORITHM,ENCODING[,PREFIX], bearer, basic, jwt, none'
        WHEN postrider.signature_rule(p_scheme) IS NOT NULL THEN postrider.signature_rule(p_scheme)
        -- The signature of a request is over its body alone.
        WHEN v_parts[5] IS NOT NULL OR v_parts[4] ~ '[{}]' THEN 'must have a prefix without braces, and nothing behind it'
    END;
END
$f$;

-- Whether a text is where something stands in a request. ValuePath in Swift.
CREATE FUNCTION postrider.is_request_path(p_path text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT octet_length(p_path) <= 256 AND (
        p_path ~ '^\$(\.[A-Za-z0-9_-]+|\[(0|[1-9][0-9]{0,5})\]){1,16}$' OR p_path ~ '^header:[!#$%&''*+.^_`|~0-9A-Za-z-]{1,128}$')
$f$;

CREATE FUNCTION postrider.check_networks(p_argument text, p_networks text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_network text;
BEGIN
    PERFORM postrider.check_array(p_argument, p_networks, 0, 256);
    FOREACH v_network IN ARRAY coalesce(p_networks, '{}') LOOP
        BEGIN
            -- With its length, and no bit set behind it. Network in Swift.
            IF v_network !~ '/[1-9][0-9]*$' OR v_network ~* '^::ffff:.*\.' OR v_network::cidr IS NULL THEN
                PERFORM postrider.refuse(p_argument, format('must hold networks such as 192.0.2.0/24, not %L', left(v_network, 60)));
            END IF;
        EXCEPTION WHEN invalid_text_representation THEN
            PERFORM postrider.refuse(p_argument, format('must hold networks such as 192.0.2.0/24, not %L', left(v_network, 60)));
        END;
    END LOOP;
END
$f$;

-- What is not NULL of a source's settings.
CREATE FUNCTION postrider.check_source(
    p_event_type_from text, p_id_from text, p_correlation_from text, p_allow_networks text[], p_trust_proxies text[],
    p_max_body bigint, p_rate_limit double precision, p_tolerance interval, p_publish_as text, p_retry_schedule interval[])
RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_argument text;
BEGIN
    SELECT u.argument INTO v_argument
    FROM (VALUES ('event_type_from', p_event_type_from), ('id_from', p_id_from), ('correlation_from', p_correlation_from))
        AS u (argument, path)
    WHERE u.path <> '' AND NOT postrider.is_request_path(u.path) LIMIT 1;
    IF FOUND THEN
        PERFORM postrider.refuse(v_argument, 'must be $.a.b in the JSON body, or header:Name, at most 256 bytes');
    END IF;
    PERFORM postrider.check_networks('allow_networks', p_allow_networks);
    PERFORM postrider.check_networks('trust_proxies', p_trust_proxies);
    IF p_max_body NOT BETWEEN 1 AND 16777216 THEN
        PERFORM postrider.refuse('max_body', 'must be from 1 to 16777216 bytes');
    ELSIF p_rate_limit <> 0 AND p_rate_limit NOT BETWEEN 0.001 AND 1000000 THEN
        PERFORM postrider.refuse('rate_limit', 'must be from 0.001 to 1000000 requests a second, or 0 for no limit');
    ELSIF p_publish_as <> '' AND (length(p_publish_as) > 64 OR p_publish_as !~ '^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$'
            OR p_publish_as ~ '^postrider(\.|$)') THEN
        PERFORM postrider.refuse('publish_as',
            'must be segments of A-Z, a-z, 0-9 and _ joined by dots, at most 64 characters, and not begin with postrider');
    END IF;
    PERFORM postrider.check_duration('tolerance', p_tolerance, '1 s', '1 day');
    PERFORM postrider.check_retry_schedule(p_retry_schedule);
END
$f$;

-- What depends on several settings of a source, once they are stored.
CREATE FUNCTION postrider.check_stored_source(p_id bigint) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_source postrider.sources;
BEGIN
    SELECT s.* INTO v_source FROM postrider.sources s WHERE s.id = p_id;
    IF v_source.scheme = 'none' AND cardinality(v_source.allow_networks) = 0 THEN
        PERFORM postrider.refuse('allow_networks', 'must be given with the scheme none: anybody could send');
    ELSIF v_source.publish_as IS NOT NULL AND v_source.max_body > 262144 THEN
        PERFORM postrider.refuse('max_body', 'must be at most 262144 bytes with publish_as, as large as an event may be');
    END IF;
END
$f$;

-- Which rule a secret of a scheme breaks; NULL if none. It never quotes the secret.
CREATE FUNCTION postrider.source_secret_rule(p_scheme text, p_secret text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT CASE
        WHEN p_scheme = 'none' THEN 'must not be given with the scheme none'
        WHEN postrider.is_sealed(p_secret, 8192) THEN NULL
        WHEN p_secret IS NULL THEN 'must not be NULL'
        WHEN p_secret LIKE 'sealed:%' THEN 'must not begin with sealed:'
        -- Shorter ones than ours are taken, since the sender chose.
        WHEN p_scheme = 'standard' AND p_secret !~ '^whpk_[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$' AND (
                p_secret !~ '^whsec_([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw](==)?|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=?)?$'
                OR length(rtrim(p_secret, '=')) - 6 NOT BETWEEN 22 AND 86)
            THEN 'must be whsec_ followed by the Base64 of 16 to 64 bytes, or whpk_ followed by that of 32'
        WHEN p_secret !~ '^[\x20-\x7e]+$' OR length(p_secret) NOT BETWEEN 6 AND 1024
            THEN 'must be 6 to 1024 visible ASCII characters and spaces'
        WHEN p_scheme = 'basic' AND p_secret !~ '^[^:]+:.+$' THEN 'must be a user, a colon and a password'
    END
$f$;

CREATE FUNCTION postrider.check_source_secrets(p_scheme text, p_secrets text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_rule text;
BEGIN
    IF array_ndims(p_secrets) > 1 OR cardinality(p_secrets) > 8 THEN
        PERFORM postrider.refuse('secrets', 'must be an array of one dimension with 0 to 8 elements');
    END IF;
    SELECT postrider.source_secret_rule(p_scheme, u.secret) INTO v_rule FROM unnest(p_secrets) AS u (secret)
    WHERE postrider.source_secret_rule(p_scheme, u.secret) IS NOT NULL LIMIT 1;
    IF FOUND THEN
        PERFORM postrider.refuse('secrets', v_rule);
    END IF;
END
$f$;

-- A secret for a scheme that leaves the choice to us; others know only what the sender's side shows.
CREATE FUNCTION postrider.made_source_secret(p_scheme text) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_scheme IN ('stripe', 'shopify', 'slack', 'basic') THEN
        PERFORM postrider.refuse('secrets', format('must be given with the scheme %s', p_scheme));
    END IF;
    RETURN postrider.new_secret();
END
$f$;

-- ------------------------------------------------------------------------------------------- what operators do to a source

-- Locks the source of a name before anything else of it, and returns it.
CREATE FUNCTION postrider.hold_source(p_name text) RETURNS postrider.sources
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_source postrider.sources;
BEGIN
    SELECT s.* INTO v_source FROM postrider.sources s WHERE s.name = p_name AND s.removed_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no source named %L', p_name);
    END IF;
    RETURN v_source;
END
$f$;

-- Adds a source, and returns its secret where one was made: it is shown here and nowhere else. Secrets may be sealed (sealed:v1:…).
-- 0 is no limit.
CREATE FUNCTION postrider.add_source(
    name text, scheme text, secrets text[] DEFAULT '{}',
    event_type_from text DEFAULT NULL, id_from text DEFAULT NULL, correlation_from text DEFAULT NULL,
    allow_networks text[] DEFAULT '{}', trust_proxies text[] DEFAULT '{}',
    max_body bigint DEFAULT NULL, rate_limit double precision DEFAULT NULL, tolerance interval DEFAULT '5 min',
    publish_as text DEFAULT NULL, tenant text DEFAULT '', retry_schedule interval[] DEFAULT NULL,
    OUT source_id bigint, OUT made_secret text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_variable
DECLARE
    v_rule text := postrider.source_scheme_rule(scheme);
    v_publish_as text := nullif(publish_as, '');
    v_secrets text[] := coalesce(secrets, '{}');
BEGIN
    IF name IS NULL OR name !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$' THEN
        PERFORM postrider.refuse('name', 'must be 1 to 100 of A-Z, a-z, 0-9, ., _ and -, with a letter or digit in front');
    ELSIF v_rule IS NOT NULL THEN
        PERFORM postrider.refuse('scheme', v_rule);
    ELSIF octet_length(tenant) > 512 THEN
        PERFORM postrider.refuse('tenant', 'must be at most 512 bytes');
    END IF;
    PERFORM postrider.check_source(event_type_from, id_from, correlation_from, allow_networks, trust_proxies, max_body, rate_limit,
                                   tolerance, publish_as, retry_schedule);
    PERFORM postrider.check_source_secrets(scheme, v_secrets);
    IF scheme <> 'none' AND cardinality(v_secrets) = 0 THEN
        made_secret := postrider.made_source_secret(scheme);
        v_secrets := ARRAY[made_secret];
    END IF;
    BEGIN
        INSERT INTO postrider.sources AS s (
            name, tenant, scheme, event_type_from, id_from, correlation_from, allow_networks, trust_proxies, max_body, rate_limit,
            tolerance, publish_as, retry_schedule)
        VALUES (name, coalesce(tenant, ''), scheme, nullif(event_type_from, ''), nullif(id_from, ''), nullif(correlation_from, ''),
                coalesce(allow_networks, '{}'), coalesce(trust_proxies, '{}'),
                coalesce(max_body, CASE WHEN v_publish_as IS NULL THEN 1048576 ELSE 262144 END), nullif(rate_limit, 0),
                coalesce(tolerance, '5 min'), v_publish_as,
                coalesce(retry_schedule, '{5 s,5 min,30 min,2 h,5 h,10 h,14 h,20 h,24 h}'))
        RETURNING s.id INTO source_id;
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION USING ERRCODE = 'unique_violation', MESSAGE = format('there is already a source named %L', name);
    END;
    PERFORM postrider.check_stored_source(source_id);
    -- The first is the newest.
    INSERT INTO postrider.source_secrets (source_id, secret)
    SELECT add_source.source_id, u.secret FROM unnest(v_secrets) WITH ORDINALITY AS u (secret, place) ORDER BY u.place DESC;
    PERFORM postrider.note_act('register', 'source ' || name, 1, NULL);
END
$f$;

-- Changes what is given and leaves the rest (NULL). To lift a limit, give 0; to take a path or the prefix away, give ''. The scheme stays:
-- what secrets are depends on it.
CREATE FUNCTION postrider.update_source(
    name text, event_type_from text DEFAULT NULL, id_from text DEFAULT NULL, correlation_from text DEFAULT NULL,
    allow_networks text[] DEFAULT NULL, trust_proxies text[] DEFAULT NULL, max_body bigint DEFAULT NULL,
    rate_limit double precision DEFAULT NULL, tolerance interval DEFAULT NULL, publish_as text DEFAULT NULL,
    retry_schedule interval[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_variable
DECLARE
    v_source postrider.sources := postrider.hold_source(name);
BEGIN
    PERFORM postrider.check_source(event_type_from, id_from, correlation_from, allow_networks, trust_proxies, max_body, rate_limit,
                                   tolerance, publish_as, retry_schedule);
    UPDATE postrider.sources s SET
        event_type_from = nullif(coalesce(update_source.event_type_from, s.event_type_from), ''),
        id_from = nullif(coalesce(update_source.id_from, s.id_from), ''),
        correlation_from = nullif(coalesce(update_source.correlation_from, s.correlation_from), ''),
        allow_networks = coalesce(update_source.allow_networks, s.allow_networks),
        trust_proxies = coalesce(update_source.trust_proxies, s.trust_proxies),
        max_body = coalesce(update_source.max_body,
                            CASE WHEN update_source.publish_as <> '' THEN least(s.max_body, 262144) ELSE s.max_body END),
        rate_limit = nullif(coalesce(update_source.rate_limit, s.rate_limit), 0),
        tolerance = coalesce(update_source.tolerance, s.tolerance),
        publish_as = nullif(coalesce(update_source.publish_as, s.publish_as), ''),
        retry_schedule = coalesce(update_source.retry_schedule, s.retry_schedule),
        version = floor(random() * 2147483647)::int, updated_at = now()
    WHERE s.id = v_source.id;
    PERFORM postrider.check_stored_source(v_source.id);
    PERFORM postrider.note_act('update', 'source ' || name, 1, (
        SELECT string_agg(u.setting, ', ')
        FROM unnest(ARRAY['event_type_from', 'id_from', 'correlation_from', 'allow_networks', 'trust_proxies', 'max_body', 'rate_limit',
                          'tolerance', 'publish_as', 'retry_schedule'],
                    ARRAY[event_type_from IS NOT NULL, id_from IS NOT NULL, correlation_from IS NOT NULL, allow_networks IS NOT NULL,
                          trust_proxies IS NOT NULL, max_body IS NOT NULL, rate_limit IS NOT NULL, tolerance IS NOT NULL,
                          publish_as IS NOT NULL, retry_schedule IS NOT NULL]) AS u (setting, is_given)
        WHERE u.is_given));
END
$f$;

-- A new secret is accepted from now on; the old ones too until p_grace is over. Returns the new secret where it was made here.
CREATE FUNCTION postrider.rotate_source_secret(name text, secret text DEFAULT NULL, grace interval DEFAULT '24 hours') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_source postrider.sources := postrider.hold_source(rotate_source_secret.name);
    v_secret text := rotate_source_secret.secret;
BEGIN
    IF v_source.scheme = 'none' THEN
        PERFORM postrider.refuse('secret', postrider.source_secret_rule('none', ''));
    ELSIF rotate_source_secret.grace IS NULL THEN
        PERFORM postrider.refuse('grace', 'must not be NULL');
    END IF;
    PERFORM postrider.check_duration('grace', rotate_source_secret.grace, '0', '30 days');
    v_secret := coalesce(v_secret, postrider.made_source_secret(v_source.scheme));
    IF postrider.source_secret_rule(v_source.scheme, v_secret) IS NOT NULL THEN
        PERFORM postrider.refuse('secret', postrider.source_secret_rule(v_source.scheme, v_secret));
    ELSIF (SELECT count(*) FROM postrider.source_secrets s WHERE s.source_id = v_source.id AND s.expires_at > now()) >= 8 THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            MESSAGE = 'this source has 8 live secrets; wait until the oldest has expired';
    END IF;
    UPDATE postrider.source_secrets s SET expires_at = least(s.expires_at, now() + rotate_source_secret.grace)
    WHERE s.source_id = v_source.id;
    INSERT INTO postrider.source_secrets (source_id, secret) VALUES (v_source.id, v_secret);
    UPDATE postrider.sources s SET version = floor(random() * 2147483647)::int, updated_at = now() WHERE s.id = v_source.id;
    PERFORM postrider.note_act('rotate-secret', 'source ' || rotate_source_secret.name, 1, NULL);
    RETURN CASE WHEN rotate_source_secret.secret IS NULL THEN v_secret END;
END
$f$;

-- Puts newly sealed texts in the place of what they were made of, each only where that is what a source of that name has still, and returns
-- how many that were.
CREATE FUNCTION postrider.reseal_sources(names text[], was text[], sealed text[]) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_count int;
BEGIN
    IF EXISTS (SELECT FROM unnest(sealed) AS u (text) WHERE NOT coalesce(postrider.is_sealed(u.text, 8192), false)) THEN
        PERFORM postrider.refuse('sealed', 'must hold sealed texts');
    END IF;
    PERFORM 1 FROM postrider.sources s WHERE s.name = ANY (names) AND s.removed_at IS NULL ORDER BY s.id FOR NO KEY UPDATE;
    UPDATE postrider.source_secrets k SET secret = u.sealed
    FROM unnest(names, was, sealed) AS u (name, was, sealed)
    JOIN postrider.sources s ON s.name = u.name AND s.removed_at IS NULL
    WHERE k.source_id = s.id AND k.secret = u.was;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    PERFORM postrider.note_act('reseal', 'secrets of sources', v_count, NULL);
    RETURN v_count;
END
$f$;

-- Ends what of removed sources is not processed, and no consumer has just now.
CREATE FUNCTION postrider.end_removed(p_source bigint, p_limit int) RETURNS int
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    WITH gone AS (
        DELETE FROM postrider.inbox_queue q
        WHERE q.id = ANY (ARRAY(SELECT k.id FROM postrider.inbox_queue k WHERE k.source_id = p_source
                                ORDER BY k.due_at, k.id LIMIT p_limit FOR UPDATE SKIP LOCKED))
        RETURNING q.received_at, q.id, q.attempts),
    ended AS (
        INSERT INTO postrider.inbox_ends (received_at, id, status, attempts, last_error)
        SELECT g.received_at, g.id, 'dead', g.attempts, 'the source was removed' FROM gone g RETURNING 1)
    SELECT count(*)::int FROM ended
$f$;

-- Removes a source: its path is unknown from now on, what is not processed ends as dead, its history stays. Returns how many rows that were.
CREATE FUNCTION postrider.remove_source(name text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_source postrider.sources := postrider.hold_source(remove_source.name);
    v_count int;
BEGIN
    UPDATE postrider.sources s SET removed_at = clock_timestamp(), updated_at = now(), version = floor(random() * 2147483647)::int
    WHERE s.id = v_source.id;
    DELETE FROM postrider.source_secrets s WHERE s.source_id = v_source.id;
    v_count := postrider.end_removed(v_source.id, NULL);
    PERFORM postrider.note_act('remove', 'source ' || remove_source.name, v_count + 1, NULL);
    RETURN v_count;
END
$f$;

-- ----------------------------------------------------------------------------------------------------------- receiving

-- All sources with their live secrets, the newest first: for a process that receives.
CREATE FUNCTION postrider.load_sources()
RETURNS TABLE (
    id bigint, name text, tenant text, scheme text, secrets text[], event_type_from text, id_from text, correlation_from text,
    allow_networks text[], trust_proxies text[], max_body bigint, rate_limit double precision, tolerance interval, publish_as text,
    version int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
    SELECT s.id, s.name, s.tenant, s.scheme,
           ARRAY(SELECT k.secret FROM postrider.source_secrets k
                 WHERE k.source_id = s.id AND k.expires_at > now() ORDER BY k.id DESC),
           s.event_type_from, s.id_from, s.correlation_from, s.allow_networks, s.trust_proxies, s.max_body, s.rate_limit, s.tolerance,
           s.publish_as, s.version
    FROM postrider.sources s WHERE s.removed_at IS NULL ORDER BY s.name
$f$;

-- A text that is to be a key: itself, or a digest of one that is longer than a key may be.
-- Not IMMUTABLE, as convert_to is not either: a call for each row would cost more than storing its id, and this is made part of the statement.
CREATE FUNCTION postrider.short_key(p_text text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(p_text) <= 512 THEN p_text
            WHEN p_text IS NOT NULL THEN 'sha256:' || encode(sha256(convert_to(p_text, 'UTF8')), 'hex') END;

-- The type of the event that a row becomes: the prefix, a dot, and the row's type with _ for what a type may not hold.
CREATE FUNCTION postrider.published_type(p_prefix text, p_type text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN rtrim(left(p_prefix || coalesce('.' || nullif(btrim(regexp_replace(regexp_replace(
    p_type, '[^A-Za-z0-9_.]+', '_', 'g'), '\.{2,}', '.', 'g'), '.'), ''), ''), 128), '.');

-- A body as a payload: where it is JSON and says so, or does not say what it is. NULL for any other.
CREATE FUNCTION postrider.body_as_json(p_body bytea, p_content_type text) RETURNS json
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_content_type !~* '^(application|text)/([^;]*\+)?json *(;|$)' THEN
        RETURN NULL;
    END IF;
    RETURN convert_from(p_body, 'UTF8')::json;
EXCEPTION WHEN OTHERS THEN
    -- No JSON, no UTF-8, or nested more deeply than the server's stack allows.
    RETURN NULL;
END
$f$;

-- Stores a batch of requests that were verified, 256 at most, and says of each, by its place from 1 on, under which number it is
-- stored: that of the first one where the same id of the same source came before. NULL where the source was removed.
--
-- It is total: what is too long is cut, or replaced by its digest, and no request keeps the others from being stored.
-- What receives at the same time waits for each other only where both have the same id; ids are noted in one order.
--
-- Each statement costs as much as a row or two before it does anything. So what only some batches need (ids that came before, events,
-- correlations) has statements of its own, and the batch that has none of them makes three: ledger, inbox, queue.
-- Arrays are read by unnest, which gives their elements in order.
CREATE FUNCTION postrider.receive(
    p_source bigint[], p_webhook_id text[], p_event_type text[], p_correlation text[], p_content_type text[], p_headers text[],
    p_body bytea[], p_remote_address text[])
RETURNS TABLE (place int, inbox_id bigint, is_new boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
#variable_conflict use_column
DECLARE
    v_now timestamptz := now();
    v_ids bigint[]; v_keys text[]; v_correlations text[]; v_live bigint[]; v_publishing bigint[];
    v_noted bigint[]; v_noted_sources bigint[]; v_noted_keys text[]; v_fresh int; v_stored bigint[]; v_events bigint[];
BEGIN
    IF cardinality(p_source) > 256 THEN
        PERFORM postrider.refuse('p_source', 'must hold at most 256 requests');
    END IF;
    -- By place, so that numbers grow in the order of arrival.
    SELECT array_agg(nextval('postrider.received_id_seq')), array_agg(postrider.short_key(u.id)),
           array_agg(postrider.short_key(nullif(u.correlation, '')))
    INTO v_ids, v_keys, v_correlations FROM unnest(p_webhook_id, p_correlation) AS u (id, correlation);
    SELECT array_agg(s.id), array_agg(s.id) FILTER (WHERE s.publish_as IS NOT NULL) INTO v_live, v_publishing
    FROM postrider.sources s WHERE s.id = ANY (p_source) AND s.removed_at IS NULL;
    WITH noted AS (
        INSERT INTO postrider.inbox_ids AS k (source_id, webhook_id, inbox_id, received_at, duplicates)
        SELECT u.source_id, u.webhook_id, min(u.id), v_now, count(*) - 1
        FROM unnest(p_source, v_keys COLLATE "C", v_ids) AS u (source_id, webhook_id, id)
        WHERE u.source_id = ANY (v_live)
        GROUP BY u.source_id, u.webhook_id
        -- One order for all, so that two batches with the same ids do not wait for each other.
        ORDER BY u.source_id, u.webhook_id
        ON CONFLICT (source_id, webhook_id) DO UPDATE SET duplicates = k.duplicates + excluded.duplicates + 1
        RETURNING k.source_id, k.webhook_id, k.inbox_id, k.duplicates)
    SELECT array_agg(n.inbox_id), array_agg(n.source_id), array_agg(n.webhook_id), count(*) FILTER (WHERE n.duplicates = 0)
    INTO v_noted, v_noted_sources, v_noted_keys, v_fresh FROM noted n;
    v_stored := CASE WHEN v_fresh = cardinality(v_ids) THEN v_ids
                     ELSE postrider.noted_numbers(p_source, v_keys, v_noted_sources, v_noted_keys, v_noted) END;
    IF v_publishing IS NOT NULL THEN
        SELECT array_agg(CASE WHEN u.id = u.stored AND u.source_id = ANY (v_publishing) AND octet_length(u.body) <= 262144
                              THEN nextval('postrider.outbox_id_seq') END)
        INTO v_events FROM unnest(v_ids, v_stored, p_source, p_body) AS u (id, stored, source_id, body);
    END IF;
    INSERT INTO postrider.received (
        id, received_at, source_id, webhook_id, event_type, correlation, content_type, headers, body, remote_address, event_id)
    OVERRIDING SYSTEM VALUE
    SELECT u.id, v_now, u.source_id, u.webhook_id, left(nullif(u.event_type, ''), 200), u.correlation, left(u.content_type, 400),
           u.headers::jsonb, u.body, left(u.remote_address, 100), u.event_id
    FROM unnest(v_ids, v_stored, p_source, v_keys, p_event_type, v_correlations, p_content_type, p_headers, p_body, p_remote_address,
                v_events)
        AS u (id, stored, source_id, webhook_id, event_type, correlation, content_type, headers, body, remote_address, event_id)
    WHERE u.id = u.stored;
    IF v_events IS NOT NULL THEN
        PERFORM postrider.publish_received(v_events, p_source, p_event_type, v_correlations, p_content_type, p_body);
    END IF;
    IF array_remove(v_correlations, NULL) = '{}' THEN
        INSERT INTO postrider.inbox_queue (id, source_id, due_at, received_at)
        SELECT u.id, u.source_id, v_now, v_now
        FROM unnest(v_ids, v_stored, v_events, p_source) AS u (id, stored, event_id, source_id)
        WHERE u.id = u.stored AND u.event_id IS NULL;
    ELSE
        PERFORM postrider.queue_inbox(v_now, v_ids, v_stored, v_events, p_source, v_correlations);
    END IF;
    RETURN QUERY SELECT u.place::int, u.stored, coalesce(u.id = u.stored, false)
    FROM unnest(v_ids, v_stored) WITH ORDINALITY AS u (id, stored, place);
END
$f$;

-- Under which numbers a batch is stored, of which some ids came before, or twice within it: by place, NULL where nothing was noted.
CREATE FUNCTION postrider.noted_numbers(
    p_source bigint[], p_keys text[], p_noted_sources bigint[], p_noted_keys text[], p_noted bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    RETURN ARRAY(
        SELECT n.id
        FROM unnest(p_source, p_keys COLLATE "C") WITH ORDINALITY AS u (source_id, webhook_id, place)
        LEFT JOIN unnest(p_noted_sources, p_noted_keys, p_noted) AS n (source_id, webhook_id, id)
            ON n.source_id = u.source_id AND n.webhook_id = u.webhook_id
        ORDER BY u.place);
END
$f$;

-- Makes the events that rows become which were just stored: of each place that has a number for one.
CREATE FUNCTION postrider.publish_received(
    p_events bigint[], p_source bigint[], p_event_type text[], p_correlations text[], p_content_type text[], p_body bytea[])
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_column
BEGIN
    INSERT INTO postrider.outbox (id, event_type, payload, body, content_type, ordering_key, tenant)
    OVERRIDING SYSTEM VALUE
    SELECT u.event_id, postrider.published_type(s.publish_as, left(nullif(u.event_type, ''), 200)), j.payload,
           CASE WHEN j.payload IS NULL THEN u.body END,
           CASE WHEN j.payload IS NULL THEN CASE
               WHEN octet_length(u.content_type) <= 200 AND u.content_type ~
                   '^[!#$%&''*+.^_`|~0-9A-Za-z-]+/[!#$%&''*+.^_`|~0-9A-Za-z-]+ *(;[\x20-\x7e]*)?$' THEN u.content_type
               ELSE 'application/octet-stream' END END,
           u.correlation, s.tenant
    FROM unnest(p_events, p_source, p_event_type, p_correlations, p_content_type, p_body)
        AS u (event_id, source_id, event_type, correlation, content_type, body)
    JOIN postrider.sources s ON s.id = u.source_id
    CROSS JOIN LATERAL (SELECT postrider.body_as_json(u.body, u.content_type) AS payload) j
    WHERE u.event_id IS NOT NULL ORDER BY u.event_id;
END
$f$;

-- Puts rows that were just stored and became no event into the queue, each behind the earlier ones of its correlation, and ends the
-- expectations that they meet. It is told what it needs of them: to read them again would lock all partitions for each batch.
CREATE FUNCTION postrider.queue_inbox(
    p_received_at timestamptz, p_ids bigint[], p_stored bigint[], p_events bigint[], p_sources bigint[], p_correlations text[])
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
#variable_conflict use_column
DECLARE
    v_sources bigint[]; v_correlations text[]; v_correlated bigint[];
BEGIN
    WITH given AS MATERIALIZED (
        SELECT u.id, u.source_id, u.correlation, row_number() OVER (PARTITION BY u.source_id, u.correlation ORDER BY u.id) AS turn
        FROM unnest(p_ids, p_stored, p_events, p_sources, p_correlations COLLATE "C") AS u (id, stored, event_id, source_id, correlation)
        WHERE u.id = u.stored AND u.event_id IS NULL),
    -- Locked until the commit, so that no consumer takes it before it can see who waits behind it. One that a consumer has is
    -- stepped over: that one may have looked for the next row already.
    behind AS MATERIALIZED (
        SELECT p.source_id, p.correlation FROM given g
        CROSS JOIN LATERAL (
            SELECT q.id FROM postrider.inbox_queue q
            WHERE q.source_id = g.source_id AND q.correlation = g.correlation ORDER BY q.id DESC LIMIT 1) l
        JOIN postrider.inbox_queue p ON p.id = l.id
        WHERE g.turn = 1 AND g.correlation IS NOT NULL
        FOR KEY SHARE OF p SKIP LOCKED)
    INSERT INTO postrider.inbox_queue (id, source_id, due_at, received_at, correlation)
    SELECT g.id, g.source_id,
           CASE WHEN g.correlation IS NOT NULL AND (g.turn > 1 OR b.correlation IS NOT NULL) THEN 'infinity' ELSE p_received_at END,
           p_received_at, g.correlation
    FROM given g LEFT JOIN behind b ON b.source_id = g.source_id AND b.correlation = g.correlation
    ORDER BY g.id;
    -- What became an event meets expectations too.
    SELECT array_agg(u.source_id), array_agg(u.correlation), array_agg(u.id) INTO v_sources, v_correlations, v_correlated
    FROM unnest(p_ids, p_stored, p_sources, p_correlations) AS u (id, stored, source_id, correlation)
    WHERE u.id = u.stored AND u.correlation IS NOT NULL;
    IF v_correlated IS NOT NULL THEN
        PERFORM postrider.meet_expected(v_sources, v_correlations, v_correlated);
    END IF;
END
$f$;

-- -------------------------------------------------------------------------------------------------------------- taking

-- Takes rows of a source that are due for the transaction of the one who calls, the longest due first, at most max: they are its own until
-- it ends. It does its work, calls finish_inbox for each, and commits; a rollback gives them back. Rows that another transaction has are
-- stepped over. Of the rows with one correlation it takes the first alone. Called again in one transaction it returns again what is
-- neither finished nor failed.
CREATE FUNCTION postrider.take_inbox(source text, max int DEFAULT 1)
RETURNS TABLE (
    id bigint, webhook_id text, event_type text, correlation text, body bytea, headers jsonb, content_type text, remote_address text,
    received_at timestamptz, attempts int)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off
SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    v_source bigint := (SELECT s.id FROM postrider.sources s WHERE s.name = take_inbox.source AND s.removed_at IS NULL);
    v_ids bigint[]; v_times timestamptz[]; v_attempts int[]; v_first timestamptz; v_last timestamptz;
BEGIN
    IF v_source IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no source named %L', take_inbox.source);
    ELSIF take_inbox.max IS NULL OR take_inbox.max NOT BETWEEN 1 AND 1000 THEN
        PERFORM postrider.refuse('max', 'must be from 1 to 1000');
    ELSIF current_setting('transaction_isolation') <> 'read committed' THEN
        -- With an older snapshot the end of a row would not see which one waits behind it.
        RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
            MESSAGE = 'take_inbox needs a transaction with the isolation level READ COMMITTED';
    END IF;
    SELECT array_agg(l.id), array_agg(l.received_at), array_agg(l.attempts), min(l.received_at), max(l.received_at)
    INTO v_ids, v_times, v_attempts, v_first, v_last
    FROM (
        SELECT t.id, t.received_at, t.attempts::int AS attempts
        FROM postrider.inbox_queue q
        -- The first of its correlation. One that is parked there, because its wake-up was lost, is taken instead.
        CROSS JOIN LATERAL (
            SELECT CASE WHEN q.correlation IS NULL THEN q.id ELSE (
                SELECT h.id FROM postrider.inbox_queue h
                WHERE h.source_id = v_source AND h.correlation = q.correlation ORDER BY h.id LIMIT 1) END AS id) first
        JOIN postrider.inbox_queue t ON t.id = first.id AND (t.due_at <= v_now OR t.due_at = 'infinity')
        WHERE q.source_id = v_source AND q.due_at <= v_now
        ORDER BY q.due_at, q.id
        LIMIT take_inbox.max
        FOR UPDATE OF t SKIP LOCKED) l;
    RETURN QUERY
    SELECT r.id, r.webhook_id, r.event_type, r.correlation, r.body, r.headers, r.content_type, r.remote_address, r.received_at,
           wanted.attempts
    -- Two of one correlation that are both due led to one row.
    FROM (SELECT u.id, u.received_at, u.attempts, min(u.place) AS place
          FROM unnest(v_ids, v_times, v_attempts) WITH ORDINALITY AS u (id, received_at, attempts, place)
          GROUP BY u.id, u.received_at, u.attempts) wanted
    CROSS JOIN LATERAL (
        SELECT e.* FROM postrider.received e
        WHERE e.received_at = wanted.received_at AND e.id = wanted.id AND e.received_at >= v_first AND e.received_at <= v_last
        OFFSET 0) r
    ORDER BY wanted.place;
END
$f$;

-- Locks a row of the queue. What another transaction has is an error, not a wait: it was not taken here.
CREATE FUNCTION postrider.hold_inbox(p_id bigint) RETURNS postrider.inbox_queue
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_row postrider.inbox_queue;
BEGIN
    SELECT q.* INTO v_row FROM postrider.inbox_queue q WHERE q.id = p_id FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        IF EXISTS (SELECT FROM postrider.inbox_queue q WHERE q.id = p_id) THEN
            RAISE EXCEPTION USING ERRCODE = 'lock_not_available', MESSAGE = format('another transaction has row %s of the inbox', p_id);
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'no_data_found',
            MESSAGE = format('row %s of the inbox is not to be processed: it has ended, or was never there', p_id);
    END IF;
    RETURN v_row;
END
$f$;

-- The next row of a correlation that is parked becomes due, in its old place.
CREATE FUNCTION postrider.wake_inbox(p_source bigint, p_correlation text) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $f$
    UPDATE postrider.inbox_queue q SET due_at = q.received_at
    WHERE q.id = (
        SELECT w.id FROM postrider.inbox_queue w
        WHERE w.source_id = p_source AND w.correlation = p_correlation AND w.due_at = 'infinity'
        -- One that an operator has just now is stepped over: keep_inbox sees to it.
        ORDER BY w.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
$f$;

-- Ends a row that is locked.
CREATE FUNCTION postrider.end_inbox(p_row postrider.inbox_queue, p_status text, p_attempts int, p_error text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    DELETE FROM postrider.inbox_queue q WHERE q.id = p_row.id;
    INSERT INTO postrider.inbox_ends (received_at, id, status, attempts, last_error)
    VALUES (p_row.received_at, p_row.id, p_status, least(p_attempts, 32767), p_error);
    IF p_row.correlation IS NOT NULL THEN
        PERFORM postrider.wake_inbox(p_row.source_id, p_row.correlation);
    END IF;
END
$f$;

-- Says that a row is processed. It is, when the transaction commits.
CREATE FUNCTION postrider.finish_inbox(id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- A plan that a session made while the queue was empty would read all of a backlog.
SET enable_seqscan = off AS $f$
DECLARE
    v_row postrider.inbox_queue := postrider.hold_inbox(finish_inbox.id);
BEGIN
    PERFORM postrider.end_inbox(v_row, 'done', v_row.attempts + 1, v_row.last_error);
END
$f$;

-- Says that a row could not be processed: the failure is counted, and the row set back by the source's schedule, ±20 %, until it is dead.
-- Returns what it is then, `retrying` or `dead`. The transaction must commit: a rollback gives the row back as if nothing had been.
CREATE FUNCTION postrider.fail_inbox(id bigint, why text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- A plan that a session made while the queue was empty would read all of a backlog.
SET enable_seqscan = off AS $f$
DECLARE
    v_row postrider.inbox_queue := postrider.hold_inbox(fail_inbox.id);
    v_wait interval := (SELECT s.retry_schedule[v_row.attempts - v_row.attempt_base + 1] FROM postrider.sources s
                        WHERE s.id = v_row.source_id);
    v_why text := left(fail_inbox.why, 1000);
BEGIN
    IF v_wait IS NOT NULL AND v_row.attempts < 32767 THEN
        UPDATE postrider.inbox_queue q
        SET attempts = q.attempts + 1, last_error = v_why, due_at = clock_timestamp() + v_wait * (0.8 + 0.4 * random())
        WHERE q.id = v_row.id;
        RETURN 'retrying';
    END IF;
    DELETE FROM postrider.inbox_queue q WHERE q.id = v_row.id;
    INSERT INTO postrider.inbox_dead (id, source_id, received_at, correlation, attempts, last_error)
    VALUES (v_row.id, v_row.source_id, v_row.received_at, v_row.correlation, least(v_row.attempts + 1, 32767), v_why);
    IF v_row.correlation IS NOT NULL THEN
        PERFORM postrider.wake_inbox(v_row.source_id, v_row.correlation);
    END IF;
    RETURN 'dead';
END
$f$;

-- ------------------------------------------------------------------------------------------- what operators do to the inbox

-- Puts a row into the queue again, before what came later, with a fresh schedule: one that is dead or was processed; one that waits after a
-- failure becomes due now. Returns false where it is due already.
CREATE FUNCTION postrider.replay_inbox(id bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5 s' AS $f$
DECLARE
    v_row record; v_count int := 0;
BEGIN
    SELECT r.id, r.received_at, r.source_id, r.correlation, r.event_id, s.removed_at, s.name INTO v_row
    FROM postrider.received r JOIN postrider.sources s ON s.id = r.source_id WHERE r.id = replay_inbox.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no row %s in the inbox', replay_inbox.id);
    ELSIF v_row.event_id IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('row %s of the inbox was published as event %s: replay the event', v_row.id, v_row.event_id);
    ELSIF v_row.removed_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('the source %L of row %s was removed', v_row.name, v_row.id);
    END IF;
    UPDATE postrider.inbox_queue q SET due_at = q.received_at, attempt_base = q.attempts
    WHERE q.id = v_row.id AND q.attempts > q.attempt_base AND q.due_at > clock_timestamp();
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count = 0 AND NOT EXISTS (SELECT FROM postrider.inbox_queue q WHERE q.id = v_row.id) THEN
        WITH risen AS (DELETE FROM postrider.inbox_dead d WHERE d.id = v_row.id RETURNING d.attempts, d.last_error),
        undone AS (DELETE FROM postrider.inbox_ends e WHERE e.received_at = v_row.received_at AND e.id = v_row.id
                   RETURNING e.attempts, e.last_error),
        was AS (SELECT r.attempts, r.last_error FROM risen r UNION ALL SELECT u.attempts, u.last_error FROM undone u)
        INSERT INTO postrider.inbox_queue (id, source_id, due_at, received_at, correlation, attempts, attempt_base, last_error)
        SELECT v_row.id, v_row.source_id, v_row.received_at, v_row.received_at, v_row.correlation, w.attempts, w.attempts, w.last_error
        FROM was w;
        GET DIAGNOSTICS v_count = ROW_COUNT;
    END IF;
    PERFORM postrider.note_act('replay', 'inbox row ' || v_row.id, v_count, NULL);
    RETURN v_count > 0;
END
$f$;

-- Replays what is dead of a source, the first that came first: looks at p_count rows at most, from the number p_first on. next_id is where to
-- go on, and NULL when there are no more.
CREATE FUNCTION postrider.replay_inbox_some(
    p_source text, p_first bigint, p_since timestamptz, p_until timestamptz, p_count int, p_preview boolean DEFAULT false,
    p_act bigint DEFAULT NULL, OUT replayed int, OUT next_id bigint, OUT act bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $f$
DECLARE
    v_source bigint := (SELECT s.id FROM postrider.sources s WHERE s.name = p_source AND s.removed_at IS NULL);
    v_ids bigint[]; v_seen int; v_last bigint;
BEGIN
    IF v_source IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no source named %L', p_source);
    END IF;
    SELECT array_agg(n.id) FILTER (WHERE (p_since IS NULL OR n.dead_at >= p_since) AND (p_until IS NULL OR n.dead_at < p_until)),
           count(*), max(n.id) INTO v_ids, v_seen, v_last
    FROM (SELECT d.id, d.dead_at FROM postrider.inbox_dead d WHERE d.source_id = v_source AND d.id >= p_first
          ORDER BY d.id LIMIT p_count) n;
    next_id := CASE WHEN v_seen = p_count THEN v_last + 1 END;
    IF p_preview THEN
        replayed := coalesce(cardinality(v_ids), 0);
        RETURN;
    END IF;
    WITH risen AS (
        DELETE FROM postrider.inbox_dead d
        -- Two operators at once replay each row once.
        WHERE d.id = ANY (ARRAY(SELECT k.id FROM postrider.inbox_dead k WHERE k.id = ANY (v_ids) ORDER BY k.id FOR UPDATE SKIP LOCKED))
        RETURNING d.*)
    INSERT INTO postrider.inbox_queue (id, source_id, due_at, received_at, correlation, attempts, attempt_base, last_error)
    SELECT r.id, r.source_id, r.received_at, r.received_at, r.correlation, r.attempts, r.attempts, r.last_error FROM risen r ORDER BY r.id;
    GET DIAGNOSTICS replayed = ROW_COUNT;
    act := postrider.note_act('replay', 'source ' || p_source, replayed, NULL, p_act);
END
$f$;

-- Replays what is dead of a source, by when it died; NULL means any. The first that came first, at most max_rows; returns how many.
CREATE FUNCTION postrider.replay_dead_inbox(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, max_rows int DEFAULT 10000) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_total int := 0; v_next bigint := 1; v_act bigint; v_done record;
BEGIN
    WHILE v_total < replay_dead_inbox.max_rows AND v_next IS NOT NULL LOOP
        SELECT r.replayed, r.next_id, r.act INTO v_done FROM postrider.replay_inbox_some(
            replay_dead_inbox.source, v_next, replay_dead_inbox.since, replay_dead_inbox.until,
            least(replay_dead_inbox.max_rows - v_total, 1000), false, v_act) r;
        v_total := v_total + v_done.replayed;
        v_next := v_done.next_id;
        v_act := v_done.act;
    END LOOP;
    RETURN v_total;
END
$f$;

-- Gives a row up for good that is dead or to be processed, with the reason on record. It stays `dead`.
CREATE FUNCTION postrider.discard_inbox(id bigint, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_reason text := 'discarded: ' || left(discard_inbox.why, 1000);
    v_dead postrider.inbox_dead;
    v_row postrider.inbox_queue;
BEGIN
    PERFORM postrider.check_why(discard_inbox.why);
    DELETE FROM postrider.inbox_dead d WHERE d.id = discard_inbox.id RETURNING d.* INTO v_dead;
    IF FOUND THEN
        INSERT INTO postrider.inbox_ends (received_at, id, status, attempts, finished_at, last_error)
        VALUES (v_dead.received_at, v_dead.id, 'dead', v_dead.attempts, v_dead.dead_at, v_reason);
    ELSE
        v_row := postrider.hold_inbox(discard_inbox.id);
        PERFORM postrider.end_inbox(v_row, 'dead', v_row.attempts, v_reason);
    END IF;
    PERFORM postrider.note_act('discard', 'inbox row ' || discard_inbox.id, 1, discard_inbox.why);
END
$f$;

-- -------------------------------------------------------------------------------------------------------------- reading

-- What came. `due_at` is NULL while a row waits behind an earlier one of its correlation. `duplicates` counts how often its id came again,
-- as long as the ledger of ids is kept.
CREATE VIEW postrider.inbox AS
SELECT r.id, s.name AS source, s.tenant, r.webhook_id, r.event_type, r.correlation, r.body, r.headers, r.content_type, r.remote_address,
       r.received_at, coalesce(k.duplicates, 0) AS duplicates,
       CASE WHEN r.event_id IS NOT NULL THEN 'published'
            WHEN q.id IS NOT NULL THEN CASE WHEN q.attempts > q.attempt_base THEN 'retrying' ELSE 'queued' END
            WHEN d.id IS NOT NULL THEN 'dead'
            ELSE coalesce(e.status, 'done') END AS status,
       coalesce(q.attempts, d.attempts, e.attempts, 0)::int AS attempts, nullif(q.due_at, 'infinity') AS due_at,
       CASE WHEN r.event_id IS NOT NULL THEN r.received_at ELSE coalesce(d.dead_at, e.finished_at) END AS finished_at,
       coalesce(q.last_error, d.last_error, e.last_error) AS last_error
FROM postrider.received r
JOIN postrider.sources s ON s.id = r.source_id
LEFT JOIN postrider.inbox_queue q ON q.id = r.id
LEFT JOIN postrider.inbox_dead d ON d.id = r.id
LEFT JOIN postrider.inbox_ends e ON e.received_at = r.received_at AND e.id = r.id
LEFT JOIN postrider.inbox_ids k ON k.source_id = r.source_id AND k.webhook_id = r.webhook_id AND k.inbox_id = r.id;

-- The settings of sources, all but their secrets.
CREATE VIEW postrider.source_settings AS
SELECT s.name AS source, s.tenant, s.scheme, s.event_type_from, s.id_from, s.correlation_from, s.allow_networks, s.trust_proxies,
       s.max_body, s.rate_limit, s.tolerance, s.publish_as, s.retry_schedule,
       (SELECT count(*)::int FROM postrider.source_secrets k WHERE k.source_id = s.id AND k.expires_at > now()) AS secrets,
       s.created_at, s.updated_at
FROM postrider.sources s WHERE s.removed_at IS NULL;

-- How sources are doing. Counts stop at 10,000. `oldest_due_age`: for how long the row has been due that has been longest.
CREATE VIEW postrider.source_health AS
SELECT s.name AS source, s.tenant,
       (SELECT r.received_at FROM postrider.received r WHERE r.source_id = s.id ORDER BY r.received_at DESC LIMIT 1) AS last_received_at,
       live.queued, live.retrying,
       (SELECT count(*)::int FROM (SELECT FROM postrider.inbox_dead d WHERE d.source_id = s.id LIMIT 10000) n) AS dead,
       (SELECT statement_timestamp() - q.due_at FROM postrider.inbox_queue q
        WHERE q.source_id = s.id AND q.due_at <= statement_timestamp() ORDER BY q.due_at LIMIT 1) AS oldest_due_age
FROM postrider.sources s
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE n.attempts = n.attempt_base)::int AS queued,
           count(*) FILTER (WHERE n.attempts > n.attempt_base)::int AS retrying
    FROM (SELECT q.attempts, q.attempt_base FROM postrider.inbox_queue q WHERE q.source_id = s.id ORDER BY q.due_at LIMIT 10000) n) live
WHERE s.removed_at IS NULL;

-- -------------------------------------------------------------------------------------------------------- housekeeping

-- The days before p_before of which something is not processed, or dead.
CREATE FUNCTION postrider.unprocessed_days(p_before timestamptz) RETURNS date[]
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT ARRAY(SELECT (q.received_at AT TIME ZONE 'UTC')::date FROM postrider.inbox_queue q WHERE q.received_at < p_before
                 UNION
                 SELECT (d.received_at AT TIME ZONE 'UTC')::date FROM postrider.inbox_dead d WHERE d.received_at < p_before)
$f$;

-- Wakes rows that are parked although they are the first of their correlation, should there ever be one; ends what came to a source while it
-- was removed; and deletes ids and expectations past their retention. Of each a portion a call.
CREATE FUNCTION postrider.keep_inbox() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
DECLARE
    v_limit CONSTANT int := 10000;
    v_count int; v_total int; v_expected int;
BEGIN
    IF NOT postrider.hold_duty('inbox') THEN
        RETURN 0;
    END IF;
    UPDATE postrider.inbox_queue q SET due_at = q.received_at
    WHERE q.id = ANY (ARRAY(
        SELECT h.id FROM postrider.sources s
        CROSS JOIN LATERAL (
            SELECT p.id, p.correlation FROM postrider.inbox_queue p
            WHERE p.source_id = s.id AND p.due_at = 'infinity' ORDER BY p.id LIMIT v_limit) w
        JOIN postrider.inbox_queue h ON h.id = w.id AND h.due_at = 'infinity'
        WHERE w.id = (SELECT f.id FROM postrider.inbox_queue f
                      WHERE f.source_id = s.id AND f.correlation = w.correlation ORDER BY f.id LIMIT 1)
        FOR NO KEY UPDATE OF h SKIP LOCKED));
    GET DIAGNOSTICS v_total = ROW_COUNT;
    SELECT coalesce(sum(postrider.end_removed(s.id, v_limit)), 0) INTO v_count FROM postrider.sources s
    WHERE s.removed_at IS NOT NULL AND EXISTS (SELECT FROM postrider.inbox_queue q WHERE q.source_id = s.id);
    v_total := v_total + v_count;
    DELETE FROM postrider.inbox_ids k WHERE k.ctid = ANY (ARRAY(
        SELECT o.ctid FROM postrider.inbox_ids o
        WHERE o.received_at < clock_timestamp() - (SELECT s.idempotency_retention FROM postrider.settings s)
        ORDER BY o.received_at LIMIT v_limit FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_expected := postrider.forget_expected(v_limit);
    PERFORM postrider.end_duty('inbox', v_limit IN (v_count, v_expected));
    RETURN v_total + v_count + v_expected;
END
$f$;

-- --------------------------------------------------------------------------------------------------------------- roles

DO $make$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['postrider_receiver', 'postrider_consumer'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = v_role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;   -- another database's migration was quicker
            END;
        END IF;
    END LOOP;
END
$make$;

REVOKE ALL ON ALL TABLES IN SCHEMA postrider FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA postrider FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA postrider FROM PUBLIC;
GRANT USAGE ON SCHEMA postrider TO postrider_receiver, postrider_consumer;

-- The process that receives reads the sources with their secrets and stores rows; it reads none. It asks whether the schema fits.
GRANT EXECUTE ON FUNCTION
    postrider.load_sources(), postrider.receive(bigint[], text[], text[], text[], text[], text[], bytea[], text[])
TO postrider_receiver;
GRANT SELECT ON postrider.schema_migrations TO postrider_receiver;

-- A consumer takes rows, and finishes or fails what it took.
GRANT EXECUTE ON FUNCTION
    postrider.take_inbox(text, int), postrider.finish_inbox(bigint), postrider.fail_inbox(bigint, text)
TO postrider_consumer;

GRANT EXECUTE ON FUNCTION postrider.keep_inbox() TO postrider_worker;
GRANT SELECT ON postrider.source_health, postrider.source_settings TO postrider_worker;
-- What doctor asks, who may log in as a worker: days and numbers.
GRANT SELECT (id) ON postrider.sources TO postrider_worker;
GRANT SELECT (id, received_at) ON postrider.received, postrider.inbox_ends TO postrider_worker;

-- Everything but the secrets.
GRANT SELECT ON postrider.inbox, postrider.source_settings, postrider.source_health, postrider.sources, postrider.received,
    postrider.inbox_ids, postrider.inbox_queue, postrider.inbox_dead, postrider.inbox_ends TO postrider_operator;
GRANT SELECT ON SEQUENCE postrider.sources_id_seq, postrider.received_id_seq, postrider.source_secrets_id_seq
    TO postrider_operator, postrider_worker;
GRANT EXECUTE ON FUNCTION
    postrider.add_source, postrider.update_source, postrider.rotate_source_secret(text, text, interval), postrider.remove_source(text),
    postrider.reseal_sources(text[], text[], text[]),
    postrider.replay_inbox(bigint), postrider.replay_inbox_some(text, bigint, timestamptz, timestamptz, int, boolean, bigint),
    postrider.replay_dead_inbox(text, timestamptz, timestamptz, int), postrider.discard_inbox(bigint, text)
TO postrider_operator;
