-- 0016 tokens: what customers may do over HTTP (postrider serve --api), each with a token that belongs to one tenant.
--
-- Locks:        ACCESS EXCLUSIVE on settings and acts for an instant, SHARE on endpoints. At run time the row of the token, without
--               waiting for it; then those of the functions that they call, in the order that the head of 0003 says. None waits longer
--               than two seconds for a lock.
-- Old workers:  may keep running.
--
-- The role postrider_api may execute the functions api_… and nothing else. Each takes the SHA-256 of a token and finds the tenant by it:
-- no tenant ever comes from a request, so that a fault in the server cannot cross from one customer to another. What they change
-- goes through the functions that operators call, so there is one rule for URLs, names and types. A token itself is never in here.
--
-- Each returns the status of the answer and its body, with an ETag where it can be changed. What is refused is raised: no_data_found,
-- unique_violation, check_violation with the COLUMN that breaks a rule, and of our own:
--   P0401 no such token, or it has ended   P0403 it may only read     P0409 not in this state
--   P0412 If-Match does not fit            P0422 the key is another's P0429 too much of it at once

SET LOCAL search_path = pg_catalog, pg_temp;

-- A customer's list reads the endpoints of one tenant.
CREATE INDEX endpoints_tenant ON postrider.endpoints (tenant, name) WHERE state <> 'removed';
-- How the receivers that customers register are asked whether they agree.
ALTER TABLE postrider.settings
    ADD COLUMN api_verify text NOT NULL DEFAULT 'none' CHECK (api_verify IN ('none', 'challenge', 'cloudevents'));

CREATE TABLE postrider.tokens (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    tenant text NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 512),
    -- SHA-256 of the token. It has 256 random bits, so there is nothing to guess and nothing to slow down.
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    read_only boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL DEFAULT session_user,
    expires_at timestamptz NOT NULL DEFAULT 'infinity',
    revoked_at timestamptz,
    -- When it was last good for a request, to the minute.
    used_at timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE UNIQUE INDEX tokens_hash ON postrider.tokens (hash);
-- The name of a revoked token is free.
CREATE UNIQUE INDEX tokens_name ON postrider.tokens (name) WHERE revoked_at IS NULL;

-- Tokens, without their hashes. `state` is active, expired or revoked.
CREATE VIEW postrider.token_list AS
SELECT t.name, t.tenant, t.read_only,
       CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.expires_at <= statement_timestamp() THEN 'expired' ELSE 'active' END AS state,
       t.created_at, t.created_by, nullif(t.expires_at, 'infinity') AS expires_at, t.revoked_at,
       nullif(t.used_at, '-infinity') AS last_used_at
FROM postrider.tokens t;

-- ----------------------------------------------------------------------------------------------------------- operators

