-- 0006 housekeeping: what workers do on the side. Every worker calls these; a duty is done by one at a time.
--
-- Locks:        none at migration. At run time: attaching a partition takes ACCESS EXCLUSIVE on the DEFAULT partition,
--               dropping one takes ACCESS EXCLUSIVE on its parent, both under a lock_timeout of 2 s, and after a
--               TRUNCATE, so that a producer waits for an instant only.
-- Old workers:  may keep running.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE postrider.duties (
    duty text PRIMARY KEY,
    every interval NOT NULL,
    last_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);

-- The duties that there must be. Those that look at everything are first due an interval from now: at the start there is
-- nothing to repair.
CREATE FUNCTION postrider.standard_duties() RETURNS TABLE (duty text, every interval, last_at timestamptz)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    VALUES ('partitions', interval '1 hour', timestamptz '-infinity'), ('retention', '1 hour', '-infinity'),
        ('keys', '1 minute', '-infinity'), ('workers', '1 hour', '-infinity'), ('vacuum', '5 seconds', '-infinity'),
        ('repair', '1 minute', clock_timestamp()), ('repair_all', '1 day', clock_timestamp())
$f$;

-- Puts back rows without which nothing is done on the side, after a TRUNCATE or when data alone was loaded; and makes the tag in
-- postrider.installation() that of the settings, so that events which were loaded with them keep their ids. Returns what it did.
CREATE FUNCTION postrider.put_back_rows() RETURNS SETOF text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_column
DECLARE
    v_tag text;
BEGIN
    RETURN QUERY WITH made AS (
        INSERT INTO postrider.settings DEFAULT VALUES ON CONFLICT DO NOTHING RETURNING 'settings')
    SELECT m.* FROM made m;
    RETURN QUERY WITH made AS (
        INSERT INTO postrider.duties (duty, every, last_at)
        SELECT s.duty, s.every, s.last_at FROM postrider.standard_duties() s
        ON CONFLICT DO NOTHING RETURNING 'duty ' || duty)
    SELECT m.* FROM made m;
    SELECT s.installation INTO v_tag FROM postrider.settings s;
    IF v_tag <> postrider.installation() THEN
        EXECUTE format('CREATE OR REPLACE FUNCTION postrider.installation() RETURNS text '
                       'LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %L::text', v_tag);
        RETURN NEXT 'installation ' || v_tag;
    END IF;
END
$f$;
SELECT postrider.put_back_rows();

