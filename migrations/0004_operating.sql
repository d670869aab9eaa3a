-- 0004 operating: what an operator calls. Each function works inside a transaction, so BEGIN; SELECT …; ROLLBACK is a
-- preview.
--
-- Locks:        none; functions only.
-- Old workers:  may keep running.
--
-- A function that changes live rows of a lane locks the lane first (in the order of ids, where there are several): claims step
-- over it until then, and the exact counts and the order of keys hold. A settle has its rows first and may want the lane
-- then: a holder of a lane must not wait for such a row, but releases everything and tries again a little later.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION postrider.endpoint_id(p_name text) RETURNS int
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id int;
BEGIN
    SELECT e.id INTO v_id FROM postrider.endpoints e WHERE e.name = p_name AND e.state <> 'removed';
    IF v_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no endpoint named %L', p_name);
    END IF;
    RETURN v_id;
END
$f$;

-- The rules for a URL that SQL can hold: the worker judges names and addresses again before it sends, always.
CREATE FUNCTION postrider.check_url(p_url text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_rule text;
    v_authority text := substring(p_url from '^[A-Za-z]+://([^/?#]*)');
    v_port text := substring(v_authority from ':([^:\]]*)$');
BEGIN
    v_rule := CASE
        WHEN p_url IS NULL THEN 'is required'
        WHEN octet_length(p_url) > 2048 THEN 'is longer than 2048 bytes'
        WHEN p_url !~ '^[\x21-\x7e]+$' THEN 'may hold visible ASCII characters only'
        WHEN p_url !~* '^https?://' THEN 'must begin with https:// or http://'
        WHEN p_url ~ '\\' THEN 'must not hold a backslash'
        WHEN p_url ~ '#' THEN 'must not have a fragment'
        WHEN v_authority ~ '@' THEN 'must not have user information; use a header for credentials'
        WHEN v_authority ~ '%' THEN 'must not have a percent sign in the host'
        WHEN v_port IS NOT NULL AND (v_port !~ '^[0-9]{1,5}$' OR v_port::int NOT BETWEEN 1 AND 65535)
            THEN 'must have a port between 1 and 65535'
        WHEN v_authority !~ '^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?)(:[0-9]+)?$'
            THEN 'must have a host that is a name, a dotted quad or an address in brackets'
        WHEN v_authority ~* '^(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?(:[0-9]+)?$'
            AND v_authority !~ '^(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}(:[0-9]+)?$'
            THEN 'must write a numeric host as four decimal numbers'
    END;
    IF v_rule IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('the URL of an endpoint %s', v_rule);
    END IF;
END
$f$;

-- Tells workers to read the endpoint again, and to look at its lane again.
CREATE FUNCTION postrider.touch_endpoint(p_id int) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
    UPDATE postrider.endpoints SET updated_at = now() WHERE id = p_id;
    UPDATE postrider.lanes SET revision = floor(random() * 2147483647)::int, changed_in = pg_current_xact_id()
    WHERE endpoint_id = p_id
$f$;

CREATE FUNCTION postrider.check_patterns(p_patterns text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_bad text;
BEGIN
    IF coalesce(cardinality(p_patterns), 0) NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'an endpoint needs 1 to 1000 event type patterns';
    END IF;
    SELECT u.p INTO v_bad FROM unnest(p_patterns) AS u (p)
    WHERE u.p IS NULL OR length(u.p) > 130
        OR u.p !~ '^(\*|[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(\.\*)?)$' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
            '%L is no event type pattern: write order.paid, order.* or *', v_bad);
    END IF;
END
$f$;

-- Raises when a header may not be sent: the same rules as for an event's headers.
CREATE FUNCTION postrider.check_headers(p_headers text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_bad text;
BEGIN
    IF cardinality(p_headers) > 32 OR octet_length(array_to_string(p_headers, '')) > 16384 THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            MESSAGE = 'an endpoint may have at most 32 headers, 16384 bytes together';
    END IF;
    SELECT split_part(u.h, ':', 1) INTO v_bad FROM unnest(p_headers) AS u (h)
    WHERE u.h IS NULL OR u.h !~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]+: ?[\x20-\x7e\t]*$' OR octet_length(u.h) > 4096
        OR split_part(u.h, ':', 1) ~* ('^(' || postrider.reserved_headers() || ')$')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
            'the header %L is not allowed: write Name: value in visible ASCII, at most 4096 bytes, no reserved name',
            left(v_bad, 100));
    END IF;
