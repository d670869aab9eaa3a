-- 0008 bulk: what an operator does to many deliveries or dead letters at once: retry now, cancel, discard. What a replay does
-- is in 0004.
--
-- Locks:        none at migration; at run time a lane, then its deliveries, or dead letters alone, as the head of 0003 says.
-- Old workers:  may keep running.
--
-- Each act is a function that does a slice (`…_some`): it looks at a few rows of one lane and says where to go on. The command
-- line calls it again and again, each time in a transaction of its own, so that no lane is held longer than one slice takes. The
-- functions for people (`…_events`, `…_letters`) call it in theirs, and keep what they have locked until that ends: they stop at
-- max_rows. A preview counts and locks nothing.

SET LOCAL search_path = pg_catalog, pg_temp;

-- What operators did, who, and why. One row an act, however many slices it took.
CREATE TABLE postrider.acts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by_whom text NOT NULL DEFAULT session_user,
    act text NOT NULL,
    -- The endpoint, event or dead letter; NULL for all.
    subject text,
    count bigint NOT NULL,
    why text
);
CREATE INDEX acts_at ON postrider.acts (at);

-- Acts on deliveries and dead letters, and on endpoints, the newest last.
CREATE VIEW postrider.audit_log AS
SELECT a.id, a.at, a.by_whom, a.act, a.subject, a.count, a.why FROM postrider.acts a;