-- True when the duty is due and no other session does it; the row lock lasts until the transaction ends. A table's row, not
-- an advisory lock, because any session of the database could sit on one of those.
CREATE FUNCTION postrider.take_duty(p_duty text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM 1 FROM postrider.duties d
    WHERE d.duty = p_duty AND d.last_at <= clock_timestamp() - d.every FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE postrider.duties d SET last_at = clock_timestamp() WHERE d.duty = p_duty;
    RETURN true;
END
$f$;

-- Makes the daily partition of p_parent for p_day unless it is there. Rows that found no partition and went to DEFAULT
-- are moved into it. Not for a day of which rows may arrive just now: an insert that has chosen DEFAULT and waits for our
-- lock would fail when it finds that DEFAULT does not take the day any more.
CREATE FUNCTION postrider.make_partition(p_parent text, p_day date) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_name text := format('%s_p%s', p_parent, to_char(p_day, 'YYYYMMDD'));
    v_from timestamptz := p_day::timestamp AT TIME ZONE 'UTC';
    v_until timestamptz := (p_day + 1)::timestamp AT TIME ZONE 'UTC';
    v_key text := CASE p_parent WHEN 'outbox' THEN 'created_at' ELSE 'started_at' END;
BEGIN
    IF to_regclass(format('postrider.%I', v_name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM set_config('lock_timeout', '2s', true);
    -- First the lock on DEFAULT, then the copy: no row can slip in between.
    EXECUTE format('LOCK TABLE postrider.%I IN ACCESS EXCLUSIVE MODE', p_parent || '_default');
    EXECUTE format('CREATE TABLE postrider.%I (LIKE postrider.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)',
                   v_name, p_parent);
    EXECUTE format('WITH moved AS (DELETE FROM postrider.%I WHERE %I >= %L AND %I < %L RETURNING *) '
                   'INSERT INTO postrider.%I SELECT * FROM moved',
                   p_parent || '_default', v_key, v_from, v_key, v_until, v_name);
    EXECUTE format('ALTER TABLE postrider.%I ATTACH PARTITION postrider.%I FOR VALUES FROM (%L) TO (%L)',
                   p_parent, v_name, v_from, v_until);
    RETURN true;
END
$f$;

-- Partitions for the p_days to come, in UTC days; and for days that are over for certain, whose rows found none: what
-- stays in DEFAULT is never dropped. Returns how many were made.
CREATE FUNCTION postrider.ensure_partitions(p_days int DEFAULT 7) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    v_over timestamptz := (v_today - 1)::timestamp AT TIME ZONE 'UTC';
    v_count int := 0;
    v_day date;
BEGIN
    FOR i IN 1 .. least(p_days, 60) LOOP
        v_count := v_count + postrider.make_partition('outbox', v_today + i)::int
                           + postrider.make_partition('attempts', v_today + i)::int;
    END LOOP;
    FOREACH v_day IN ARRAY ARRAY(
        SELECT DISTINCT (o.created_at AT TIME ZONE 'UTC')::date FROM postrider.outbox_default o
        WHERE o.created_at < v_over LIMIT 60) LOOP
        v_count := v_count + postrider.make_partition('outbox', v_day)::int;
    END LOOP;
    FOREACH v_day IN ARRAY ARRAY(
        SELECT DISTINCT (a.started_at AT TIME ZONE 'UTC')::date FROM postrider.attempts_default a
        WHERE a.started_at < v_over LIMIT 60) LOOP
        v_count := v_count + postrider.make_partition('attempts', v_day)::int;
    END LOOP;
    RETURN v_count;
END
$f$;

CREATE FUNCTION postrider.keep_partitions() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF NOT postrider.take_duty('partitions') THEN
        RETURN 0;
    END IF;
    RETURN postrider.ensure_partitions(7);
END
$f$;

-- Drops the oldest partition that is past its retention, one a call: events first, then attempts, so that no event ever
-- outlives the record of what became of it. A day that live deliveries or dead letters still need is kept.
CREATE FUNCTION postrider.keep_retention() RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_before timestamptz := clock_timestamp() - (SELECT s.retention FROM postrider.settings s);
    v_part record;
BEGIN
    IF NOT postrider.take_duty('retention') THEN
        RETURN NULL;
    END IF;
    DELETE FROM postrider.idempotency_keys k
    WHERE k.event_at < clock_timestamp() - (SELECT s.idempotency_retention FROM postrider.settings s);
    FOR v_part IN
        SELECT p.relname AS parent, c.relname AS name, d.day, d.day + interval '1 day' AS day_end
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_class p ON p.oid = i.inhparent
        JOIN pg_namespace n ON n.oid = p.relnamespace
        CROSS JOIN LATERAL (
            SELECT to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC' AS day) d
        WHERE n.nspname = 'postrider' AND p.relname IN ('outbox', 'attempts') AND c.relname ~ '_p[0-9]{8}$'
            AND d.day + interval '1 day' < v_before
        ORDER BY p.relname DESC, d.day
    LOOP
        IF v_part.parent = 'outbox' AND (
            EXISTS (SELECT FROM postrider.deliveries x WHERE x.event_at >= v_part.day AND x.event_at < v_part.day_end)
            OR EXISTS (SELECT FROM postrider.dead x WHERE x.event_at >= v_part.day AND x.event_at < v_part.day_end)) THEN
            CONTINUE;
        END IF;
        -- The attempts of a day tell of the events of that day and of earlier ones.
        IF v_part.parent = 'attempts'
            AND EXISTS (SELECT FROM postrider.outbox o WHERE o.created_at < v_part.day_end) THEN
            CONTINUE;
        END IF;
        PERFORM set_config('lock_timeout', '2s', true);
        EXECUTE format('TRUNCATE postrider.%I', v_part.name);
        EXECUTE format('DROP TABLE postrider.%I', v_part.name);
        DELETE FROM postrider.closed c WHERE v_part.parent = 'outbox' AND c.event_at >= v_part.day
            AND c.event_at < v_part.day_end;
        -- Come back at once for the next one.
        UPDATE postrider.duties SET last_at = '-infinity' WHERE duty = 'retention';
        RETURN v_part.name;
    END LOOP;
    RETURN NULL;
END
$f$;

-- Owes what the trigger missed: it does not fire in logical replication or under session_replication_role = replica.
-- The same rule as the view `unaccounted`, written for many events at once: types are matched once each, and what is
-- accounted for is hashed once.
-- Planned again each time, and without nested loops where there is a choice: a plan for empty tables, or for tables that
-- only count as empty since they were vacuumed then, would be quadratic for full ones.
CREATE FUNCTION postrider.repair_fan_out(p_since timestamptz) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_nestloop = off SET jit = off
AS $f$
DECLARE
    v_count int;
BEGIN
    -- One at a time: two that both see a delivery missing would both make it.
    PERFORM 1 FROM postrider.duties d WHERE d.duty = 'repair_all' FOR NO KEY UPDATE;
    WITH recent AS MATERIALIZED (
        SELECT o.id, o.created_at, o.tenant, o.event_type, o.endpoint
        FROM postrider.outbox o WHERE o.created_at >= p_since),
    -- Subscriptions and names by look-ups, one for each type and name: not each with all that there are.
    matches AS MATERIALIZED (
        SELECT t.tenant, t.event_type, m.endpoint_id, m.effective_at
        FROM (SELECT DISTINCT r.tenant, r.event_type FROM recent r WHERE r.endpoint IS NULL) t
        CROSS JOIN LATERAL (
            SELECT s.endpoint_id, min(s.effective_at) AS effective_at FROM postrider.subscriptions s
            WHERE s.tenant = t.tenant AND s.pattern = ANY (postrider.patterns_matching(t.event_type))
            GROUP BY s.endpoint_id) m),
    named AS MATERIALIZED (
        SELECT e.id, e.tenant, e.name,
               (SELECT min(s.effective_at) FROM postrider.subscriptions s WHERE s.endpoint_id = e.id) AS effective_at
        FROM postrider.endpoints e
        WHERE e.name = ANY (ARRAY(SELECT DISTINCT r.endpoint FROM recent r WHERE r.endpoint IS NOT NULL))
            AND e.state <> 'removed'),
    owed AS (
        SELECT r.id, r.created_at, m.endpoint_id FROM recent r
        JOIN matches m ON m.tenant = r.tenant AND m.event_type = r.event_type
        WHERE r.endpoint IS NULL AND m.effective_at < r.created_at
        UNION ALL
        SELECT r.id, r.created_at, n.id FROM recent r
        JOIN named n ON n.tenant = r.tenant AND n.name = r.endpoint
        WHERE n.effective_at < r.created_at),
    missing AS (
        SELECT w.id, w.created_at, w.endpoint_id FROM owed w
        WHERE NOT EXISTS (
                SELECT FROM postrider.deliveries d
                WHERE d.event_id = w.id AND d.event_at = w.created_at AND d.endpoint_id = w.endpoint_id)
            -- An attempt comes after its event, so older attempts tell nothing; the hour is for clocks set back.
            AND NOT EXISTS (
                SELECT FROM postrider.attempts a
                WHERE a.event_id = w.id AND a.event_at = w.created_at AND a.endpoint_id = w.endpoint_id AND a.outcome = 0
                    AND a.started_at >= p_since - interval '1 hour')
            AND NOT EXISTS (
                SELECT FROM postrider.dead x
                WHERE x.event_id = w.id AND x.event_at = w.created_at AND x.endpoint_id = w.endpoint_id)
            AND NOT EXISTS (
                SELECT FROM postrider.closed c
                WHERE c.event_id = w.id AND c.event_at = w.created_at AND c.endpoint_id = w.endpoint_id)
        ORDER BY w.id LIMIT 10000)
    INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes, ordering_key)
    SELECT least(greatest(clock_timestamp(), o.deliver_after),
                 CASE WHEN o.expires_at IS NOT NULL THEN greatest(clock_timestamp(), o.expires_at) END),
           o.id, o.created_at, m.endpoint_id,
           coalesce(octet_length(o.body), octet_length(o.payload::text)), o.ordering_key
    FROM missing m JOIN postrider.outbox o ON o.created_at = m.created_at AND o.id = m.id
    ORDER BY o.id;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$f$;

-- What was missed lately, once a minute; everything, once a day.
CREATE FUNCTION postrider.keep_repaired() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_last timestamptz := (SELECT d.last_at FROM postrider.duties d WHERE d.duty = 'repair');
BEGIN
    IF postrider.take_duty('repair_all') THEN
        RETURN postrider.repair_fan_out('-infinity');
    ELSIF postrider.take_duty('repair') THEN
        RETURN postrider.repair_fan_out(greatest(v_last, clock_timestamp() - interval '1 hour') - interval '1 minute');
    END IF;
    RETURN 0;
END
$f$;

-- A subscription that this transaction sees is committed: every event whose transaction begins from now on sees it too.
CREATE FUNCTION postrider.keep_subscriptions() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $f$
DECLARE
    v_count int;
BEGIN
    IF NOT EXISTS (SELECT FROM postrider.subscriptions s WHERE s.effective_at IS NULL) THEN
        RETURN 0;
    END IF;
    UPDATE postrider.subscriptions s SET effective_at = clock_timestamp() WHERE s.effective_at IS NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$f$;

-- For lanes with an in-flight limit: rows whose lease ran out stop counting. A claim takes them up again by itself, but
-- not when the lane is full of them and newer rows stand before them. It reads the lanes whose first lease may have run out,
-- however many lanes there are; not a duty, since two workers that do it at once skip each other's lanes.
CREATE FUNCTION postrider.keep_leases() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_lane record; v_count int; v_total int := 0;
BEGIN
    -- Never waits for a lane that it does not get, so their order is free. Not more than 500 at once: no one claims from them
    -- in the meantime.
    FOR v_lane IN SELECT l.endpoint_id, l.leased FROM postrider.lanes l WHERE l.lapse_at <= v_now
                  ORDER BY l.lapse_at LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED LOOP
        -- Claims lease from the front of the lane, so the scan ends at the last leased row, not at the last of the
        -- backlog. A row under a late settle, which is going to want this lane, is stepped over.
        WITH held AS MATERIALIZED (
            SELECT h.ctid AS spot, h.lease_by FROM postrider.deliveries h
            WHERE h.endpoint_id = v_lane.endpoint_id AND h.lease_by <> 0
            ORDER BY h.due_at, h.id LIMIT v_lane.leased),
        lapsed AS MATERIALIZED (
            SELECT d.ctid AS spot FROM held JOIN postrider.deliveries d ON d.ctid = held.spot AND d.lease_by = held.lease_by
            WHERE d.lease_until <= clock_timestamp()
            FOR NO KEY UPDATE OF d SKIP LOCKED)
        UPDATE postrider.deliveries d SET lease_by = 0, lease_until = '-infinity'
        FROM lapsed WHERE d.ctid = lapsed.spot;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        UPDATE postrider.lanes l
        SET leased = greatest(0, l.leased - v_count),
            -- So that workers find it at their next look.
            changed_in = CASE WHEN v_count > 0 THEN pg_current_xact_id() ELSE l.changed_in END,
            lapse_at = CASE WHEN l.max_in_flight IS NOT NULL THEN (
                SELECT min(held.lease_until) FROM (
                    SELECT d.lease_until FROM postrider.deliveries d
                    WHERE d.endpoint_id = v_lane.endpoint_id AND d.lease_by <> 0
                    ORDER BY d.due_at, d.id LIMIT greatest(0, l.leased - v_count)) held) END
        WHERE l.endpoint_id = v_lane.endpoint_id;
        v_total := v_total + v_count;
    END LOOP;
    RETURN v_total;
END
$f$;

-- Cancels what a producer, who still saw an endpoint, owed to it in the moment it was removed; and wakes ordering keys
-- whose first row waits, should there ever be one. It looks at removed endpoints, and at the 10,000 longest waiting rows of
-- each lane that holds rows with a key; it locks a lane only when it has found something.
CREATE FUNCTION postrider.keep_keys() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
DECLARE
    v_lane int; v_count int := 0; v_lanes int[]; v_keys text[];
BEGIN
    IF NOT postrider.take_duty('keys') THEN
        RETURN 0;
    END IF;
    FOR v_lane IN SELECT l.endpoint_id FROM postrider.endpoints e JOIN postrider.lanes l ON l.endpoint_id = e.id
                  WHERE e.state = 'removed'
                      AND (SELECT true FROM postrider.deliveries d WHERE d.endpoint_id = e.id LIMIT 1)
                  ORDER BY l.endpoint_id FOR NO KEY UPDATE OF l SKIP LOCKED LOOP
        BEGIN
            v_count := v_count + postrider.cancel_deliveries(NULL, NULL, v_lane, 'the endpoint was removed');
        EXCEPTION WHEN lock_not_available THEN
            NULL;   -- a settle is running there: next time
        END;
    END LOOP;
    -- From lane to lane along the index of keys: one descent for each that has any.
    WITH RECURSIVE keyed AS (
        (SELECT d.endpoint_id FROM postrider.deliveries d WHERE d.ordering_key IS NOT NULL
         ORDER BY d.endpoint_id LIMIT 1)
        UNION ALL
        SELECT (SELECT d.endpoint_id FROM postrider.deliveries d
                WHERE d.ordering_key IS NOT NULL AND d.endpoint_id > k.endpoint_id
                ORDER BY d.endpoint_id LIMIT 1)
        FROM keyed k WHERE k.endpoint_id IS NOT NULL)
    SELECT array_agg(k.endpoint_id), array_agg(k.ordering_key) INTO v_lanes, v_keys
    FROM (
        SELECT l.endpoint_id, waiting.ordering_key FROM keyed l
        CROSS JOIN LATERAL (
            SELECT DISTINCT w.ordering_key
            FROM (SELECT d.ordering_key FROM postrider.deliveries d
                  WHERE d.endpoint_id = l.endpoint_id AND d.due_at = 'infinity'
                  ORDER BY d.id LIMIT 10000) w) waiting) k
    WHERE 'infinity' = (
        SELECT d.due_at FROM postrider.deliveries d
        WHERE d.endpoint_id = k.endpoint_id AND d.ordering_key = k.ordering_key
        ORDER BY d.id LIMIT 1);
    IF v_keys IS NOT NULL THEN
        PERFORM 1 FROM postrider.lanes l WHERE l.endpoint_id = ANY (v_lanes)
        ORDER BY l.endpoint_id FOR NO KEY UPDATE;
        v_count := v_count + postrider.promote(v_lanes, v_keys);
    END IF;
    RETURN v_count;
END
$f$;

-- Forgets workers that have not been heard of for a day.
CREATE FUNCTION postrider.keep_workers() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_count int;
BEGIN
    IF NOT postrider.take_duty('workers') THEN
        RETURN 0;
    END IF;
    DELETE FROM postrider.workers w WHERE w.seen_at < clock_timestamp() - interval '1 day';
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$f$;

-- No producer inserts yet, so today and yesterday get theirs, too.
SELECT postrider.make_partition(parent, (clock_timestamp() AT TIME ZONE 'UTC')::date + n)
FROM unnest(ARRAY['outbox', 'attempts']) AS parent, generate_series(-1, 7) AS n;