-- Adds a token by its hash. The token is prt_ and 43 characters of Base64url (32 random bytes); hash is the SHA-256 of that text.
CREATE FUNCTION postrider.add_token(
    name text, tenant text, hash bytea, read_only boolean DEFAULT false, expires interval DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_variable
BEGIN
    PERFORM postrider.check_name(name);
    IF tenant IS NULL OR octet_length(tenant) NOT BETWEEN 1 AND 512 THEN
        PERFORM postrider.refuse('tenant', 'must be 1 to 512 bytes: each customer is a tenant of their own');
    ELSIF hash IS NULL OR octet_length(hash) <> 32 THEN
        PERFORM postrider.refuse('hash', 'must be the SHA-256 of the token');
    END IF;
    PERFORM postrider.check_duration('expires', expires, '1 minute', '3650 days');
    BEGIN
        INSERT INTO postrider.tokens (name, tenant, hash, read_only, expires_at)
        VALUES (name, tenant, hash, coalesce(read_only, false), coalesce(clock_timestamp() + expires, 'infinity'));
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION USING ERRCODE = 'unique_violation', MESSAGE = format('there is already a token named %L', name);
    END;
    PERFORM postrider.note_act('add', format('token %s of tenant %s', name, tenant), 1, NULL);
END
$f$;

-- Ends a token: the next request that bears it is refused. Returns its tenant.
CREATE FUNCTION postrider.revoke_token(name text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_tenant text;
BEGIN
    UPDATE postrider.tokens t SET revoked_at = clock_timestamp()
    WHERE t.name = revoke_token.name AND t.revoked_at IS NULL RETURNING t.tenant INTO v_tenant;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no token named %L', revoke_token.name);
    END IF;
    PERFORM postrider.note_act('revoke', format('token %s of tenant %s', revoke_token.name, v_tenant), 1, NULL);
    RETURN v_tenant;
END
$f$;

-- Who acts: the login, and for a customer which token. A login can say that it acts by a token, but never that it is another login.
CREATE FUNCTION postrider.acting() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT session_user || coalesce(' by token ' || nullif(left(current_setting('postrider.token', true), 200), ''), '')
$f$;
ALTER TABLE postrider.acts ALTER COLUMN by_whom SET DEFAULT postrider.acting();

-- ------------------------------------------------------------------------------------------------------- inner functions

-- The tenant of a token. The record of what is done in this transaction names the token.
CREATE FUNCTION postrider.token_tenant(p_token bytea, p_writes boolean) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_token record;
BEGIN
    -- By the index of hashes: how long it takes says nothing of a hash that is nearly right.
    SELECT t.id, t.name, t.tenant, t.read_only, t.used_at INTO v_token FROM postrider.tokens t
    WHERE t.hash = p_token AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp();
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0401', MESSAGE = 'there is no such token, or it has ended';
    ELSIF p_writes AND v_token.read_only THEN
        RAISE EXCEPTION USING ERRCODE = 'P0403', MESSAGE = 'this token may only read';
    END IF;
    PERFORM set_config('postrider.token', v_token.name, true);
    -- Once a minute, so that a request stays cheap. Of several at once one writes and none waits, nor for a session that revokes it.
    IF v_token.used_at < clock_timestamp() - interval '1 minute' AND current_setting('transaction_read_only') = 'off' THEN
        UPDATE postrider.tokens t SET used_at = clock_timestamp()
        WHERE t.id = (SELECT k.id FROM postrider.tokens k WHERE k.id = v_token.id AND k.used_at = v_token.used_at
                      FOR NO KEY UPDATE SKIP LOCKED);
    END IF;
    RETURN v_token.tenant;
END
$f$;

-- RFC 3339 in UTC; NULL for none and for the infinities.
CREATE FUNCTION postrider.api_time(p_time timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT CASE WHEN isfinite(p_time) THEN to_char(p_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END
$f$;

-- What a customer sees of an endpoint. Why it is in its state is said in words of ours: those of operators and of what failed within name
-- logins and addresses.
CREATE FUNCTION postrider.api_webhook(p_id int) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT jsonb_build_object(
        'name', e.name, 'webhook_url', u.url,
        'event_types', ARRAY(SELECT s.pattern FROM postrider.subscriptions s WHERE s.endpoint_id = e.id ORDER BY s.pattern COLLATE "C"),
        'description', e.description, 'state', postrider.state_shown(e.state, l.closures),
        'state_reason', CASE postrider.state_shown(e.state, l.closures)
            WHEN 'verifying' THEN 'its receiver has not agreed yet'
            WHEN 'failing' THEN concat_ws(' ', m.consecutive_failures || ' failures in a row, the last:', m.last_error_code, m.last_http_status)
            WHEN 'disabled' THEN concat_ws(' ', 'its receiver wants no more, or failed for too long; the last failure:',
                                           coalesce(m.last_error_code, 'none'), m.last_http_status) END,
        'created_at', postrider.api_time(e.created_at), 'updated_at', postrider.api_time(e.updated_at))
    FROM postrider.endpoints e
    JOIN postrider.endpoint_urls u ON u.id = e.url_id
    JOIN postrider.lanes l ON l.endpoint_id = e.id
    JOIN postrider.endpoint_marks m ON m.endpoint_id = e.id
    WHERE e.id = p_id
$f$;

-- Changes with all of an endpoint that a customer or an operator can change; not with how it is doing, so that a failing receiver keeps
-- no customer from changing its URL.
CREATE FUNCTION postrider.api_etag(p_id int) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT '"' || left(encode(sha256(convert_to(
        (postrider.api_webhook(e.id) - 'state' - 'state_reason' || jsonb_build_object('id', e.id, 'state', e.state))::text, 'UTF8')), 'hex'), 32) || '"'
    FROM postrider.endpoints e WHERE e.id = p_id
$f$;

-- Locks an endpoint for a change, where the ETag that the customer saw last is its own still. p_match: NULL for none, {*} for any.
CREATE FUNCTION postrider.api_hold(p_name text, p_tenant text, p_match text[]) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id int := postrider.hold_endpoint(p_name, p_tenant);
BEGIN
    IF p_match <> '{*}' AND postrider.api_etag(v_id) <> ALL (p_match) THEN
        RAISE EXCEPTION USING ERRCODE = 'P0412', MESSAGE = 'the webhook was changed since: read it again';
    END IF;
    RETURN v_id;
END
$f$;

-- The id of a delivery: its event's webhook id with the number of the endpoint.
CREATE FUNCTION postrider.api_delivery_id(p_event_at timestamptz, p_event bigint, p_endpoint int) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT 'dlv_' || substr(postrider.webhook_id(p_event_at, p_event), 5) || '_' || p_endpoint
$f$;

-- A delivery by its id, where its endpoint is one of this tenant's. dead_id: of its dead letter. Costs what the endpoint's own queue
-- holds, and look-ups.
CREATE FUNCTION postrider.api_find_delivery(
    p_tenant text, p_id text, OUT endpoint_id int, OUT endpoint text, OUT event_id bigint, OUT event_at timestamptz, OUT status text,
    OUT attempts int, OUT due_at timestamptz, OUT finished_at timestamptz, OUT dead_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET jit = off
AS $f$
#variable_conflict use_column
DECLARE
    v_parts text[] := regexp_match(p_id, '^dlv_[0-9a-f]{8}([0-9a-f]{13})_([1-9][0-9]{0,17})_([1-9][0-9]{0,9})$');
    v_lane int; v_name text; v_event bigint; v_at timestamptz; v_found record;
BEGIN
    SELECT e.id, e.name INTO v_lane, v_name FROM postrider.endpoints e
    WHERE e.id = v_parts[3]::bigint AND e.tenant = p_tenant AND e.state <> 'removed';
    v_event := v_parts[2]::bigint;
    v_at := timestamptz '2000-01-01 00:00:00+00' + ('x' || lpad(v_parts[1], 16, '0'))::bit(64)::bigint * interval '1 microsecond';
    SELECT * INTO v_found FROM (
        SELECT 1 AS rank,
               CASE WHEN d.lease_until > now() THEN 'in_flight'
                    WHEN postrider.is_held(l.open_at) THEN 'held'
                    WHEN d.due_at = 'infinity' AND (
                        SELECT h.due_at > now() OR h.attempt > h.attempt_base + (h.lease_until > now())::int
                        FROM postrider.deliveries h WHERE h.endpoint_id = d.endpoint_id AND h.ordering_key = d.ordering_key
                        ORDER BY h.id LIMIT 1) THEN 'blocked'
                    WHEN d.attempt > d.attempt_base THEN 'retrying'
                    ELSE 'pending' END AS status,
               d.attempt - coalesce(d.unsent, 0) AS attempts, d.due_at, NULL::timestamptz AS finished_at, NULL::bigint AS dead_id
        FROM postrider.deliveries d JOIN postrider.lanes l ON l.endpoint_id = d.endpoint_id
        WHERE d.endpoint_id = v_lane AND d.event_id = v_event AND d.event_at = v_at
        UNION ALL
        SELECT 2, 'dead', x.attempts, NULL, x.dead_at, x.id FROM postrider.dead x
        WHERE x.endpoint_id = v_lane AND x.event_id = v_event AND x.event_at = v_at
        UNION ALL
        SELECT 3, c.status, c.attempts, NULL, c.closed_at, NULL FROM postrider.closed c
        WHERE c.endpoint_id = v_lane AND c.event_id = v_event AND c.event_at = v_at
        UNION ALL
        SELECT 4, 'delivered', a.attempt - coalesce(a.unsent, 0), NULL, a.started_at + a.duration_us * interval '1 us', NULL
        FROM postrider.attempts a
        WHERE a.endpoint_id = v_lane AND a.event_id = v_event AND a.event_at = v_at AND a.outcome = 0
            AND a.started_at > v_at - interval '2 days') f
    ORDER BY f.rank LIMIT 1;
    IF v_found.status IS NULL OR p_id <> postrider.api_delivery_id(v_at, v_event, v_lane) THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = 'there is no such delivery';
    END IF;
    endpoint_id := v_lane; endpoint := v_name; event_id := v_event; event_at := v_at;
    status := v_found.status; attempts := v_found.attempts; due_at := v_found.due_at; finished_at := v_found.finished_at;
    dead_id := v_found.dead_id;
END
$f$;

-- ------------------------------------------------------------------------------------- what the role postrider_api may execute

-- The tenant of a token: secrets are sealed for it by the process that has the key.
CREATE FUNCTION postrider.api_tenant(p_token bytea) RETURNS text
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
    SELECT postrider.token_tenant(p_token, true)
$f$;

-- p_secret: sealed, or NULL for one that is made here and is in the answer.
CREATE FUNCTION postrider.api_register(
    p_token bytea, p_name text, p_url text, p_event_types text[], p_description text, p_secret text,
    OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2 s' AS $f$
DECLARE
    v_tenant text := postrider.token_tenant(p_token, true);
    v_made record;
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM postrider.endpoints e WHERE e.tenant = v_tenant AND e.state <> 'removed' LIMIT 1000) n) >= 1000 THEN
        RAISE EXCEPTION USING ERRCODE = 'P0429', MESSAGE = 'there are 1000 webhooks already; delete one first';
    END IF;
    SELECT * INTO v_made FROM postrider.register_endpoint(
        p_name, p_url, coalesce(p_event_types, '{*}'), p_secret, v_tenant, verify => (SELECT s.api_verify FROM postrider.settings s));
    UPDATE postrider.endpoints e SET description = p_description WHERE e.id = v_made.endpoint_id;
    status := 201; etag := postrider.api_etag(v_made.endpoint_id);
    body := (postrider.api_webhook(v_made.endpoint_id)
             || CASE WHEN p_secret IS NULL THEN jsonb_build_object('secret', v_made.signing_secret) ELSE '{}' END)::text;
END
$f$;

CREATE FUNCTION postrider.api_list(p_token bytea, p_after text, p_limit int, OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_tenant text := postrider.token_tenant(p_token, false);
    v_limit int := least(greatest(p_limit, 1), 100);
BEGIN
    status := 200;
    SELECT jsonb_build_object(
        'webhooks', coalesce(jsonb_agg(postrider.api_webhook(n.id) ORDER BY n.name) FILTER (WHERE n.place <= v_limit), '[]'),
        -- One more tells that there is a next page.
        'next_cursor', CASE WHEN count(*) > v_limit
            THEN encode(convert_to(max(n.name) FILTER (WHERE n.place = v_limit), 'UTF8'), 'hex') END)::text
    INTO body
    FROM (SELECT e.id, e.name, row_number() OVER (ORDER BY e.name) AS place FROM postrider.endpoints e
          WHERE e.tenant = v_tenant AND e.state <> 'removed' AND (p_after IS NULL OR e.name > p_after)
          ORDER BY e.name LIMIT v_limit + 1) n;
END
$f$;

CREATE FUNCTION postrider.api_show(p_token bytea, p_name text, OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id int := postrider.endpoint_id(p_name, postrider.token_tenant(p_token, false));
BEGIN
    status := 200; body := postrider.api_webhook(v_id)::text; etag := postrider.api_etag(v_id);
END
$f$;

-- What is NULL stays; the description changes where p_describes says so.
CREATE FUNCTION postrider.api_update(
    p_token bytea, p_name text, p_match text[], p_url text, p_event_types text[], p_describes boolean, p_description text,
    OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2 s' AS $f$
DECLARE
    v_tenant text := postrider.token_tenant(p_token, true);
    v_id int := postrider.api_hold(p_name, v_tenant, p_match);
BEGIN
    IF p_describes THEN
        UPDATE postrider.endpoints e SET description = p_description WHERE e.id = v_id;
    END IF;
    IF num_nonnulls(p_url, p_event_types) > 0 OR p_describes THEN
        PERFORM postrider.update_endpoint(p_name, p_url, p_event_types, tenant => v_tenant);
    END IF;
    status := 200; body := postrider.api_webhook(v_id)::text; etag := postrider.api_etag(v_id);
END
$f$;

CREATE FUNCTION postrider.api_remove(p_token bytea, p_name text, p_match text[], OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2 s' AS $f$
DECLARE
    v_tenant text := postrider.token_tenant(p_token, true);
BEGIN
    PERFORM postrider.api_hold(p_name, v_tenant, p_match);
    PERFORM postrider.remove_endpoint(p_name, v_tenant);
    status := 204; body := '';
END
$f$;

-- p_secret and p_signing_key: sealed, or NULL for those that are made here. The old secret signs along for a day.
CREATE FUNCTION postrider.api_rotate_secret(
    p_token bytea, p_name text, p_match text[], p_secret text, p_signing_key text, p_public_key text,
    OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2 s' AS $f$
DECLARE
    v_tenant text := postrider.token_tenant(p_token, true);
    v_id int := postrider.api_hold(p_name, v_tenant, p_match);
    v_secret text;
BEGIN
    v_secret := postrider.rotate_secret(p_name, p_secret, '24 hours', v_tenant, p_signing_key, p_public_key);
    status := 200; etag := postrider.api_etag(v_id);
    body := (jsonb_build_object('name', p_name)
             || CASE WHEN p_secret IS NULL THEN jsonb_build_object('secret', v_secret) ELSE '{}' END)::text;
END
$f$;

CREATE FUNCTION postrider.api_pause(p_token bytea, p_name text, p_match text[], OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2 s' AS $f$
DECLARE
    v_tenant text := postrider.token_tenant(p_token, true);
    v_id int := postrider.api_hold(p_name, v_tenant, p_match);
BEGIN
    PERFORM postrider.pause_endpoint(p_name, v_tenant);
    status := 200; body := postrider.api_webhook(v_id)::text; etag := postrider.api_etag(v_id);
END
$f$;

-- What an operator paused a customer does not resume: it was paused by another login.
CREATE FUNCTION postrider.api_resume(p_token bytea, p_name text, p_match text[], OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2 s' AS $f$
DECLARE
    v_tenant text := postrider.token_tenant(p_token, true);
    v_id int := postrider.api_hold(p_name, v_tenant, p_match);
BEGIN
    IF (SELECT e.state = 'paused' AND e.state_reason IS DISTINCT FROM 'paused by ' || session_user
        FROM postrider.endpoints e WHERE e.id = v_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'P0409', MESSAGE = 'it was paused by the operator of this service';
    END IF;
    PERFORM postrider.resume_endpoint(p_name, v_tenant);
    status := 200; body := postrider.api_webhook(v_id)::text; etag := postrider.api_etag(v_id);
END
$f$;

-- Publishes an event for this endpoint alone, which workers deliver like any other.
CREATE FUNCTION postrider.api_test(p_token bytea, p_name text, OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2 s' AS $f$
DECLARE
    v_tenant text := postrider.token_tenant(p_token, true);
    v_id int := postrider.endpoint_id(p_name, v_tenant);
    v_event record;
BEGIN
    SELECT * INTO v_event FROM postrider.publish(
        'postrider.ping', json '{"ping": true}', endpoint => p_name, tenant => v_tenant);
    status := 202;
    body := jsonb_build_object('event_id', v_event.webhook_id, 'delivery_id', 'dlv_' || substr(v_event.webhook_id, 5) || '_' || v_id)::text;
END
$f$;

-- The deliveries of an endpoint, the newest event first, before the event p_before, at most p_limit. It looks at 10,000 events of all
-- tenants at most: then the page ends where it came to, perhaps with fewer rows, and next_cursor goes on from there.
CREATE FUNCTION postrider.api_deliveries(
    p_token bytea, p_name text, p_status text, p_since timestamptz, p_before text, p_limit int,
    OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_column
DECLARE
    v_portion CONSTANT int := 1000;
    v_limit int := least(greatest(p_limit, 1), 100);
    v_tenant text := postrider.token_tenant(p_token, false);
    v_id int := postrider.endpoint_id(p_name, v_tenant);
    v_source text := CASE WHEN p_status IN ('pending', 'in_flight', 'retrying', 'held', 'blocked') THEN 'live'
                          WHEN p_status = 'dead' THEN 'dead'
                          WHEN p_status IN ('expired', 'cancelled', 'filtered', 'superseded') THEN 'closed' ELSE 'events' END;
    -- Of one that had this name before, and was removed, there is nothing since then.
    v_since timestamptz := greatest(p_since, (SELECT e.created_at FROM postrider.endpoints e WHERE e.id = v_id));
    v_parts text[] := regexp_match(p_before, '^([0-9a-f]{13})_([1-9][0-9]{0,17})$');
    v_at timestamptz := 'infinity'; v_event bigint := 9223372036854775807;
    v_rows jsonb := '[]'; v_next text; v_seen int; v_row record;
BEGIN
    IF v_parts IS NOT NULL THEN
        v_at := timestamptz '2000-01-01 00:00:00+00' + ('x' || lpad(v_parts[1], 16, '0'))::bit(64)::bigint * interval '1 microsecond';
        v_event := v_parts[2]::bigint;
    END IF;
    <<portions>>
    FOR i IN 1..10 LOOP
        v_seen := 0;
        FOR v_row IN SELECT * FROM postrider.find_events(
            v_source, NULL, v_at, v_event, v_portion, v_limit + 1 - jsonb_array_length(v_rows), v_tenant, NULL, p_name, v_since, NULL,
            p_status, NULL, NULL, NULL, NULL, NULL) LOOP
            IF v_row.event_id IS NULL THEN
                v_seen := v_row.seen; v_at := v_row.reached_at; v_event := v_row.reached_id;
                CONTINUE;
            ELSIF jsonb_array_length(v_rows) = v_limit THEN
                -- One more: the next page begins behind the last that is shown.
                v_next := substr(v_rows -> -1 ->> 'event_id', 13);
                EXIT portions;
            END IF;
            v_rows := v_rows || jsonb_build_object(
                'id', postrider.api_delivery_id(v_row.created_at, v_row.event_id, v_id),
                'event_id', postrider.webhook_id(v_row.created_at, v_row.event_id), 'event_type', v_row.event_type,
                'webhook', p_name, 'status', v_row.status, 'attempt_count', v_row.attempts,
                'last_http_status', v_row.last_http_status, 'last_error_code', v_row.last_error_code,
                'created_at', postrider.api_time(v_row.created_at), 'due_at', postrider.api_time(v_row.due_at),
                'last_attempt_at', postrider.api_time(v_row.last_attempt_at), 'finished_at', postrider.api_time(v_row.finished_at));
        END LOOP;
        v_next := CASE WHEN v_seen = v_portion THEN substr(postrider.webhook_id(v_at, v_event), 13) END;
        EXIT WHEN v_next IS NULL;
    END LOOP;
    status := 200; body := jsonb_build_object('deliveries', v_rows, 'next_cursor', v_next)::text;
END
$f$;

-- A delivery with its last 100 attempts. What was answered, from where and with what words, is not a customer's to read: it may come from
-- within a network that only workers reach.
CREATE FUNCTION postrider.api_delivery(p_token bytea, p_id text, OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_found record;
BEGIN
    SELECT * INTO v_found FROM postrider.api_find_delivery(postrider.token_tenant(p_token, false), p_id);
    status := 200;
    SELECT (jsonb_build_object(
        'id', p_id, 'event_id', postrider.webhook_id(v_found.event_at, v_found.event_id),
        'event_type', (SELECT o.event_type FROM postrider.outbox o WHERE o.created_at = v_found.event_at AND o.id = v_found.event_id),
        'webhook', v_found.endpoint, 'status', v_found.status, 'attempt_count', v_found.attempts,
        'created_at', postrider.api_time(v_found.event_at), 'due_at', postrider.api_time(v_found.due_at),
        'finished_at', postrider.api_time(v_found.finished_at))
        || jsonb_build_object('attempts', coalesce(jsonb_agg(jsonb_build_object(
            'attempt', n.attempt, 'started_at', postrider.api_time(n.started_at), 'duration_ms', round(n.duration_us / 1000.0, 3),
            'outcome', (ARRAY['delivered', 'retry', 'dead', 'stale', 'delivered'])[n.outcome + 1],
            'http_status', n.http_status, 'error_code', n.error_code) ORDER BY n.attempt, n.started_at), '[]')))::text INTO body
    FROM (SELECT a.attempt, a.started_at, a.duration_us, a.outcome, a.http_status, a.error_code FROM postrider.attempts a
          WHERE a.event_id = v_found.event_id AND a.event_at = v_found.event_at AND a.endpoint_id = v_found.endpoint_id
              AND a.started_at > v_found.event_at - interval '2 days'
          ORDER BY a.attempt DESC, a.started_at DESC LIMIT 100) n;
END
$f$;

-- Sends a delivery again that has ended. A dead letter is due at once; of anything else workers make a delivery, by a replay.
CREATE FUNCTION postrider.api_replay(p_token bytea, p_id text, OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2 s' AS $f$
DECLARE
    v_tenant text := postrider.token_tenant(p_token, true);
    v_found record;
BEGIN
    SELECT * INTO v_found FROM postrider.api_find_delivery(v_tenant, p_id);
    IF v_found.finished_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'P0409', MESSAGE = 'the delivery has not ended: it is ' || v_found.status;
    ELSIF v_found.dead_id IS NOT NULL THEN
        IF postrider.replay_dead_letter(v_found.dead_id, tenant => v_tenant) = 0 THEN
            RAISE EXCEPTION USING ERRCODE = 'P0409', MESSAGE = 'the event of the delivery has expired';
        END IF;
    ELSIF v_found.status NOT IN ('delivered', 'filtered', 'superseded') THEN
        RAISE EXCEPTION USING ERRCODE = 'P0409', MESSAGE = 'the delivery cannot be sent again: it is ' || v_found.status;
    ELSE
        IF (SELECT count(*) FROM postrider.replays r WHERE r.ended_at IS NULL AND r.tenant = v_tenant) >= 10 THEN
            RAISE EXCEPTION USING ERRCODE = 'P0429', MESSAGE = 'ten replays are running already';
        END IF;
        PERFORM postrider.replay_events(
            ARRAY[v_found.event_id], v_found.endpoint, since => v_found.event_at, until => v_found.event_at + interval '1 us',
            tenant => v_tenant);
    END IF;
    status := 202; body := jsonb_build_object('id', p_id)::text;
END
$f$;

-- 201 for a new event, 200 for one that this key has published already.
CREATE FUNCTION postrider.api_publish(
    p_token bytea, p_event_type text, p_payload text, p_ordering_key text, p_key text, OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2 s' AS $f$
DECLARE
    v_tenant text := postrider.token_tenant(p_token, true);
    v_event record;
BEGIN
    -- These say how the outbox itself is doing.
    IF starts_with(p_event_type, 'postrider.') THEN
        PERFORM postrider.refuse('event_type', 'must not begin with postrider.');
    END IF;
    SELECT * INTO v_event FROM postrider.publish(
        p_event_type, p_payload::json, ordering_key => p_ordering_key, idempotency_key => p_key, tenant => v_tenant);
    IF v_event.reused AND NOT EXISTS (
        SELECT FROM postrider.idempotency_keys k
        WHERE k.tenant = v_tenant AND k.idempotency_key = p_key
            AND k.fingerprint = sha256(convert_to(p_event_type || ' ' || p_payload, 'UTF8'))) THEN
        RAISE EXCEPTION USING ERRCODE = 'P0422', MESSAGE = 'this Idempotency-Key belongs to an event with other content';
    END IF;
    status := CASE WHEN v_event.reused THEN 200 ELSE 201 END;
    body := jsonb_build_object('event_id', v_event.webhook_id, 'duplicate', v_event.reused)::text;
END
$f$;

-- The types that are described, in order. A page ends early where it would hold more than a mebibyte of schemas and examples.
CREATE FUNCTION postrider.api_event_types(p_token bytea, p_after text, p_limit int, OUT status int, OUT body text, OUT etag text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_limit int := least(greatest(p_limit, 1), 100);
BEGIN
    PERFORM postrider.token_tenant(p_token, false);
    status := 200;
    SELECT json_build_object(
        'event_types', coalesce(json_agg(json_build_object(
            'event_type', n.event_type, 'description', n.description, 'schema', n.schema, 'example', n.example) ORDER BY n.event_type)
            FILTER (WHERE n.is_shown), '[]'),
        'next_cursor', CASE WHEN count(*) > count(*) FILTER (WHERE n.is_shown)
            THEN encode(convert_to(max(n.event_type) FILTER (WHERE n.is_shown), 'UTF8'), 'hex') END)::text
    INTO body
    FROM (SELECT c.event_type, c.description, c.schema, c.example,
                 row_number() OVER w <= v_limit AND (row_number() OVER w = 1 OR sum(
                     coalesce(octet_length(c.schema::text), 0) + coalesce(octet_length(c.example::text), 0)) OVER w <= 1048576) AS is_shown
          FROM (SELECT k.event_type COLLATE "C" AS event_type, k.description, k.schema, k.example FROM postrider.catalogue k
                WHERE NOT starts_with(k.event_type, 'postrider.') AND (p_after IS NULL OR k.event_type COLLATE "C" > p_after)
                ORDER BY k.event_type COLLATE "C" LIMIT v_limit + 1) c
          WINDOW w AS (ORDER BY c.event_type)) n;
END
$f$;

-- --------------------------------------------------------------------------------------------------------------- roles

DO $make$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'postrider_api') THEN
        BEGIN
            CREATE ROLE postrider_api NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;   -- another database's migration was quicker
        END;
    END IF;
END
$make$;

REVOKE ALL ON ALL TABLES IN SCHEMA postrider FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA postrider FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA postrider FROM PUBLIC;

-- What a token lets its bearer do, and whether the schema fits.
GRANT USAGE ON SCHEMA postrider TO postrider_api;
GRANT SELECT ON postrider.schema_migrations TO postrider_api;
GRANT EXECUTE ON FUNCTION
    postrider.api_tenant(bytea), postrider.api_register(bytea, text, text, text[], text, text), postrider.api_list(bytea, text, int),
    postrider.api_show(bytea, text), postrider.api_update(bytea, text, text[], text, text[], boolean, text),
    postrider.api_remove(bytea, text, text[]), postrider.api_rotate_secret(bytea, text, text[], text, text, text),
    postrider.api_pause(bytea, text, text[]), postrider.api_resume(bytea, text, text[]), postrider.api_test(bytea, text),
    postrider.api_deliveries(bytea, text, text, timestamptz, text, int), postrider.api_delivery(bytea, text),
    postrider.api_replay(bytea, text), postrider.api_publish(bytea, text, text, text, text), postrider.api_event_types(bytea, text, int)
TO postrider_api;

-- Not the hashes.
GRANT SELECT ON postrider.token_list TO postrider_operator;
GRANT SELECT (id) ON postrider.tokens TO postrider_operator, postrider_worker;
GRANT SELECT ON SEQUENCE postrider.tokens_id_seq TO postrider_operator, postrider_worker;
GRANT EXECUTE ON FUNCTION
    postrider.add_token(text, text, bytea, boolean, interval), postrider.revoke_token(text)
TO postrider_operator;