-- Records an act that changed p_count rows; or, with p_id, that it went on by so many. Returns its id; NULL as long as it changed
-- nothing.
CREATE FUNCTION postrider.note_act(p_act text, p_subject text, p_count bigint, p_why text, p_id bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id bigint := p_id;
BEGIN
    IF p_count = 0 THEN
        RETURN v_id;
    ELSIF v_id IS NULL THEN
        INSERT INTO postrider.acts (act, subject, count, why)
        VALUES (p_act, left(p_subject, 200), p_count, left(p_why, 1000)) RETURNING id INTO v_id;
    ELSE
        UPDATE postrider.acts a SET count = a.count + p_count
        WHERE a.id = p_id AND a.by_whom = session_user AND a.act = p_act;
    END IF;
    RETURN v_id;
END
$f$;

-- Refuses a reason that says nothing.
CREATE FUNCTION postrider.check_why(p_why text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_why IS NULL OR p_why !~ '\S' THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'why must be given: the record keeps it';
    END IF;
END
$f$;

-- Whether a type is one that a pattern means: order.paid, order.* or *. NULL means any.
CREATE FUNCTION postrider.type_matches(p_type text, p_pattern text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_pattern IS NULL OR p_pattern = '*' OR p_type = p_pattern
    OR right(p_pattern, 2) = '.*' AND starts_with(p_type, left(p_pattern, -1));

-- The first lane after p_after that has live rows; of the endpoint p_endpoint alone, or of one tenant's, where that is given. NULL when
-- there is none.
CREATE FUNCTION postrider.next_lane(p_after int, p_endpoint text, p_tenant text) RETURNS int
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $f$
DECLARE
    v_id int := p_after;
BEGIN
    IF p_endpoint IS NOT NULL THEN
        v_id := postrider.endpoint_id(p_endpoint, p_tenant);
        RETURN CASE WHEN v_id > p_after THEN v_id END;
    END IF;
    LOOP
        v_id := (SELECT d.endpoint_id FROM postrider.deliveries d WHERE d.endpoint_id > v_id ORDER BY d.endpoint_id LIMIT 1);
        EXIT WHEN v_id IS NULL OR p_tenant IS NULL OR p_tenant = (SELECT e.tenant FROM postrider.endpoints e WHERE e.id = v_id);
    END LOOP;
    RETURN v_id;
END
$f$;

-- The next p_count live rows of a lane after (p_after, p_after_id), in the order of its queue, and whether each belongs to an
-- event of the selection (NULL means any): its type, and when it was published.
CREATE FUNCTION postrider.live_slice(
    p_lane int, p_after timestamptz, p_after_id bigint, p_event_type text, p_since timestamptz, p_until timestamptz, p_count int)
RETURNS TABLE (spot tid, due_at timestamptz, id bigint, fits boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
-- Tables that were vacuumed while they were empty count as empty.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_custom_plan
AS $f$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT s.spot, s.due_at, s.id,
           (p_since IS NULL OR s.event_at >= p_since) AND (p_until IS NULL OR s.event_at < p_until)
               AND (p_event_type IS NULL OR (
                   SELECT postrider.type_matches(o.event_type, p_event_type) FROM postrider.outbox o
                   WHERE o.created_at = s.event_at AND o.id = s.event_id) IS TRUE)
    FROM (SELECT d.ctid AS spot, d.due_at, d.id, d.event_at, d.event_id FROM postrider.deliveries d
          WHERE d.endpoint_id = p_lane AND (d.due_at, d.id) > (p_after, p_after_id)
          ORDER BY d.due_at, d.id LIMIT p_count) s;
END
$f$;

-- Makes retries of a lane due now: of the next p_count rows after (p_after, p_after_id) those that failed, that no worker
-- has, and that belong to the selection. Their attempts go on being counted. Where a slice ends the next one begins; next_id is
-- NULL after the last.
CREATE FUNCTION postrider.retry_some(
    p_lane int, p_after timestamptz, p_after_id bigint, p_event_type text, p_since timestamptz, p_until timestamptz, p_count int,
    p_preview boolean, p_subject text, p_why text, p_act bigint, OUT retried int, OUT next_at timestamptz, OUT next_id bigint,
    OUT act bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s' SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_spots tid[]; v_seen int; v_dues timestamptz[]; v_ids bigint[];
BEGIN
    -- What is due already, or was made due by the slice before, is not looked at.
    p_after := greatest(p_after, v_now);
    IF NOT p_preview THEN
        PERFORM postrider.hold_lane(p_lane);
    END IF;
    SELECT array_agg(s.spot) FILTER (WHERE s.fits), count(*), array_agg(s.due_at ORDER BY s.due_at, s.id),
           array_agg(s.id ORDER BY s.due_at, s.id)
    INTO v_spots, v_seen, v_dues, v_ids
    FROM postrider.live_slice(p_lane, p_after, p_after_id, p_event_type, p_since, p_until, p_count) s;
    IF p_preview THEN
        SELECT count(*) INTO retried FROM postrider.deliveries d
        WHERE d.ctid = ANY (v_spots) AND d.endpoint_id = p_lane
            AND d.lease_by = 0 AND d.attempt > d.attempt_base AND d.due_at < 'infinity';
    ELSE
        -- With the lane locked, no other session changes a row that no worker has.
        UPDATE postrider.deliveries d SET due_at = v_now, changed_in = pg_current_xact_id()
        WHERE d.ctid = ANY (v_spots) AND d.endpoint_id = p_lane
            AND d.lease_by = 0 AND d.attempt > d.attempt_base AND d.due_at < 'infinity';
        GET DIAGNOSTICS retried = ROW_COUNT;
        act := postrider.note_act('retry', p_subject, retried, p_why, p_act);
    END IF;
    IF v_seen = p_count THEN
        next_at := v_dues[v_seen]; next_id := v_ids[v_seen];
    END IF;
END
$f$;

-- Takes rows of a lane away and accounts for them as cancelled: of the next p_count after (p_after, p_after_id) those that belong
-- to the selection. What is in flight cannot be called back: its attempt is its last one, and `marked` counts it. Of an
-- ordering key whose first row goes the next one is woken, and may come to stand before the place where this goes on.
CREATE FUNCTION postrider.cancel_some(
    p_lane int, p_after timestamptz, p_after_id bigint, p_event_type text, p_since timestamptz, p_until timestamptz, p_count int,
    p_preview boolean, p_subject text, p_why text, p_act bigint, OUT cancelled int, OUT marked int, OUT woken int,
    OUT next_at timestamptz, OUT next_id bigint, OUT act bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s' SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_reason text := 'cancelled by ' || session_user || coalesce(': ' || left(p_why, 1000), '');
    v_spots tid[]; v_seen int; v_dues timestamptz[]; v_ids bigint[]; v_lanes int[]; v_keys text[]; v_held int;
BEGIN
    IF NOT p_preview THEN
        PERFORM postrider.hold_lane(p_lane);
    END IF;
    SELECT array_agg(s.spot) FILTER (WHERE s.fits), count(*), array_agg(s.due_at ORDER BY s.due_at, s.id),
           array_agg(s.id ORDER BY s.due_at, s.id)
    INTO v_spots, v_seen, v_dues, v_ids
    FROM postrider.live_slice(p_lane, p_after, p_after_id, p_event_type, p_since, p_until, p_count) s;
    IF v_seen = p_count THEN
        next_at := v_dues[v_seen]; next_id := v_ids[v_seen];
    END IF;
    woken := 0;
    IF p_preview THEN
        SELECT count(*) FILTER (WHERE d.lease_until <= v_now),
               count(*) FILTER (WHERE d.lease_until > v_now AND d.attempt_base <> -1)
        INTO cancelled, marked
        FROM postrider.deliveries d WHERE d.ctid = ANY (v_spots) AND d.endpoint_id = p_lane;
        RETURN;
    END IF;
    -- A row that a settle has at this moment is left: it ends, or is met by the next act.
    v_spots := ARRAY(SELECT d.ctid FROM postrider.deliveries d
                     WHERE d.ctid = ANY (v_spots) AND d.endpoint_id = p_lane ORDER BY d.id FOR UPDATE SKIP LOCKED);
    WITH gone AS (
        DELETE FROM postrider.deliveries d
        WHERE d.ctid = ANY (v_spots) AND d.endpoint_id = p_lane AND d.lease_until <= v_now RETURNING d.*),
    closed AS (
        INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status, reason)
        SELECT g.event_id, g.event_at, g.endpoint_id, g.attempt - coalesce(g.unsent, 0), 'cancelled', v_reason FROM gone g)
    SELECT count(*), array_agg(g.endpoint_id) FILTER (WHERE g.ordering_key IS NOT NULL),
           array_agg(g.ordering_key) FILTER (WHERE g.ordering_key IS NOT NULL), count(*) FILTER (WHERE g.lease_by <> 0)
    INTO cancelled, v_lanes, v_keys, v_held FROM gone g;
    IF v_held > 0 THEN
        UPDATE postrider.lanes l SET leased = greatest(0, l.leased - v_held)
        WHERE l.endpoint_id = p_lane AND l.max_in_flight IS NOT NULL;
    END IF;
    IF v_keys IS NOT NULL THEN
        woken := postrider.promote(v_lanes, v_keys);
    END IF;
    UPDATE postrider.deliveries d SET attempt_base = -1, cancelled_why = v_reason, cancelled_by = session_user
    WHERE d.ctid = ANY (v_spots) AND d.endpoint_id = p_lane AND d.lease_until > v_now AND d.attempt_base <> -1;
    GET DIAGNOSTICS marked = ROW_COUNT;
    act := postrider.note_act('cancel', p_subject, cancelled + marked, p_why, p_act);
END
$f$;

-- Gives dead letters of a selection up for good, from id p_first to p_last: looks at p_count at most. Those of removed
-- endpoints too.
CREATE FUNCTION postrider.discard_some(
    p_first bigint, p_last bigint, p_endpoint text, p_since timestamptz, p_until timestamptz, p_event_type text, p_count int,
    p_preview boolean, p_why text, p_act bigint, p_tenant text, OUT discarded int, OUT next_id bigint, OUT act bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off
AS $f$
DECLARE
    v_lanes int[] := CASE WHEN num_nonnulls(p_endpoint, p_tenant) > 0 THEN ARRAY(
        SELECT e.id FROM postrider.endpoints e
        WHERE (p_endpoint IS NULL OR e.name = p_endpoint) AND (p_tenant IS NULL OR e.tenant = p_tenant)) END;
    v_ids bigint[]; v_seen int; v_last bigint; v_stopped int[]; v_keys text[];
BEGIN
    PERFORM postrider.check_one_tenant(p_endpoint, p_tenant);
    SELECT array_agg(s.id) FILTER (WHERE s.fits), count(*), max(s.id) INTO v_ids, v_seen, v_last
    FROM (SELECT x.id, p_event_type IS NULL OR (
                     SELECT postrider.type_matches(o.event_type, p_event_type) FROM postrider.outbox o
                     WHERE o.created_at = x.event_at AND o.id = x.event_id) IS TRUE AS fits
          FROM (SELECT x.id, x.event_at, x.event_id FROM postrider.dead x
                WHERE x.id BETWEEN p_first AND p_last AND (v_lanes IS NULL OR x.endpoint_id = ANY (v_lanes))
                    AND (p_since IS NULL OR x.dead_at >= p_since) AND (p_until IS NULL OR x.dead_at < p_until)
                ORDER BY x.id LIMIT p_count) x) s;
    next_id := CASE WHEN v_seen = p_count THEN v_last + 1 END;
    IF p_preview THEN
        discarded := coalesce(cardinality(v_ids), 0);
        RETURN;
    END IF;
    -- Keys that these dead letters stop go on; their lanes are locked before anything else.
    PERFORM 1 FROM postrider.lanes l
    WHERE l.blocks_keys AND l.endpoint_id IN (
        SELECT x.endpoint_id FROM postrider.dead x WHERE x.id = ANY (v_ids) AND x.ordering_key IS NOT NULL)
    ORDER BY l.endpoint_id FOR NO KEY UPDATE;
    SELECT array_agg(x.endpoint_id), array_agg(x.ordering_key) INTO v_stopped, v_keys
    FROM postrider.dead x JOIN postrider.lanes l ON l.endpoint_id = x.endpoint_id
    WHERE x.id = ANY (v_ids) AND x.ordering_key IS NOT NULL AND l.blocks_keys;
    WITH gone AS (
        DELETE FROM postrider.dead x
        -- One that a replay has at this moment is left.
        WHERE x.id = ANY (ARRAY(SELECT k.id FROM postrider.dead k WHERE k.id = ANY (v_ids) ORDER BY k.id FOR UPDATE SKIP LOCKED))
        RETURNING x.*)
    INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status, reason, last_http_status,
                                  last_error_code, last_attempt_at, closed_at)
    SELECT g.event_id, g.event_at, g.endpoint_id, g.attempts, 'dead', 'discarded: ' || left(p_why, 1000),
           g.last_http_status, g.last_error_code, g.last_attempt_at, g.dead_at
    FROM gone g;
    GET DIAGNOSTICS discarded = ROW_COUNT;
    IF v_keys IS NOT NULL THEN
        PERFORM postrider.promote(v_stopped, v_keys);
    END IF;
    act := postrider.note_act('discard', postrider.endpoint_words(p_endpoint, p_tenant), discarded, p_why, p_act);
END
$f$;

-- Makes the failed deliveries of an event due now, those to one endpoint or to all; returns how many. created_at is needed only
-- when several events have the number.
CREATE FUNCTION postrider.retry_event(
    event_id bigint, endpoint text DEFAULT NULL, created_at timestamptz DEFAULT NULL, why text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $f$
DECLARE
    v_at timestamptz := postrider.event_time(retry_event.event_id, retry_event.created_at);
    v_lane int := CASE WHEN retry_event.endpoint IS NOT NULL THEN postrider.endpoint_id(retry_event.endpoint, (
        SELECT o.tenant FROM postrider.outbox o WHERE o.created_at = v_at AND o.id = retry_event.event_id)) END;
    v_count int;
BEGIN
    PERFORM 1 FROM postrider.lanes l
    WHERE l.endpoint_id IN (
        SELECT d.endpoint_id FROM postrider.deliveries d
        WHERE d.event_id = retry_event.event_id AND d.event_at = v_at AND (v_lane IS NULL OR d.endpoint_id = v_lane))
    ORDER BY l.endpoint_id FOR NO KEY UPDATE;
    UPDATE postrider.deliveries d SET due_at = clock_timestamp(), changed_in = pg_current_xact_id()
    WHERE d.event_id = retry_event.event_id AND d.event_at = v_at AND (v_lane IS NULL OR d.endpoint_id = v_lane)
        AND d.lease_by = 0 AND d.attempt > d.attempt_base AND d.due_at > clock_timestamp() AND d.due_at < 'infinity';
    GET DIAGNOSTICS v_count = ROW_COUNT;
    PERFORM postrider.note_act('retry', 'event ' || retry_event.event_id, v_count, retry_event.why);
    RETURN v_count;
END
$f$;

-- Retries or cancels deliveries by what they are of, lane after lane and slice after slice; NULL means any. Returns how many, at most
-- p_most.
CREATE FUNCTION postrider.act_on_events(
    p_act text, p_endpoint text, p_since timestamptz, p_until timestamptz, p_event_type text, p_most int, p_why text, p_tenant text)
RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_subject text := postrider.endpoint_words(p_endpoint, p_tenant);
    v_total int := 0; v_lane int := 0; v_at timestamptz; v_id bigint; v_act bigint; v_slice int; v_done int; v_woken int;
    v_has_woken boolean;
BEGIN
    LOOP
        v_lane := postrider.next_lane(v_lane, p_endpoint, p_tenant);
        EXIT WHEN v_lane IS NULL OR v_total >= p_most;
        v_at := '-infinity'; v_id := 0; v_has_woken := false;
        WHILE v_id IS NOT NULL AND v_total < p_most LOOP
            v_slice := least(p_most - v_total, 1000);
            IF p_act = 'retry' THEN
                SELECT r.retried, 0, r.next_at, r.next_id, r.act INTO v_done, v_woken, v_at, v_id, v_act
                FROM postrider.retry_some(v_lane, v_at, v_id, p_event_type, p_since, p_until, v_slice, false, v_subject, p_why, v_act) r;
            ELSE
                SELECT c.cancelled + c.marked, c.woken, c.next_at, c.next_id, c.act INTO v_done, v_woken, v_at, v_id, v_act
                FROM postrider.cancel_some(v_lane, v_at, v_id, p_event_type, p_since, p_until, v_slice, false, v_subject, p_why, v_act) c;
            END IF;
            v_total := v_total + v_done;
            v_has_woken := v_has_woken OR v_woken > 0;
            -- From the beginning again, for those that were woken.
            IF v_id IS NULL AND v_has_woken THEN
                v_at := '-infinity'; v_id := 0; v_has_woken := false;
            END IF;
        END LOOP;
    END LOOP;
    RETURN v_total;
END
$f$;

-- Makes failed deliveries due now by what they are of; NULL means any. Returns how many, at most max_rows.
CREATE FUNCTION postrider.retry_events(
    endpoint text DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, event_type text DEFAULT NULL,
    max_rows int DEFAULT 10000, why text DEFAULT NULL, tenant text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    RETURN postrider.act_on_events('retry', endpoint, since, until, event_type, max_rows, why, tenant);
END
$f$;

-- Cancels deliveries by what they are of; NULL means any. Returns how many, those in flight among them, at most max_rows.
CREATE FUNCTION postrider.cancel_events(
    endpoint text DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, event_type text DEFAULT NULL,
    max_rows int DEFAULT 10000, why text DEFAULT NULL, tenant text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM postrider.check_why(why);
    RETURN postrider.act_on_events('cancel', endpoint, since, until, event_type, max_rows, why, tenant);
END
$f$;

-- Discards dead letters by what they are of, those of removed endpoints too; NULL means any. Oldest first, at most max_rows;
-- returns how many.
CREATE FUNCTION postrider.discard_dead_letters(
    endpoint text DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, event_type text DEFAULT NULL,
    max_rows int DEFAULT 10000, why text DEFAULT NULL, tenant text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_total int := 0; v_next bigint := 1; v_act bigint; v_done record;
BEGIN
    PERFORM postrider.check_why(discard_dead_letters.why);
    WHILE v_total < discard_dead_letters.max_rows AND v_next IS NOT NULL LOOP
        SELECT * INTO v_done FROM postrider.discard_some(
            v_next, 9223372036854775807, discard_dead_letters.endpoint, discard_dead_letters.since, discard_dead_letters.until,
            discard_dead_letters.event_type, least(discard_dead_letters.max_rows - v_total, 1000), false, discard_dead_letters.why, v_act,
            discard_dead_letters.tenant);
        v_total := v_total + v_done.discarded;
        v_next := v_done.next_id;
        v_act := v_done.act;
    END LOOP;
    RETURN v_total;
END
$f$;

REVOKE ALL ON ALL TABLES IN SCHEMA postrider FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA postrider FROM PUBLIC;
GRANT SELECT ON postrider.acts, postrider.audit_log TO postrider_operator;
GRANT SELECT ON SEQUENCE postrider.acts_id_seq TO postrider_operator, postrider_worker;
GRANT EXECUTE ON FUNCTION
    postrider.type_matches(text, text), postrider.next_lane(int, text, text),
    postrider.retry_some(int, timestamptz, bigint, text, timestamptz, timestamptz, int, boolean, text, text, bigint),
    postrider.cancel_some(int, timestamptz, bigint, text, timestamptz, timestamptz, int, boolean, text, text, bigint),
    postrider.discard_some(bigint, bigint, text, timestamptz, timestamptz, text, int, boolean, text, bigint, text),
    postrider.retry_event(bigint, text, timestamptz, text),
    postrider.retry_events(text, timestamptz, timestamptz, text, int, text, text),
    postrider.cancel_events(text, timestamptz, timestamptz, text, int, text, text),
    postrider.discard_dead_letters(text, timestamptz, timestamptz, text, int, text, text)
TO postrider_operator;