END
$f$;

CREATE FUNCTION postrider.check_retry_schedule(p_schedule interval[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF coalesce(cardinality(p_schedule), 0) NOT BETWEEN 1 AND 64
        OR EXISTS (SELECT FROM unnest(p_schedule) AS u (i)
                   WHERE u.i IS NULL OR u.i < '1 ms' OR u.i > '30 days')
        OR EXISTS (SELECT FROM generate_subscripts(p_schedule, 1) AS n WHERE p_schedule[n] < p_schedule[n - 1]) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            MESSAGE = 'a retry schedule is 1 to 64 waits, each from 1 ms to 30 days and none shorter than the one before';
    END IF;
END
$f$;

-- A signing secret of 32 bytes. Three random UUIDs carry 366 random bits: more than the hash can hold.
CREATE FUNCTION postrider.new_secret() RETURNS text
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT 'whsec_' || encode(
        sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64')
$f$;

CREATE FUNCTION postrider.check_secret(p_secret text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_secret !~ '^(whsec_[A-Za-z0-9+/]{30,90}={0,2}|sealed:v1:[!-~]+)$' THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            MESSAGE = 'a secret is whsec_ followed by the base64 of 24 to 64 bytes';
    END IF;
END
$f$;

-- Registers an endpoint and returns its signing secret, which is shown here and nowhere else. Without p_secret one is
-- made from 32 random bytes. p_secret may be sealed (sealed:v1:…); then what comes back is the same text.
CREATE FUNCTION postrider.register_endpoint(
    name text, url text, event_types text[] DEFAULT '{*}', secret text DEFAULT NULL, tenant text DEFAULT '',
    retry_schedule interval[] DEFAULT NULL, max_attempts int DEFAULT NULL, timeout interval DEFAULT '15 s',
    max_in_flight int DEFAULT NULL, rate_limit real DEFAULT NULL, payload_format text DEFAULT 'envelope',
    headers text[] DEFAULT '{}',
    OUT endpoint_id int, OUT signing_secret text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_variable
DECLARE
    v_url int;
BEGIN
    PERFORM postrider.check_url(url);
    PERFORM postrider.check_patterns(event_types);
    PERFORM postrider.check_headers(headers);
    IF name IS NULL OR name !~ '^[^[:cntrl:]]{1,200}$' OR name ~ '^\s|\s$' THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            MESSAGE = 'the name of an endpoint must be 1 to 200 characters, no control characters, no space at either end';
    END IF;
    signing_secret := coalesce(secret, postrider.new_secret());
    PERFORM postrider.check_secret(signing_secret);
    IF retry_schedule IS NOT NULL THEN
        PERFORM postrider.check_retry_schedule(retry_schedule);
    END IF;
    BEGIN
        INSERT INTO postrider.endpoints AS e (name, tenant, payload_format, headers, retry_schedule, max_attempts)
        VALUES (name, coalesce(tenant, ''), payload_format, headers,
                coalesce(retry_schedule, '{5 s,5 min,30 min,2 h,5 h,10 h,14 h,20 h,24 h}'),
                coalesce(max_attempts, cardinality(retry_schedule) + 1, 10))
        RETURNING e.id INTO endpoint_id;
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION USING ERRCODE = 'unique_violation',
            MESSAGE = format('there is already an endpoint named %L', name);
    END;
    INSERT INTO postrider.endpoint_urls AS u (endpoint_id, url) VALUES (endpoint_id, url) RETURNING u.id INTO v_url;
    UPDATE postrider.endpoints e SET url_id = v_url WHERE e.id = register_endpoint.endpoint_id;
    INSERT INTO postrider.endpoint_secrets (endpoint_id, secret) VALUES (endpoint_id, signing_secret);
    INSERT INTO postrider.lanes (endpoint_id, timeout, max_in_flight, rate_limit)
    VALUES (endpoint_id, coalesce(timeout, '15 s'), max_in_flight, rate_limit);
    INSERT INTO postrider.endpoint_marks (endpoint_id) VALUES (endpoint_id);
    INSERT INTO postrider.subscriptions (tenant, pattern, endpoint_id)
    SELECT DISTINCT coalesce(tenant, ''), p, endpoint_id FROM unnest(event_types) AS u (p);
END
$f$;

-- Runs a statement that locks lanes and then rows that a settle may have. It must not wait for such a row (see above), so it
-- fails with lock_not_available; then its locks are released and it runs again, 400 times within about two seconds.
--
-- With the caller's rights, and only for texts of this file.
CREATE FUNCTION postrider.patiently(p_statement text) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_result int;
BEGIN
    FOR v_try IN 1 .. 400 LOOP
        BEGIN
            EXECUTE p_statement INTO v_result;
            RETURN v_result;
        EXCEPTION WHEN lock_not_available THEN
            IF v_try = 400 THEN
                RAISE;
            END IF;
            PERFORM pg_sleep(0.005);
        END;
    END LOOP;
END
$f$;

-- FOR UPDATE on the lane: no claim, and no other change of this endpoint, until this one is committed.
CREATE FUNCTION postrider.hold_lane(p_endpoint int, p_limited boolean) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_limit int;
BEGIN
    SELECT l.max_in_flight INTO v_limit FROM postrider.lanes l WHERE l.endpoint_id = p_endpoint FOR UPDATE;
    IF v_limit IS NULL AND p_limited THEN
        -- From now on they are counted, so what is leased must be counted once. No settle is running on any of these
        -- rows, or NOWAIT would fail; a settle that comes later sees the limit.
        UPDATE postrider.lanes l SET lapse_at = clock_timestamp(), leased = (
            SELECT count(*) FROM (
                SELECT 1 FROM postrider.deliveries d
                WHERE d.endpoint_id = p_endpoint AND d.lease_by <> 0 FOR UPDATE NOWAIT) held)
        WHERE l.endpoint_id = p_endpoint;
    END IF;
    RETURN v_limit;
END
$f$;

-- Changes what is given and leaves the rest (NULL). To lift a limit, give 0.
CREATE FUNCTION postrider.update_endpoint(
    name text, url text DEFAULT NULL, event_types text[] DEFAULT NULL, retry_schedule interval[] DEFAULT NULL,
    max_attempts int DEFAULT NULL, timeout interval DEFAULT NULL, max_in_flight int DEFAULT NULL,
    rate_limit real DEFAULT NULL, payload_format text DEFAULT NULL, headers text[] DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_variable
DECLARE
    v_id int := postrider.endpoint_id(name);
    v_url int;
BEGIN
    PERFORM postrider.patiently(format('SELECT postrider.hold_lane(%L, %L)', v_id, max_in_flight > 0));
    IF url IS NOT NULL THEN
        PERFORM postrider.check_url(url);
        INSERT INTO postrider.endpoint_urls AS u (endpoint_id, url) VALUES (v_id, url) RETURNING u.id INTO v_url;
    END IF;
    IF headers IS NOT NULL THEN
        PERFORM postrider.check_headers(headers);
    END IF;
    IF retry_schedule IS NOT NULL THEN
        PERFORM postrider.check_retry_schedule(retry_schedule);
    END IF;
    UPDATE postrider.endpoints e SET
        url_id = coalesce(v_url, e.url_id),
        payload_format = coalesce(update_endpoint.payload_format, e.payload_format),
        headers = coalesce(update_endpoint.headers, e.headers),
        retry_schedule = coalesce(update_endpoint.retry_schedule, e.retry_schedule),
        max_attempts = coalesce(update_endpoint.max_attempts, cardinality(update_endpoint.retry_schedule) + 1, e.max_attempts)
    WHERE e.id = v_id;
    IF event_types IS NOT NULL THEN
        PERFORM postrider.check_patterns(event_types);
        DELETE FROM postrider.subscriptions s WHERE s.endpoint_id = v_id AND s.pattern <> ALL (event_types);
        INSERT INTO postrider.subscriptions (tenant, pattern, endpoint_id)
        SELECT DISTINCT e.tenant, p, v_id FROM unnest(event_types) AS u (p), postrider.endpoints e WHERE e.id = v_id
        ON CONFLICT DO NOTHING;
    END IF;
    UPDATE postrider.lanes l SET
        timeout = coalesce(update_endpoint.timeout, l.timeout),
        max_in_flight = nullif(coalesce(update_endpoint.max_in_flight, l.max_in_flight), 0),
        rate_limit = nullif(coalesce(update_endpoint.rate_limit, l.rate_limit), 0)
    WHERE l.endpoint_id = v_id;
    PERFORM postrider.touch_endpoint(v_id);
END
$f$;

CREATE FUNCTION postrider.pause_endpoint(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id int := postrider.endpoint_id(pause_endpoint.name);
BEGIN
    -- A disabled endpoint stays disabled: that says more, and it is closed already.
    UPDATE postrider.endpoints e SET state = 'paused', state_reason = 'paused by ' || session_user
    WHERE e.id = v_id AND e.state = 'active';
    UPDATE postrider.lanes l SET open_at = 'infinity' WHERE l.endpoint_id = v_id;
    PERFORM postrider.touch_endpoint(v_id);
END
$f$;

CREATE FUNCTION postrider.resume_endpoint(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id int := postrider.endpoint_id(resume_endpoint.name);
BEGIN
    UPDATE postrider.endpoints e SET state = 'active', state_reason = NULL WHERE e.id = v_id;
    UPDATE postrider.lanes l SET open_at = '-infinity' WHERE l.endpoint_id = v_id;
    PERFORM postrider.touch_endpoint(v_id);
END
$f$;

-- By a worker, when an endpoint says that it is gone. What is owed to it is held, and new events are held too.
CREATE FUNCTION postrider.disable_endpoint(p_id int, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    UPDATE postrider.endpoints e SET state = 'disabled', state_reason = p_reason
    WHERE e.id = p_id AND e.state IN ('active', 'paused');
    UPDATE postrider.lanes l SET open_at = 'infinity' WHERE l.endpoint_id = p_id;
    PERFORM postrider.touch_endpoint(p_id);
END
$f$;

-- A new secret signs from now on, first in the list; the old ones sign along until p_grace is over, so that receivers
-- can change at their leisure. Returns the new secret.
CREATE FUNCTION postrider.rotate_secret(name text, secret text DEFAULT NULL, grace interval DEFAULT '24 hours')
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id int := postrider.endpoint_id(rotate_secret.name);
    v_secret text := coalesce(rotate_secret.secret, postrider.new_secret());
BEGIN
    PERFORM postrider.check_secret(v_secret);
    IF rotate_secret.grace IS NULL OR rotate_secret.grace NOT BETWEEN '0' AND '30 days' THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'grace must be between 0 and 30 days';
    END IF;
    PERFORM 1 FROM postrider.lanes l WHERE l.endpoint_id = v_id FOR NO KEY UPDATE;
    IF (SELECT count(*) FROM postrider.endpoint_secrets s WHERE s.endpoint_id = v_id AND s.expires_at > now()) >= 8 THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            MESSAGE = 'this endpoint has 8 live secrets; wait until the oldest has expired';
    END IF;
    UPDATE postrider.endpoint_secrets s SET expires_at = least(s.expires_at, now() + rotate_secret.grace)
    WHERE s.endpoint_id = v_id;
    INSERT INTO postrider.endpoint_secrets (endpoint_id, secret) VALUES (v_id, v_secret);
    PERFORM postrider.touch_endpoint(v_id);
    RETURN v_secret;
END
$f$;

-- Takes live rows away and accounts for them as cancelled. Rows in flight cannot be called back: they are marked, and
-- their attempt is the last one. The caller has locked the lanes, and tries again when this fails
-- with lock_not_available because a settle is running on one of the rows. p_event and p_event_at are an event's key, or NULL.
CREATE FUNCTION postrider.cancel_deliveries(p_event bigint, p_event_at timestamptz, p_endpoint int, p_reason text) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off
AS $f$
DECLARE
    v_count int; v_lanes int[]; v_keys text[]; v_held int[];
BEGIN
    PERFORM 1 FROM postrider.deliveries d
    WHERE d.event_id = coalesce(p_event, d.event_id) AND d.event_at = coalesce(p_event_at, d.event_at)
        AND d.endpoint_id = coalesce(p_endpoint, d.endpoint_id) AND d.lease_by <> 0
    FOR UPDATE NOWAIT;
    WITH gone AS (
        DELETE FROM postrider.deliveries d
        WHERE d.event_id = coalesce(p_event, d.event_id) AND d.event_at = coalesce(p_event_at, d.event_at)
            AND d.endpoint_id = coalesce(p_endpoint, d.endpoint_id) AND d.lease_until <= clock_timestamp()
        RETURNING d.*),
    closed AS (
        INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status, reason)
        SELECT g.event_id, g.event_at, g.endpoint_id, g.attempt, 'cancelled', p_reason FROM gone g)
    SELECT count(*), array_agg(g.endpoint_id) FILTER (WHERE g.ordering_key IS NOT NULL),
           array_agg(g.ordering_key) FILTER (WHERE g.ordering_key IS NOT NULL),
           array_agg(g.endpoint_id) FILTER (WHERE g.lease_by <> 0)
    INTO v_count, v_lanes, v_keys, v_held FROM gone g;
    UPDATE postrider.lanes l SET leased = greatest(0, l.leased - n.count)
    FROM (SELECT u.e, count(*)::int AS count FROM unnest(v_held) AS u (e) GROUP BY u.e) n
    WHERE l.endpoint_id = n.e AND l.max_in_flight IS NOT NULL;
    IF v_keys IS NOT NULL THEN
        PERFORM postrider.promote(v_lanes, v_keys);
    END IF;
    UPDATE postrider.deliveries d SET attempt_base = -1
    WHERE d.event_id = coalesce(p_event, d.event_id) AND d.event_at = coalesce(p_event_at, d.event_at)
        AND d.endpoint_id = coalesce(p_endpoint, d.endpoint_id) AND d.attempt_base <> -1;
    RETURN v_count;
END
$f$;

-- The same with the lanes locked first: that of an endpoint, or all that have live rows of an event.
CREATE FUNCTION postrider.cancel_locked(p_event bigint, p_event_at timestamptz, p_endpoint int, p_reason text) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_endpoint IS NOT NULL THEN
        PERFORM 1 FROM postrider.lanes l WHERE l.endpoint_id = p_endpoint FOR NO KEY UPDATE;
    ELSE
        PERFORM 1 FROM postrider.lanes l
        WHERE l.endpoint_id IN (
            SELECT d.endpoint_id FROM postrider.deliveries d WHERE d.event_id = p_event AND d.event_at = p_event_at)
        ORDER BY l.endpoint_id FOR NO KEY UPDATE;
    END IF;
    RETURN postrider.cancel_deliveries(p_event, p_event_at, p_endpoint, p_reason);
END
$f$;

-- Cancels what is not yet delivered of an event; returns how many deliveries that were. What is in flight at this
-- moment may still arrive, but is not tried again. created_at is needed only when several events have the number, after the
-- sequence was set back.
CREATE FUNCTION postrider.cancel_event(event_id bigint, created_at timestamptz DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_times timestamptz[] := ARRAY(
        SELECT o.created_at FROM postrider.outbox o
        WHERE o.id = cancel_event.event_id
            AND (cancel_event.created_at IS NULL OR o.created_at = cancel_event.created_at)
        LIMIT 2);
BEGIN
    IF cardinality(v_times) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no event %s', cancel_event.event_id);
    ELSIF cardinality(v_times) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'cardinality_violation', MESSAGE = format(
            'several events have the number %s: give created_at too', cancel_event.event_id);
    END IF;
    RETURN postrider.patiently(format(
        'SELECT postrider.cancel_locked(%L, %L, NULL, %L)', cancel_event.event_id, v_times[1],
        'cancelled by ' || session_user));
END
$f$;

-- Removes an endpoint: its subscriptions end, what it is still owed is cancelled, its history stays. Returns how many
-- deliveries were cancelled.
CREATE FUNCTION postrider.remove_endpoint(name text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id int := postrider.endpoint_id(remove_endpoint.name);
    v_count int := postrider.patiently(format(
        'SELECT postrider.cancel_locked(NULL, NULL, %L, %L)', v_id, 'the endpoint was removed by ' || session_user));
BEGIN
    DELETE FROM postrider.subscriptions s WHERE s.endpoint_id = v_id;
    UPDATE postrider.endpoints e SET state = 'removed', state_reason = 'removed by ' || session_user WHERE e.id = v_id;
    UPDATE postrider.lanes l SET open_at = 'infinity' WHERE l.endpoint_id = v_id;
    DELETE FROM postrider.endpoint_secrets s WHERE s.endpoint_id = v_id;
    PERFORM postrider.touch_endpoint(v_id);
    RETURN v_count;
END
$f$;

-- Puts dead letters back into their lanes, with all their attempts before them and a fresh retry schedule.
CREATE FUNCTION postrider.revive(p_ids bigint[]) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_count int;
BEGIN
    WITH risen AS (
        DELETE FROM postrider.dead x USING postrider.endpoints e
        WHERE x.id = ANY (p_ids) AND e.id = x.endpoint_id AND e.state <> 'removed'
        RETURNING x.*)
    INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes, attempt, attempt_base, ordering_key)
    SELECT clock_timestamp(), r.event_id, r.event_at, r.endpoint_id, r.bytes, r.attempts, r.attempts, r.ordering_key
    FROM risen r ORDER BY r.id;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$f$;

CREATE FUNCTION postrider.replay_dead_letter(id bigint) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_count int := postrider.revive(ARRAY[replay_dead_letter.id]);
BEGIN
    IF v_count = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format(
            'there is no dead letter %s whose endpoint still exists', replay_dead_letter.id);
    END IF;
    RETURN v_count;
END
$f$;

-- Replays dead letters by what they are of; NULL means any. Oldest first, at most max_rows; returns how many.
CREATE FUNCTION postrider.replay_dead_letters(
    endpoint text DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    event_type text DEFAULT NULL, max_rows int DEFAULT 10000)
RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    RETURN postrider.revive(ARRAY(
        SELECT x.id FROM postrider.dead x
        JOIN postrider.endpoints e ON e.id = x.endpoint_id
        JOIN postrider.outbox o ON o.created_at = x.event_at AND o.id = x.event_id
        WHERE e.state <> 'removed'
            AND (replay_dead_letters.endpoint IS NULL OR e.name = replay_dead_letters.endpoint)
            AND (replay_dead_letters.since IS NULL OR x.dead_at >= replay_dead_letters.since)
            AND (replay_dead_letters.until IS NULL OR x.dead_at < replay_dead_letters.until)
            AND (replay_dead_letters.event_type IS NULL OR o.event_type = replay_dead_letters.event_type)
        ORDER BY x.id LIMIT greatest(0, replay_dead_letters.max_rows)
        -- Two operators at once replay each letter once.
        FOR UPDATE OF x SKIP LOCKED));
END
$f$;

-- Gives a dead letter up for good, with the reason on record. Its delivery stays `dead`.
CREATE FUNCTION postrider.discard_dead_letter(id bigint, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF discard_dead_letter.why IS NULL OR discard_dead_letter.why !~ '\S' THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'why must be given: the record keeps it';
    END IF;
    WITH gone AS (DELETE FROM postrider.dead x WHERE x.id = discard_dead_letter.id RETURNING x.*)
    INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status, reason, last_http_status,
                                  last_error_code, last_attempt_at, closed_at)
    SELECT g.event_id, g.event_at, g.endpoint_id, g.attempts, 'dead', 'discarded: ' || left(discard_dead_letter.why, 1000),
           g.last_http_status, g.last_error_code, g.last_attempt_at, g.dead_at
    FROM gone g;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no dead letter %s', discard_dead_letter.id);
    END IF;
END
$f$;
