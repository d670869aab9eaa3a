-- 0003 delivering: look, walk, claim, settle. The hot path.
--
-- Locks:        none at migration; at run time in this one order, here and in 0004 and 0006:
--
--                 1. endpoints      2. lanes      3. deliveries      4. all others, each by id
--
--               and rows of one table in the order of their ids. What needs less begins further down, and never goes back up.
--               What works for many endpoints at once never waits for one of them: claims and duties step over what is
--               held (SKIP LOCKED), and a settle that has waited for a moment leaves out what is held. An operator's act
--               waits for what is held of its own endpoint, however long; of an event's other endpoints only for a moment.
-- Old workers:  may keep running.
--
-- Every function here pins its plan. With a parameter as LIMIT the planner would prepare for a tenth of the table; and a
-- table that was vacuumed while it was empty counts as empty until the next vacuum, so a join might start from all of
-- its rows and compare each with the whole batch. Live rows are therefore found by correlated subqueries, one index
-- look-up each, and changed by their ctid; lanes are found by `= ANY (ARRAY[…])`, which only a look-up can serve, where
-- an equality could be merged.

SET LOCAL search_path = pg_catalog, pg_temp;

-- What a worker must know of the lanes that were written to since it looked last, in one row a lane; and first of all a
-- row without a lane that says what this look has seen, what time it is, and whether p_seen is of another server.
--
-- Exact, whenever a transaction commits: what this look sees and p_seen did not was written by a transaction that had
-- not begun then (from p_seen's xmax on), or that was running then and has ended since. So a look costs what was written,
-- however many lanes there are, and a transaction that stays open costs nothing until it ends. Without p_seen it only says
-- what it sees.
--
-- Of the rows of one transaction and lane at most 128 are read, those that are due first; after p_limit rows in all it stops.
--
-- Never in a transaction that has written and will write more: its id is below the snapshot's end and not among those that
-- run, so what it writes after this look would not be found.
CREATE FUNCTION postrider.look(p_seen pg_snapshot, p_limit int)
RETURNS TABLE (seen pg_snapshot, clock timestamptz, endpoint_id int, due_at timestamptz, "count" int, is_changed boolean)
-- STABLE: everything in here has the snapshot of the statement that calls it.
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
#variable_conflict use_column
DECLARE
    v_now pg_snapshot := pg_current_snapshot();
    -- Ranges of transactions to read, each without its end.
    v_from xid8[];
    v_until xid8[];
BEGIN
    -- Transaction ids never go down: one that did belongs to another server, or to this one restored.
    RETURN QUERY SELECT v_now, clock_timestamp(), NULL::int, NULL::timestamptz, NULL::int,
                        coalesce(pg_snapshot_xmax(v_now) < pg_snapshot_xmax(p_seen), false);
    IF p_seen IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(x.began), array_agg((x.began::text::numeric + 1)::text::xid8) INTO v_from, v_until
    FROM pg_snapshot_xip(p_seen) AS x (began) WHERE pg_visible_in_snapshot(x.began, v_now);
    IF pg_snapshot_xmax(v_now) > pg_snapshot_xmax(p_seen) THEN
        v_from := v_from || pg_snapshot_xmax(p_seen);
        v_until := v_until || pg_snapshot_xmax(v_now);
    END IF;
    IF v_from IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH RECURSIVE written AS (
        SELECT r.until, few.changed_in, few.endpoint_id, few.due_at, few.nth, few.first_lane, few.first_change
        FROM unnest(v_from, v_until) AS r (began, until)
        CROSS JOIN LATERAL (
            SELECT d.changed_in, d.endpoint_id, d.due_at,
                   row_number() OVER turns AS nth, first_value(d.endpoint_id) OVER turns AS first_lane,
                   first_value(d.changed_in) OVER turns AS first_change
            FROM postrider.deliveries d
            -- The condition of the index.
            WHERE d.changed_in > '0' AND d.changed_in >= r.began AND d.changed_in < r.until
            WINDOW turns AS (ORDER BY d.changed_in, d.endpoint_id, d.due_at)
            ORDER BY d.changed_in, d.endpoint_id, d.due_at LIMIT 64) few
        UNION ALL
        -- After 64 rows of one lane it goes on with the next lane, whose first row is the one that is due first; after 64 rows
        -- of several it goes on with the last of them, so that a lane with many rows is seen to have many.
        SELECT w.until, few.changed_in, few.endpoint_id, few.due_at, few.nth, few.first_lane, few.first_change
        FROM written w
        CROSS JOIN LATERAL (
            SELECT d.changed_in, d.endpoint_id, d.due_at,
                   row_number() OVER turns AS nth, first_value(d.endpoint_id) OVER turns AS first_lane,
                   first_value(d.changed_in) OVER turns AS first_change
            FROM postrider.deliveries d
            WHERE d.changed_in > '0' AND (d.changed_in, d.endpoint_id, d.due_at) > (w.changed_in, w.endpoint_id, CASE
                    WHEN (w.first_change, w.first_lane) = (w.changed_in, w.endpoint_id) THEN 'infinity'
                    ELSE w.due_at END)
                AND d.changed_in < w.until
            WINDOW turns AS (ORDER BY d.changed_in, d.endpoint_id, d.due_at)
            ORDER BY d.changed_in, d.endpoint_id, d.due_at LIMIT 64) few
        WHERE w.nth = 64),
    news AS (
        (SELECT w.endpoint_id, w.due_at, 1 AS count, false AS is_changed FROM written w LIMIT p_limit)
        UNION ALL
        -- A lane whose settings changed may hold rows from before: when is the first of them due?
        -- LIMIT keeps the ranges of transactions inside: as a join, all lanes that ever changed might be read for each range.
        (SELECT changed.endpoint_id, CASE WHEN changed.open_at <= clock_timestamp() THEN (
                    SELECT d.due_at FROM postrider.deliveries d WHERE d.endpoint_id = changed.endpoint_id
                    ORDER BY d.due_at LIMIT 1) END, 0, true
         FROM unnest(v_from, v_until) AS r (began, until)
         CROSS JOIN LATERAL (
             SELECT l.endpoint_id, l.open_at FROM postrider.lanes l
             WHERE l.changed_in >= r.began AND l.changed_in < r.until LIMIT p_limit) changed
         LIMIT p_limit))
    SELECT NULL::pg_snapshot, NULL::timestamptz, n.endpoint_id, coalesce(min(n.due_at), 'infinity'), sum(n.count)::int,
           bool_or(n.is_changed)
    FROM news n GROUP BY n.endpoint_id;
END
$f$;

-- A look for a worker that has nothing else to do: it waits here, p_wait at most, until there is something to find. That is
-- quicker than looks from afar, and cheaper for both sides: every 20 ms this compares snapshots, and only when they differ it looks.
--
-- It ends within half of what the server calls slow or cancels, so that it is neither logged nor cancelled. It counts turns
-- instead of reading the clock, which may be set back.
CREATE FUNCTION postrider.look_waiting(p_seen pg_snapshot, p_limit int, p_wait interval)
RETURNS TABLE (seen pg_snapshot, clock timestamptz, endpoint_id int, due_at timestamptz, "count" int, is_changed boolean)
-- VOLATILE: each statement in here has a snapshot of its own.
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $f$
DECLARE
    v_wait interval := p_wait;
    v_limit interval;
    v_now text;
    v_checked text := p_seen::text;
BEGIN
    FOREACH v_limit IN ARRAY ARRAY[current_setting('statement_timeout'), current_setting('log_min_duration_statement')]::interval[] LOOP
        IF v_limit > '0' THEN
            v_wait := least(v_wait, v_limit / 2);
        END IF;
    END LOOP;
    FOR i IN 1 .. extract(epoch FROM v_wait)::float8 * 50 LOOP
        v_now := pg_current_snapshot()::text;
        IF v_now <> v_checked THEN
            EXIT WHEN EXISTS (SELECT FROM postrider.look(p_seen, 1) l WHERE l.endpoint_id IS NOT NULL OR l.is_changed);
            v_checked := v_now;
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
    RETURN QUERY SELECT l.seen, l.clock, l.endpoint_id, l.due_at, l.count, l.is_changed FROM postrider.look(p_seen, p_limit) l;
END
$f$;

-- The next p_count lanes that no operator closed after p_after, in the order of their ids: those with live rows that p_worker does not hold,
-- when the first row of the lane is due, and when the first may be claimed. The last row has no times: it names the lane that
-- the next call goes on from, or none at the end. For the start of a worker, and as the net under its looks.
CREATE FUNCTION postrider.walk(p_worker int, p_after int, p_count int)
RETURNS TABLE (endpoint_id int, from_at timestamptz, next_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    v_lanes int[] := ARRAY(
        SELECT l.endpoint_id FROM postrider.lanes l WHERE l.endpoint_id > p_after
        ORDER BY l.endpoint_id LIMIT p_count);
BEGIN
    RETURN QUERY
    -- A lane that is closed until a time can be claimed from then on.
    SELECT l.endpoint_id, first.due_at, greatest(next.at, l.open_at)
    FROM unnest(v_lanes) AS u (endpoint_id)
    JOIN postrider.lanes l ON l.endpoint_id = u.endpoint_id
    CROSS JOIN LATERAL (
        SELECT d.due_at FROM postrider.deliveries d
        WHERE d.endpoint_id = l.endpoint_id AND d.due_at < 'infinity'
        ORDER BY d.due_at LIMIT 1) first
    LEFT JOIN LATERAL (
        SELECT d.due_at FROM postrider.deliveries d
        WHERE d.endpoint_id = l.endpoint_id AND d.due_at >= first.due_at AND d.due_at < 'infinity' AND d.lease_until <= v_now
        ORDER BY d.due_at LIMIT 1) free ON true
    CROSS JOIN LATERAL (
        SELECT least(free.due_at, (
            SELECT min(d.lease_until) FROM postrider.deliveries d
            WHERE d.endpoint_id = l.endpoint_id AND d.due_at >= first.due_at AND d.due_at <= coalesce(free.due_at, v_now)
                AND d.lease_until > v_now AND d.lease_by <> p_worker)) AS at) next
    WHERE l.open_at < 'infinity' AND next.at IS NOT NULL;
    RETURN QUERY SELECT CASE WHEN cardinality(v_lanes) = p_count THEN v_lanes[p_count] END,
                        NULL::timestamptz, NULL::timestamptz;
END
$f$;

-- How many tokens a bucket holds: one and what comes in 1/20 s at most. p_at may lie ahead: by a little when another claim began
-- after this one and was quicker, by much when the clock was set back, and then the bucket starts again. Never below
-- zero: LIMIT would fail. Nothing in it depends on the session (as a time plus an interval would), so that the planner puts it
-- in place of each call; a call costs as much as claiming ten rows.
CREATE FUNCTION postrider.tokens(p_rate real, p_tokens real, p_at timestamptz, p_now timestamptz) RETURNS real
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN least(1 + p_rate / 20, p_tokens + p_rate * CASE
    WHEN p_at <= p_now THEN extract(epoch FROM p_now - greatest(p_at, '2000-01-01 00:00+00'))
    WHEN extract(epoch FROM least(p_at, '3000-01-01 00:00+00') - p_now) > 1 THEN 86400
    ELSE 0 END)::real;

-- What stands as the error of an attempt whose worker has not said how it went.
CREATE FUNCTION postrider.unreported() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'the worker did not report';

-- Whether a lane is held: its endpoint is paused, disabled or removed.
CREATE FUNCTION postrider.is_held(open_at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN open_at = 'infinity';

-- For lanes of which only the newest event of an ordering key goes (p_newest, among p_lanes, which the claim that calls it has locked):
-- ends as superseded what no worker holds, be it due or not, and is of an older event than a row of its key that is due or waits for its
-- key. It looks at the keys of the rows that the claim is going to see, and for the newest event at the last 100 rows of a key: a replay
-- may have put an older one behind it.
--
-- Returns how many it ended of each of p_lanes; and whether there is nothing more to end. It ends at most 2,000 at once, and until all are ended
-- nothing of p_newest may be claimed, or an old event would go.
CREATE FUNCTION postrider.supersede(
    p_newest int[], p_lanes int[], p_from timestamptz[], p_room int[], p_now timestamptz, OUT ended int[], OUT is_done boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
DECLARE
    v_lanes int[]; v_keys text[];
BEGIN
    WITH due AS MATERIALIZED (
        SELECT DISTINCT r.endpoint_id, c.ordering_key
        FROM unnest(p_lanes, p_from, p_room) AS r (endpoint_id, from_at, room)
        CROSS JOIN LATERAL (
            SELECT d.ordering_key FROM postrider.deliveries d
            WHERE d.endpoint_id = r.endpoint_id AND d.due_at >= r.from_at AND d.due_at <= p_now AND d.lease_by = 0
            ORDER BY d.due_at, d.id LIMIT r.room + 1) c
        WHERE r.endpoint_id = ANY (p_newest) AND c.ordering_key IS NOT NULL),
    newest AS MATERIALIZED (
        SELECT due.endpoint_id, due.ordering_key, n.event_id
        FROM due CROSS JOIN LATERAL (
            SELECT max(late.event_id) AS event_id FROM (
                SELECT d.event_id FROM postrider.deliveries d
                WHERE d.endpoint_id = due.endpoint_id AND d.ordering_key = due.ordering_key
                    AND d.attempt_base <> -1 AND (d.due_at <= p_now OR d.due_at = 'infinity')
                ORDER BY d.id DESC LIMIT 100) late) n),
    -- By id, which is the order of locks; what another session holds is left, and then stands before the newest as it would otherwise.
    old AS MATERIALIZED (
        SELECT w.event_id AS newer, o.spot
        FROM newest w CROSS JOIN LATERAL (
            SELECT d.ctid AS spot FROM postrider.deliveries d
            WHERE d.endpoint_id = w.endpoint_id AND d.ordering_key = w.ordering_key AND d.lease_by = 0 AND d.event_id < w.event_id
            ORDER BY d.id LIMIT 2000 FOR NO KEY UPDATE SKIP LOCKED) o
        LIMIT 2000),
    gone AS (
        DELETE FROM postrider.deliveries d USING old o WHERE d.ctid = o.spot AND d.lease_by = 0
        RETURNING d.event_id, d.event_at, d.endpoint_id, d.ordering_key, d.attempt - coalesce(d.unsent, 0) AS attempts, o.newer),
    kept AS (
        INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status, reason, last_http_status, last_error_code,
                                      last_attempt_at)
        SELECT g.event_id, g.event_at, g.endpoint_id, g.attempts, 'superseded', 'by event ' || g.newer, last.http_status, last.error_code,
               last.started_at
        FROM gone g
        LEFT JOIN LATERAL (
            SELECT a.started_at, a.http_status, a.error_code FROM postrider.attempts a
            WHERE g.attempts > 0 AND a.event_id = g.event_id AND a.event_at = g.event_at AND a.endpoint_id = g.endpoint_id
            ORDER BY a.attempt DESC, a.started_at DESC LIMIT 1) last ON true)
    SELECT array_agg(g.endpoint_id), array_agg(g.ordering_key) INTO v_lanes, v_keys FROM gone g;
    ended := ARRAY(SELECT (SELECT count(*) FROM unnest(v_lanes) AS g (lane) WHERE g.lane = r.lane)::int FROM unnest(p_lanes) AS r (lane));
    is_done := coalesce(cardinality(v_lanes), 0) < 2000;
    IF v_lanes IS NOT NULL THEN
        -- The newest may have waited for one of them.
        PERFORM postrider.promote(v_lanes, v_keys);
    END IF;
END
$f$;

-- Takes due deliveries of the lanes in p_lanes (in the worker's order): of lane i at most p_room[i], and none that is due
-- before p_from[i], since there are only dead rows; p_budget rows and p_bytes payload bytes in all (but always one row).
-- What it takes is leased to p_worker until its endpoint's timeout and p_slack are over, and its attempt is counted.
-- Leases that ended after p_lapsed are left to their owners for now: after the database was away they may be about to settle.
-- So are those of a worker that keeps outcomes which another session's lock keeps it from recording (`settle` notes it).
--
-- Returns a row for each delivery, and one without a delivery for each lane that was named, with its state:
-- 0 more: more is due. 1 empty: nothing more is due until next_at. 2 limited: no token until next_at. 3 full: at its limit of
-- deliveries in flight. 4 busy: another transaction has it. 5 closed until next_at. from_at: no live row is due before that.
-- lapsed: of how many rows that it took the lease had run out. superseded: how many it ended because a newer event of their key is there.
CREATE FUNCTION postrider.claim(
    p_worker int, p_lanes int[], p_from timestamptz[], p_room int[], p_budget int, p_bytes bigint, p_slack interval,
    p_lapsed timestamptz DEFAULT 'infinity')
RETURNS TABLE (
    endpoint_id int, state smallint, from_at timestamptz, next_at timestamptz,
    revision int, due_at timestamptz, id bigint, attempt smallint, attempt_base smallint,
    event_id bigint, event_at timestamptz, bytes int, lease_until timestamptz, ignore_expiry boolean, lapsed int, superseded int)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    -- A row without a lease has '-infinity'.
    v_lapsed timestamptz := least(v_now, p_lapsed);
    v_keepers int[] := ARRAY(SELECT w.id FROM postrider.workers w WHERE w.keeps_until > v_now);
    v_lanes int[];
    v_from timestamptz[];
    v_room int[];
    -- Of the lanes that were locked, those of which only the newest event of a key goes; and how many of each lane that ended.
    v_newest int[];
    v_locked int[];
    v_ended int[];
    v_is_done boolean;
BEGIN
    -- 1. Lock the lanes that have something to take. A lane that another worker holds is skipped, not waited for: that
    --    worker is emptying it. The lock is what makes limits exact and lets step 2 do without row locks. Where there is
    --    nothing to take, nothing is locked and nothing written.
    WITH picked AS (
        SELECT r.endpoint_id, first.due_at AS from_at, r.room, l.coalesces
        FROM unnest(p_lanes, p_from, p_room) WITH ORDINALITY AS r (endpoint_id, from_at, room, turn)
        JOIN postrider.lanes l ON l.endpoint_id = r.endpoint_id
        -- Step 2 begins at this row, and does not step over what is in flight before it once more.
        CROSS JOIN LATERAL (
            SELECT d.due_at, d.lease_by FROM postrider.deliveries d
            WHERE d.endpoint_id = r.endpoint_id AND d.due_at >= r.from_at AND d.due_at <= v_now
                AND d.lease_until <= v_lapsed AND d.lease_by <> ALL (v_keepers)
            ORDER BY d.due_at LIMIT 1) first
        WHERE l.open_at <= v_now AND r.room > 0
            AND (l.rate_limit IS NULL OR postrider.tokens(l.rate_limit, l.tokens, l.tokens_at, v_now) >= 1)
            -- A row whose lease ran out is counted already.
            AND (l.max_in_flight IS NULL OR l.leased < l.max_in_flight OR first.lease_by <> 0)
        ORDER BY r.turn
        FOR NO KEY UPDATE OF l SKIP LOCKED)
    SELECT array_agg(p.endpoint_id), array_agg(p.from_at), array_agg(p.room), array_agg(p.endpoint_id) FILTER (WHERE p.coalesces)
    INTO v_lanes, v_from, v_room, v_newest FROM picked p;
    IF v_newest IS NOT NULL THEN
        v_locked := v_lanes;
        SELECT s.ended, s.is_done INTO v_ended, v_is_done FROM postrider.supersede(v_newest, v_lanes, v_from, v_room, v_now) s;
        IF NOT v_is_done THEN
            -- The next claim goes on.
            SELECT array_agg(r.endpoint_id), array_agg(r.from_at), array_agg(r.room) INTO v_lanes, v_from, v_room
            FROM unnest(v_lanes, v_from, v_room) AS r (endpoint_id, from_at, room) WHERE r.endpoint_id <> ALL (v_newest);
        END IF;
    END IF;

    -- 2. A new statement, so a snapshot taken while the lanes are already ours: it sees all that an earlier holder did.
    --    Each row passes through as few steps as can be, with nothing that it does not need there: that is what a claim costs.
    RETURN QUERY
    WITH lane AS MATERIALIZED (
        SELECT l.endpoint_id, l.revision, r.turn, r.from_at, l.max_in_flight - l.leased AS spare, l.blocks_keys,
               v_now + l.timeout + p_slack AS lease_until,
               least(r.room, p_budget, floor(postrider.tokens(l.rate_limit, l.tokens, l.tokens_at, v_now))::int) AS take
        FROM unnest(v_lanes, v_from, v_room) WITH ORDINALITY AS r (endpoint_id, from_at, room, turn)
        JOIN postrider.lanes l ON l.endpoint_id = r.endpoint_id),
    -- The first unleased rows of each lane, in the order of the primary key, and one more to know whether there is more.
    -- Rows in flight before them are stepped over: there are at most as many as all workers hold.
    -- Only the oldest live row of an ordering key may go. One index descent for each row that has a key; one more where a dead letter
    -- stops its key.
    seen AS MATERIALIZED (
        SELECT lane.turn, lane.endpoint_id, lane.revision, lane.spare, lane.lease_until,
               c.spot, c.due_at, c.id, c.bytes, c.lease_by, c.is_head, c.nth > lane.take AS is_peeked
        FROM lane CROSS JOIN LATERAL (
            SELECT d.ctid AS spot, d.due_at, d.id, d.bytes, d.lease_by,
                   d.ordering_key IS NULL OR NOT EXISTS (
                       SELECT 1 FROM postrider.deliveries earlier
                       WHERE earlier.endpoint_id = d.endpoint_id AND earlier.ordering_key = d.ordering_key
                           AND earlier.id < d.id)
                       AND (NOT lane.blocks_keys OR (
                           SELECT true FROM postrider.dead x
                           WHERE x.endpoint_id = d.endpoint_id AND x.ordering_key = d.ordering_key AND x.id < d.id
                           LIMIT 1) IS NULL) AS is_head,
                   row_number() OVER (ORDER BY d.due_at, d.id) AS nth
            FROM postrider.deliveries d
            WHERE d.endpoint_id = lane.endpoint_id AND d.due_at >= lane.from_at AND d.due_at <= v_now
                AND d.lease_until <= v_lapsed AND d.lease_by <> ALL (v_keepers)
            ORDER BY d.due_at, d.id
            LIMIT lane.take + 1) c),
    -- A row whose lease ran out may be under a late settle just now, which is going to want the lane that we hold:
    -- stepped over, not waited for.
    lapsed AS MATERIALIZED (
        SELECT d.id, d.lease_until, seen.lease_until - v_now AS length, d.unsent FROM seen JOIN postrider.deliveries d
            ON d.ctid = seen.spot AND d.due_at = seen.due_at AND d.lease_by = seen.lease_by
        WHERE seen.lease_by <> 0 AND NOT seen.is_peeked
        FOR NO KEY UPDATE OF d SKIP LOCKED),
    -- All rows that were seen, with what each may: fits if it is within its lane's limit, and its place among those that fit.
    sifted AS MATERIALIZED (
        SELECT f.*,
               count(*) FILTER (WHERE f.fits) OVER turns AS position,
               sum(f.bytes) FILTER (WHERE f.fits) OVER turns AS bytes_so_far
        FROM (
            SELECT h.*,
                   -- Where there is an in-flight limit, rows that no worker holds (lease_by = 0) count against it.
                   h.is_ready AND (h.spare IS NULL OR h.lease_by <> 0 OR h.spare >=
                       count(*) FILTER (WHERE h.is_ready AND h.lease_by = 0)
                           OVER (PARTITION BY h.turn ORDER BY h.due_at, h.id ROWS UNBOUNDED PRECEDING)) AS fits
            FROM (
                SELECT g.*, g.is_free AND g.is_head AS is_ready
                FROM (
                    SELECT seen.*,
                           NOT seen.is_peeked AND (seen.lease_by = 0 OR seen.id IN (SELECT lapsed.id FROM lapsed)) AS is_free
                    FROM seen) g) h) f
        WINDOW turns AS (ORDER BY f.turn, f.due_at, f.id ROWS UNBOUNDED PRECEDING)),
    taken AS (
        UPDATE postrider.deliveries d
        -- One that has the last number keeps it: a sum out of range would fail the claim of all. It is not sent again.
        SET attempt = least(d.attempt, 32766) + 1, lease_by = p_worker, lease_until = w.lease_until
        FROM sifted w
        WHERE w.fits AND w.position <= p_budget AND (w.bytes_so_far <= p_bytes OR w.position = 1)
            AND d.ctid = w.spot AND d.due_at = w.due_at AND d.lease_by = w.lease_by AND d.lease_until <= v_lapsed
        RETURNING d.endpoint_id, w.revision, w.lease_by AS held_by, d.due_at, d.id, d.attempt, d.attempt_base,
                  d.event_id, d.event_at, d.bytes, d.lease_until, d.ignore_expiry),
    -- An attempt whose lease ran out was begun, and its worker has not said how it went. Should it still do so, `settle` records that in
    -- place of this.
    lost AS (
        INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, outcome, worker,
                                        error_code, error, unsent)
        SELECT x.lease_until - x.length, t.event_at, t.event_id, t.endpoint_id,
               (SELECT e.url_id FROM postrider.endpoints e WHERE e.id = t.endpoint_id), extract(epoch FROM x.length) * 1000000,
               t.attempt - 1, 3, t.held_by, 'lost_lease', postrider.unreported(), x.unsent
        FROM lapsed x JOIN taken t ON t.id = x.id WHERE t.held_by <> 0),
    -- The others of a key wait at 'infinity', where no scan meets them, until the one before them is done.
    parked AS (
        UPDATE postrider.deliveries d SET due_at = 'infinity', lease_until = '-infinity', lease_by = 0
        FROM sifted w
        WHERE w.is_free AND NOT w.is_head
            AND d.ctid = w.spot AND d.due_at = w.due_at AND d.lease_by = w.lease_by AND d.lease_until <= v_lapsed
        RETURNING d.endpoint_id, w.lease_by AS held_by),
    -- What became of each lane that was named. One pass that groups: joins would compare each lane with each.
    counted AS MATERIALIZED (
        SELECT c.endpoint_id, min(c.from_at) AS from_at, bool_or(c.is_locked) AS is_locked, bool_or(c.is_more) AS is_more,
               bool_or(c.is_stepped_over) AS is_stepped_over, bool_or(c.is_full) AS is_full,
               sum(c.fit) > sum(c.taken) AS is_cut, sum(c.taken) AS taken, sum(c.fresh) AS fresh, sum(c.unheld) AS unheld
        FROM (SELECT r.endpoint_id, r.from_at, false AS is_locked, false AS is_more, false AS is_stepped_over,
                     false AS is_full, 0 AS fit, 0 AS taken, 0 AS fresh, 0 AS unheld
              FROM unnest(p_lanes, p_from) AS r (endpoint_id, from_at)
              UNION ALL SELECT l.endpoint_id, NULL, true, false, false, false, 0, 0, 0, 0 FROM lane l
              UNION ALL SELECT w.endpoint_id, NULL, true, bool_or(w.is_peeked), bool_or(NOT w.is_free AND NOT w.is_peeked),
                               bool_or(w.is_ready AND NOT w.fits), (count(*) FILTER (WHERE w.fits))::int, 0, 0, 0
                        FROM sifted w GROUP BY w.endpoint_id
              UNION ALL SELECT t.endpoint_id, NULL, true, false, false, false, 0, count(*)::int,
                               (count(*) FILTER (WHERE t.held_by = 0))::int, 0
                        FROM taken t GROUP BY t.endpoint_id
              UNION ALL SELECT p.endpoint_id, NULL, true, false, false, false, 0, 0, 0, 1
                        FROM parked p WHERE p.held_by <> 0) c
        GROUP BY c.endpoint_id),
    spent AS (
        UPDATE postrider.lanes l
        SET leased = CASE WHEN l.max_in_flight IS NULL THEN 0 ELSE l.leased + n.fresh - n.unheld END,
            lapse_at = CASE WHEN l.max_in_flight IS NOT NULL THEN coalesce(l.lapse_at, v_now + l.timeout + p_slack) END,
            tokens = CASE WHEN l.rate_limit IS NULL THEN l.tokens
                          ELSE postrider.tokens(l.rate_limit, l.tokens, l.tokens_at, v_now) - n.taken END,
            tokens_at = CASE WHEN l.rate_limit IS NULL OR l.tokens_at BETWEEN v_now AND v_now + interval '1 s'
                             THEN l.tokens_at ELSE v_now END
        FROM counted n
        WHERE (n.taken > 0 OR n.unheld > 0)
            AND l.endpoint_id = ANY (ARRAY[n.endpoint_id]) AND (l.max_in_flight IS NOT NULL OR l.rate_limit IS NOT NULL)),
    left_over AS (
        SELECT c.*, l.open_at, l.rate_limit, l.max_in_flight, l.leased,
               postrider.tokens(l.rate_limit, l.tokens, l.tokens_at, v_now) - c.taken AS filled
        FROM counted c LEFT JOIN postrider.lanes l ON l.endpoint_id = c.endpoint_id),
    judged AS (
        SELECT o.endpoint_id, o.from_at, o.open_at, o.rate_limit, o.filled, o.taken - o.fresh AS lapsed,
               CASE
                   WHEN o.open_at IS NULL OR o.open_at > v_now THEN 5
                   WHEN o.is_locked THEN CASE
                       WHEN o.is_full THEN 3
                       WHEN o.is_cut THEN 0
                       WHEN o.is_more THEN CASE
                           WHEN o.filled < 1 THEN 2
                           WHEN o.leased + o.fresh >= o.max_in_flight THEN 3
                           ELSE 0 END
                       WHEN o.is_stepped_over THEN 4
                       ELSE 1 END
                   ELSE coalesce((
                       SELECT CASE WHEN o.filled < 1 THEN 2
                                   WHEN o.leased >= o.max_in_flight AND d.lease_by = 0 THEN 3
                                   ELSE 4 END
                       FROM postrider.deliveries d
                       WHERE d.endpoint_id = o.endpoint_id AND d.due_at >= o.from_at AND d.due_at <= v_now
                           AND d.lease_until <= v_lapsed AND d.lease_by <> ALL (v_keepers)
                       ORDER BY d.due_at LIMIT 1), 1)
               END::smallint AS state
        FROM left_over o)
    SELECT t.endpoint_id, NULL::smallint, NULL::timestamptz, NULL::timestamptz,
           t.revision, t.due_at, t.id, t.attempt, t.attempt_base, t.event_id, t.event_at, t.bytes, t.lease_until, t.ignore_expiry IS TRUE,
           NULL::int, NULL::int
    FROM taken t
    UNION ALL
    SELECT j.endpoint_id, j.state,
           CASE WHEN j.state = 5 THEN j.from_at ELSE least(v_now, (
               SELECT d.due_at FROM postrider.deliveries d
               WHERE d.endpoint_id = j.endpoint_id AND d.due_at >= j.from_at ORDER BY d.due_at LIMIT 1)) END,
           CASE j.state
               WHEN 1 THEN least('infinity', (
                   SELECT d.due_at FROM postrider.deliveries d
                   WHERE d.endpoint_id = j.endpoint_id AND d.due_at > v_now ORDER BY d.due_at LIMIT 1), (
                   -- The worker itself knows the leases that it holds. Those that ended and are left to their owners: soon.
                   SELECT min(CASE WHEN d.lease_until > v_now THEN d.lease_until ELSE v_now + interval '250 ms' END)
                   FROM postrider.deliveries d
                   WHERE d.endpoint_id = j.endpoint_id AND d.due_at >= j.from_at AND d.due_at <= v_now
                       AND (d.lease_until > v_lapsed OR d.lease_by = ANY (v_keepers))
                       AND (d.lease_until <= v_now OR d.lease_by <> p_worker)))
               WHEN 2 THEN v_now + (1 - j.filled) / j.rate_limit * interval '1 s'
               -- At the latest: the worker that settles one of it goes on at once.
               WHEN 3 THEN v_now + interval '1 s'
               WHEN 5 THEN coalesce(j.open_at, 'infinity')
               ELSE v_now END,
           NULL::int, NULL::timestamptz, NULL::bigint, NULL::smallint, NULL::smallint, NULL::bigint, NULL::timestamptz, NULL::int,
           NULL::timestamptz, NULL::boolean, j.lapsed::int,
           coalesce(v_ended[array_position(v_locked, j.endpoint_id)], 0)
    FROM judged j;
END
$f$;

-- What p_worker has leased of the first 5,000 live rows of each of these lanes, from p_from on: the number of rows that all
-- workers hold of a lane is smaller. For a worker that has not heard what its claim brought.
CREATE FUNCTION postrider.leases(p_worker int, p_lanes int[], p_from timestamptz[])
RETURNS TABLE (
    endpoint_id int, due_at timestamptz, id bigint, attempt smallint, attempt_base smallint, event_id bigint,
    event_at timestamptz, bytes int, lease_until timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT d.endpoint_id, d.due_at, d.id, d.attempt, d.attempt_base, d.event_id, d.event_at, d.bytes, d.lease_until
    FROM unnest(p_lanes, p_from) AS lane (endpoint_id, from_at)
    CROSS JOIN LATERAL (
        SELECT d.* FROM postrider.deliveries d
        WHERE d.endpoint_id = lane.endpoint_id AND d.due_at >= lane.from_at AND d.due_at < 'infinity'
        ORDER BY d.due_at, d.id LIMIT 5000) d
    WHERE d.lease_by = p_worker;
END
$f$;

-- Makes the next row of each ordering key due, after the one before it is gone. The caller has locked the lanes first:
-- otherwise a claim that still sees the one before could park the next at the same time, and it would wait for ever. A key that a dead
-- letter stops is left.
CREATE FUNCTION postrider.promote(p_lanes int[], p_keys text[]) RETURNS int
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $f$
DECLARE
    v_count int;
    v_stopping int[] := ARRAY(SELECT l.endpoint_id FROM postrider.lanes l WHERE l.endpoint_id = ANY (p_lanes) AND l.blocks_keys);
BEGIN
    UPDATE postrider.deliveries d SET due_at = clock_timestamp(), changed_in = pg_current_xact_id()
    FROM (SELECT DISTINCT u.endpoint_id, u.ordering_key COLLATE "C" AS ordering_key
          FROM unnest(p_lanes, p_keys) AS u (endpoint_id, ordering_key)) done
    CROSS JOIN LATERAL (
        SELECT n.ctid AS spot, n.due_at, n.id FROM postrider.deliveries n
        WHERE n.endpoint_id = done.endpoint_id AND n.ordering_key = done.ordering_key
        ORDER BY n.id LIMIT 1) next
    WHERE d.ctid = next.spot AND next.due_at = 'infinity'
        AND (done.endpoint_id <> ALL (v_stopping) OR (
            SELECT true FROM postrider.dead x
            WHERE x.endpoint_id = done.endpoint_id AND x.ordering_key = done.ordering_key AND x.id < next.id LIMIT 1) IS NULL);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$f$;

-- Makes dead letters of what waits behind a dead letter of its ordering key, in order, for endpoints whose `ordering_failure` is park; at most
-- 10,000 of a key at once, and the duty `keys` goes on. The caller has locked the lanes, so no claim takes such a row.
CREATE FUNCTION postrider.park_keys(p_lanes int[], p_keys text[]) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
DECLARE
    v_endpoints int[]; v_events bigint[]; v_times timestamptz[];
BEGIN
    WITH gone AS (
        DELETE FROM postrider.deliveries d
        USING (SELECT DISTINCT u.endpoint_id, u.ordering_key COLLATE "C" AS ordering_key
               FROM unnest(p_lanes, p_keys) AS u (endpoint_id, ordering_key)
               JOIN postrider.endpoints e ON e.id = u.endpoint_id AND e.ordering_failure = 'park') stopped
        CROSS JOIN LATERAL (
            SELECT n.ctid AS spot FROM postrider.deliveries n
            WHERE n.endpoint_id = stopped.endpoint_id AND n.ordering_key = stopped.ordering_key AND n.lease_by = 0
                AND n.id > (SELECT min(x.id) FROM postrider.dead x
                            WHERE x.endpoint_id = stopped.endpoint_id AND x.ordering_key = stopped.ordering_key)
            ORDER BY n.id LIMIT 10000) late
        WHERE d.ctid = late.spot RETURNING d.*),
    buried AS (
        INSERT INTO postrider.dead (id, event_id, event_at, endpoint_id, bytes, attempts, unsent, ordering_key, reason)
        SELECT g.id, g.event_id, g.event_at, g.endpoint_id, g.bytes, g.attempt - coalesce(g.unsent, 0), g.unsent, g.ordering_key, 'key_parked'
        FROM gone g ORDER BY g.id ON CONFLICT (id) DO NOTHING)
    SELECT array_agg(g.endpoint_id), array_agg(g.event_id), array_agg(g.event_at) INTO v_endpoints, v_events, v_times FROM gone g;
    IF v_endpoints IS NOT NULL THEN
        PERFORM postrider.announce_dead(v_endpoints, v_events, v_times);
    END IF;
    RETURN coalesce(cardinality(v_endpoints), 0);
END
$f$;

-- Locks those of the endpoints that can be had: all, or with p_leave those that no other session holds. A worker may not change
-- endpoints, so it locks them by this.
CREATE FUNCTION postrider.hold_endpoints(p_ids int[], p_leave boolean) RETURNS int[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_leave THEN
        RETURN ARRAY(SELECT e.id FROM postrider.endpoints e WHERE e.id = ANY (p_ids)
                     ORDER BY e.id FOR NO KEY UPDATE SKIP LOCKED);
    END IF;
    RETURN ARRAY(SELECT e.id FROM postrider.endpoints e WHERE e.id = ANY (p_ids) ORDER BY e.id FOR NO KEY UPDATE);
END
$f$;

-- Takes out what a claim has put for attempts of p_worker, since it reports them after all. A worker may not delete history, so it does
-- that by this.
CREATE FUNCTION postrider.forget_unreported(
    p_worker int, p_event bigint[], p_event_at timestamptz[], p_endpoint int[], p_attempt smallint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
BEGIN
    DELETE FROM postrider.attempts a
    USING unnest(p_event, p_event_at, p_endpoint, p_attempt) AS u (event_id, event_at, endpoint_id, attempt)
    WHERE a.event_id = u.event_id AND a.event_at = u.event_at AND a.endpoint_id = u.endpoint_id AND a.attempt = u.attempt
        AND a.worker = p_worker AND a.error = postrider.unreported();
END
$f$;

-- The names of states as people see them.
CREATE FUNCTION postrider.state_shown(p_state text, p_closures smallint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN p_state = 'active' AND p_closures > 0 THEN 'failing' ELSE p_state END;

-- What is told of an endpoint in the events about it.
CREATE FUNCTION postrider.endpoint_news(p_id int) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
    SELECT jsonb_build_object(
        'endpoint', e.name, 'tenant', e.tenant, 'consecutive_failures', m.consecutive_failures, 'failing_since', m.failing_since,
        'last_http_status', m.last_http_status, 'last_error_code', m.last_error_code,
        'next_probe_at', CASE WHEN l.closures > 0 AND l.open_at < 'infinity' THEN l.open_at END)
    FROM postrider.endpoints e
    JOIN postrider.endpoint_marks m ON m.endpoint_id = e.id
    JOIN postrider.lanes l ON l.endpoint_id = e.id
    WHERE e.id = p_id
$f$;

-- The breaker's part of a settle, for the lanes p_lanes, which the caller has locked; the arrays are those of `settle`. The rules are those of
-- `Breaker` in Swift, and a test holds the two together. p_applied: the places that count; NULL for all.
--
-- Closed, a lane lets one delivery be in flight (`max_in_flight`), which is the probe once `open_at` has come: so a claim need not know of the
-- breaker, and all workers together send one. What began before the lane closed says nothing new when it fails.
CREATE FUNCTION postrider.judge_lanes(
    p_lanes int[], p_endpoint int[], p_outcome smallint[], p_status smallint[], p_started_us_ago bigint[], p_struck int[],
    p_said int[], p_wait_us bigint[], p_event bigint[], p_event_at timestamptz[], p_applied int[], p_now timestamptz,
    p_strikes int, p_pauses_us bigint[])
RETURNS TABLE (news text, endpoint text, why text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
#variable_conflict use_column
DECLARE
    s record; l record;
    v_closures int; v_window int; v_open_at timestamptz; v_strikes int; v_why text;
BEGIN
    FOR s IN
        SELECT x.endpoint_id, bool_or(x.is_good) AS answered, bool_or(x.is_strike) AS struck,
               (count(*) FILTER (WHERE x.is_good AND x.place > coalesce(x.last_strike, 0)))::int AS good,
               (count(*) FILTER (WHERE x.is_strike AND x.place > coalesce(x.last_good, 0)))::int AS strikes,
               max(x.began) FILTER (WHERE x.is_strike) AS began, coalesce(max(x.wait_us), 0) AS wait_us,
               max(x.last_strike) AS last_strike
        FROM (SELECT k.*, max(k.place) FILTER (WHERE k.is_strike) OVER own AS last_strike,
                     max(k.place) FILTER (WHERE k.is_good) OVER own AS last_good
              FROM (SELECT u.endpoint_id, u.place, (u.place = ANY (p_struck)) IS TRUE AS is_strike,
                           p_status[u.place] IS NOT NULL AND (u.place = ANY (p_struck)) IS NOT TRUE AS is_good,
                           p_now - p_started_us_ago[u.place] * interval '1 us' AS began,
                           p_wait_us[array_position(p_said, u.place::int)] AS wait_us
                    FROM unnest(p_endpoint) WITH ORDINALITY AS u (endpoint_id, place)
                    WHERE u.endpoint_id = ANY (p_lanes) AND p_outcome[u.place] < 4
                        AND (p_applied IS NULL OR u.place = ANY (p_applied))) k
              WINDOW own AS (PARTITION BY k.endpoint_id)) x
        GROUP BY x.endpoint_id ORDER BY x.endpoint_id
    LOOP
        UPDATE postrider.endpoint_marks m SET strikes = least(m.strikes + s.strikes, 32000)
        WHERE m.endpoint_id = s.endpoint_id AND s.strikes > 0;
        SELECT n.open_at, n.breaker, n.closures, n.breaker_window, n.max_in_flight, e.name, e.max_in_flight AS own_limit, m.strikes
        INTO l FROM postrider.lanes n
        JOIN postrider.endpoints e ON e.id = n.endpoint_id
        JOIN postrider.endpoint_marks m ON m.endpoint_id = n.endpoint_id
        WHERE n.endpoint_id = s.endpoint_id;
        -- What an operator closed, an operator opens, and then it begins afresh.
        CONTINUE WHEN l.open_at IS NULL OR l.open_at = 'infinity';
        v_closures := l.closures; v_window := l.breaker_window; v_open_at := l.open_at;
        IF s.answered AND v_closures > 0 THEN
            v_closures := 0;
            v_open_at := '-infinity';
        END IF;
        IF v_window IS NOT NULL THEN
            v_window := CASE WHEN s.struck THEN 1 ELSE v_window END + s.good;
            IF v_window > 64 THEN
                v_window := NULL;
            END IF;
        END IF;
        IF l.breaker AND s.strikes > 0
            AND (CASE WHEN v_closures > 0 THEN s.began >= l.open_at ELSE l.strikes >= p_strikes END) THEN
            BEGIN
                PERFORM postrider.count_leased(s.endpoint_id);
                v_closures := least(v_closures + 1, 32000);
                v_window := 1;
                v_open_at := p_now + p_pauses_us[least(v_closures, cardinality(p_pauses_us))] * interval '1 us';
            EXCEPTION WHEN lock_not_available THEN
                -- Another settle has rows of it, so it cannot be known how many are in flight: the next failure closes the lane.
                NULL;
            END;
        END IF;
        v_open_at := greatest(v_open_at, CASE WHEN s.wait_us > 0 THEN p_now + s.wait_us * interval '1 us' END);
        UPDATE postrider.lanes n
        SET open_at = v_open_at, closures = v_closures, breaker_window = v_window,
            -- LEAST passes over NULL.
            max_in_flight = least(l.own_limit, v_window),
            leased = CASE WHEN l.own_limit IS NULL AND v_window IS NULL THEN 0 ELSE n.leased END,
            -- Other workers know it as closed.
            changed_in = CASE WHEN v_open_at < l.open_at THEN pg_current_xact_id() ELSE n.changed_in END
        WHERE n.endpoint_id = s.endpoint_id
            AND (n.open_at, n.closures) IS DISTINCT FROM (v_open_at, v_closures::smallint)
                OR n.endpoint_id = s.endpoint_id AND n.breaker_window IS DISTINCT FROM v_window;
        IF (v_closures > 0) <> (l.closures > 0) THEN
            news := CASE WHEN v_closures > 0 THEN 'failing' ELSE 'recovered' END;
            v_why := CASE WHEN v_closures > 0 THEN (
                SELECT concat_ws(' ', m.strikes || ' failures in a row, the last:', m.last_error_code, m.last_http_status)
                FROM postrider.endpoint_marks m WHERE m.endpoint_id = s.endpoint_id) END;
            INSERT INTO postrider.state_changes (endpoint_id, was, became, why)
            VALUES (s.endpoint_id, CASE WHEN v_closures > 0 THEN 'active' ELSE 'failing' END,
                    CASE WHEN v_closures > 0 THEN 'failing' ELSE 'active' END, v_why);
            IF v_closures = 0 OR NOT postrider.is_own_event(p_event[s.last_strike], p_event_at[s.last_strike]) THEN
                PERFORM postrider.announce('postrider.endpoint.' || news, postrider.endpoint_news(s.endpoint_id));
            END IF;
            endpoint := l.name; why := v_why;
            RETURN NEXT;
        END IF;
    END LOOP;
END
$f$;

-- Those of p_ids that have failed for as long as they may, without one success, and often enough.
CREATE FUNCTION postrider.tired_endpoints(p_ids int[], p_now timestamptz) RETURNS int[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
BEGIN
    RETURN (SELECT array_agg(e.id ORDER BY e.id) FROM postrider.endpoints e
            JOIN postrider.endpoint_marks m ON m.endpoint_id = e.id
            WHERE e.id = ANY (p_ids) AND e.state = 'active' AND m.consecutive_failures >= 19
                AND m.failing_since <= p_now - e.disable_after);
END
$f$;

-- Disables endpoints that want no more (p_gone, p_done) or have failed for too long (p_tired), which the caller has locked; and says of those
-- that have failed for long (p_long) that they will be. The arrays are those of `settle`.
CREATE FUNCTION postrider.judge_endpoints(
    p_gone int[], p_done int[], p_tired int[], p_long int[], p_endpoint int[], p_outcome smallint[], p_reason text[],
    p_event bigint[], p_event_at timestamptz[], p_now timestamptz)
RETURNS TABLE (news text, endpoint text, why text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
#variable_conflict use_column
DECLARE
    s record; v_quiet boolean; v_percent int; v_changed boolean;
BEGIN
    FOR s IN
        SELECT e.id, e.name, e.disable_after, m.failing_since, m.consecutive_failures, m.warned, f.place, f.reason,
               e.id = ANY (p_gone || p_done) IS TRUE AS is_gone,
               (e.id = ANY (p_tired)) IS TRUE AND m.consecutive_failures >= 20 AND m.failing_since <= p_now - e.disable_after AS is_tired
        FROM postrider.endpoints e
        JOIN postrider.endpoint_marks m ON m.endpoint_id = e.id
        CROSS JOIN LATERAL (
            SELECT max(u.place) AS place, max(p_reason[u.place]) FILTER (WHERE p_outcome[u.place] = 3) AS reason
            FROM unnest(p_endpoint) WITH ORDINALITY AS u (endpoint_id, place)
            WHERE u.endpoint_id = e.id AND p_outcome[u.place] IN (1, 2, 3)) f
        WHERE e.id = ANY (p_gone || p_done || p_tired || p_long)
        ORDER BY e.id
    LOOP
        v_quiet := s.place IS NOT NULL AND postrider.is_own_event(p_event[s.place], p_event_at[s.place]);
        endpoint := s.name; news := NULL;
        IF s.is_gone OR s.is_tired THEN
            why := CASE WHEN s.is_tired AND NOT s.is_gone
                THEN format('no success for %s; %s attempts failed', s.disable_after, s.consecutive_failures)
                WHEN s.reason IS NOT NULL THEN s.reason
                WHEN (s.id = ANY (p_done)) IS TRUE THEN 'the receiver answered webhook-delivery: disable'
                ELSE 'the endpoint answered 410 Gone' END;
            v_changed := postrider.disable_endpoint(s.id, why, v_quiet);
            news := CASE WHEN v_changed THEN 'disabled' END;
        ELSIF s.consecutive_failures >= 20 AND s.failing_since < p_now - s.disable_after / 2 THEN
            v_percent := CASE WHEN s.failing_since < p_now - s.disable_after * 0.9 THEN 90 ELSE 50 END;
            IF v_percent > s.warned THEN
                UPDATE postrider.endpoint_marks m SET warned = v_percent WHERE m.endpoint_id = s.id;
                news := 'warned';
                why := format('no success for %s %% of the time after which it is disabled, at %s', v_percent,
                              date_trunc('second', s.failing_since + s.disable_after));
                IF NOT v_quiet THEN
                    PERFORM postrider.announce('postrider.endpoint.failing', postrider.endpoint_news(s.id)
                        || jsonb_build_object('disabled_at', s.failing_since + s.disable_after));
                END IF;
            END IF;
        END IF;
        IF news IS NOT NULL THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$f$;

-- Tells of dead letters, by the keys of their deliveries.
CREATE FUNCTION postrider.announce_dead(p_endpoint int[], p_event bigint[], p_event_at timestamptz[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
BEGIN
    IF NOT EXISTS (SELECT FROM postrider.subscriptions s
                   WHERE s.tenant = '' AND s.pattern = ANY (postrider.patterns_matching('postrider.delivery.dead'))) THEN
        RETURN;
    END IF;
    INSERT INTO postrider.outbox (event_type, payload)
    SELECT 'postrider.delivery.dead', jsonb_strip_nulls(jsonb_build_object(
               'dead_letter', x.id, 'event_id', x.event_id, 'webhook_id', postrider.webhook_id(x.event_at, x.event_id),
               'event_type', o.event_type, 'tenant', o.tenant, 'endpoint', e.name, 'attempts', x.attempts, 'reason', x.reason,
               'last_http_status', x.last_http_status, 'last_error_code', x.last_error_code))::json
    FROM unnest(p_endpoint, p_event, p_event_at) AS u (endpoint_id, event_id, event_at)
    JOIN postrider.dead x ON x.event_id = u.event_id AND x.event_at = u.event_at AND x.endpoint_id = u.endpoint_id
    JOIN postrider.endpoints e ON e.id = x.endpoint_id
    LEFT JOIN postrider.outbox o ON o.created_at = x.event_at AND o.id = x.event_id
    WHERE NOT postrider.is_own_event(x.event_id, x.event_at)
    ORDER BY x.id;
END
$f$;

-- Records a batch of mixed outcomes in one transaction. The arrays run in parallel, one element a delivery.
-- p_outcome: 0 delivered, 1 retry after p_delay_us, 2 dead, 3 gone (410: the endpoint is disabled, the delivery held),
-- 4 expired (not sent), 5 released (not sent: given back, its attempt does not count), 6 dead before this attempt (not sent: none is
-- left of those allowed; the last attempt on record says why), 7 filtered (not sent, and never to be).
-- p_noted: the places that p_retry_after, p_location and p_allowed_ms are about. Only attempts that failed have these.
-- p_said: the places whose attempts say something about the endpoint itself. p_speech is the sum of: 1 it speaks against the endpoint, 2 it
-- means "later", 4 the receiver wants no more; p_wait_us how long nothing is to be sent to it. p_strikes and p_pauses_us: what closes a lane,
-- and for how long.
-- p_again: the same batch was sent before and its fate is unknown. What it had recorded then is not recorded twice.
-- p_leave: leave out what another session holds. Without it, the settle waits for a moment and then fails with
-- lock_not_available, having recorded nothing.
--
-- Returns what it did not record: elements that were stale (their lease was lost, so nothing but their attempt was recorded),
-- and those that it left. For those it notes that p_worker keeps outcomes, for the next ten seconds at least: no worker takes
-- its leases over in that time, though they end, so nothing is sent again before it is recorded. And what is new about endpoints, in rows
-- with `news`: failing, recovered, disabled, or warned, with the endpoint's name and the reason; `spared` for a delivery that would have
-- died by an attempt that does not count.
CREATE FUNCTION postrider.settle(
    p_worker int, p_again boolean, p_endpoint int[], p_due timestamptz[], p_id bigint[],
    p_attempt smallint[], p_event bigint[], p_event_at timestamptz[], p_outcome smallint[], p_delay_us bigint[],
    p_reason text[], p_started_us_ago bigint[], p_duration_us int[], p_url int[], p_status smallint[], p_error_code text[],
    p_error text[], p_body text[], p_remote text[], p_name_us int[], p_connect_us int[], p_tls_us int[],
    p_first_us int[], p_leave boolean DEFAULT false, p_noted int[] DEFAULT '{}', p_retry_after text[] DEFAULT '{}',
    p_location text[] DEFAULT '{}', p_allowed_ms int[] DEFAULT '{}',
    p_said int[] DEFAULT '{}', p_speech smallint[] DEFAULT '{}', p_wait_us bigint[] DEFAULT '{}', p_strikes int DEFAULT 5,
    p_pauses_us bigint[] DEFAULT '{5000000,10000000,20000000,40000000,80000000,160000000,320000000,600000000}')
RETURNS TABLE (id bigint, place int, is_left boolean, news text, endpoint text, why text)
LANGUAGE plpgsql VOLATILE
-- Claims hold a lane for a few milliseconds; with less, a settle would leave out what it could have had. With more, one held
-- lane would slow all others; and below deadlock_timeout (1 s) a settle is never a reason for a deadlock.
SET lock_timeout = '100 ms'
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    v_count int := cardinality(p_id);
    -- Of the elements whose rows were found under their tokens: places in the arrays, and where the rows are.
    v_places int[];
    v_spots tid[];
    v_keyed int[];
    v_gone int[];
    v_needed int[];
    v_free int[];
    v_applied int[];
    v_known int[];
    v_left int[];
    -- Of the rows some attempts of which were given back before: places in the arrays, and how many; then the latter by place.
    v_given int[]; v_counts smallint[];
    v_unsent smallint[];
    v_keyed_lanes int[]; v_keys text[];
    v_all boolean;
    -- About the endpoints: those that failed, have failed for long, for too long, want no more, and that this session holds.
    v_failed int[]; v_long int[]; v_tired int[]; v_done int[]; v_mine int[];
    -- Places of failures that speak against the endpoint, of attempts that do not count, and of deliveries that died.
    v_struck int[]; v_spared int[]; v_dead int[];
    v_is_limited boolean; v_ramping int[];
BEGIN
    -- 1. Find the rows: one look-up each, that LIMIT keeps from becoming a join. An element is known by its place in the
    --    arrays: a worker that claimed a row again after losing it may settle both attempts in one batch. The arrays are read
    --    by place, and only what is needed of them: `unnest` would copy every element of every array, which costs more than
    --    deleting the rows. 410 disables the endpoint; what ends a row with an ordering key wakes the next one.
    SELECT array_agg(i.place), array_agg(d.spot),
           array_agg(DISTINCT p_endpoint[i.place]) FILTER (
               WHERE d.is_keyed AND (p_outcome[i.place] IN (0, 2, 4, 6, 7) OR d.attempt_base = -1)),
           array_agg(DISTINCT p_endpoint[i.place]) FILTER (WHERE p_outcome[i.place] = 3),
           array_agg(DISTINCT p_endpoint[i.place]) FILTER (WHERE p_outcome[i.place] IN (1, 2)),
           array_agg(i.place) FILTER (WHERE d.unsent > 0), array_agg(d.unsent) FILTER (WHERE d.unsent > 0)
    INTO v_places, v_spots, v_keyed, v_gone, v_failed, v_given, v_counts
    FROM generate_series(1, v_count) AS i (place)
    CROSS JOIN LATERAL (
        SELECT d.ctid AS spot, d.ordering_key IS NOT NULL AS is_keyed, d.attempt_base, d.unsent FROM postrider.deliveries d
        WHERE d.endpoint_id = p_endpoint[i.place] AND d.due_at = p_due[i.place] AND d.id = p_id[i.place]
            AND d.attempt = p_attempt[i.place] AND d.lease_by = p_worker LIMIT 1) d;

    -- 2. Lock, in the order that the head of this file says: endpoints that are gone; lanes on which something must change; with
    --    p_leave, what can be had of them and of the rows.
    IF v_failed IS NOT NULL THEN
        -- Half of the shortest time that an endpoint may fail; what more there is to know, only of so few.
        SELECT array_agg(m.endpoint_id) INTO v_long FROM postrider.endpoint_marks m
        WHERE m.endpoint_id = ANY (v_failed) AND m.consecutive_failures >= 19 AND m.failing_since < v_now - interval '30 s';
        IF v_long IS NOT NULL THEN
            v_tired := postrider.tired_endpoints(v_long, v_now);
        END IF;
    END IF;
    IF p_said <> '{}' THEN
        SELECT array_agg(u.place) FILTER (WHERE u.speech & 1 <> 0),
               array_agg(DISTINCT p_endpoint[u.place]) FILTER (WHERE u.speech & 4 <> 0)
        INTO v_struck, v_done FROM unnest(p_said, p_speech) AS u (place, speech);
        v_needed := ARRAY(SELECT p_endpoint[u.place] FROM unnest(p_said) AS u (place));
    END IF;
    v_gone := v_gone || v_tired || v_done;
    v_needed := v_needed || v_keyed || v_gone;
    IF v_gone IS NOT NULL THEN
        v_mine := postrider.hold_endpoints(v_gone, p_leave);
    END IF;
    IF NOT p_leave THEN
        PERFORM 1 FROM postrider.lanes l
        WHERE l.endpoint_id = ANY (p_endpoint) AND (l.max_in_flight IS NOT NULL OR l.endpoint_id = ANY (v_needed))
        ORDER BY l.endpoint_id FOR NO KEY UPDATE;
    ELSE
        v_free := ARRAY(
            SELECT l.endpoint_id FROM postrider.lanes l
            WHERE l.endpoint_id = ANY (p_endpoint) AND (l.max_in_flight IS NOT NULL OR l.endpoint_id = ANY (v_needed))
                AND ((l.endpoint_id = ANY (v_gone)) IS NOT TRUE OR l.endpoint_id = ANY (v_mine))
            ORDER BY l.endpoint_id FOR NO KEY UPDATE SKIP LOCKED);
        SELECT array_agg(x.place), array_agg(x.spot) INTO v_places, v_spots
        FROM unnest(v_places, v_spots) AS x (place, spot)
        WHERE p_endpoint[x.place] IN (
                SELECT l.endpoint_id FROM postrider.lanes l
                WHERE l.endpoint_id = ANY (p_endpoint)
                    AND (l.endpoint_id = ANY (v_free)
                         OR l.max_in_flight IS NULL AND (l.endpoint_id = ANY (v_needed)) IS NOT TRUE))
            AND (SELECT true FROM postrider.deliveries d WHERE d.ctid = x.spot AND d.id IS NOT DISTINCT FROM p_id[x.place]
                 FOR UPDATE SKIP LOCKED);
    END IF;

    -- While the breaker holds an endpoint, or it asked for a pause, "later" is no failure of a delivery: it does not count, and is due as soon as
    -- the lane opens.
    IF p_said <> '{}' THEN
        SELECT array_agg(u.place) INTO v_spared FROM unnest(p_said, p_speech) AS u (place, speech)
        WHERE u.speech & 2 <> 0 AND (p_outcome[u.place] = 1 OR p_outcome[u.place] = 2 AND p_reason[u.place] = 'attempts_exhausted')
            AND (SELECT l.closures > 0 OR l.open_at > v_now AND l.open_at < 'infinity' FROM postrider.lanes l
                 WHERE l.endpoint_id = p_endpoint[u.place]);
        FOR i IN 1 .. coalesce(cardinality(v_spared), 0) LOOP
            IF p_outcome[v_spared[i]] = 2 THEN
                RETURN QUERY SELECT p_id[v_spared[i]], v_spared[i], false, 'spared', NULL::text, NULL::text;
            END IF;
            p_outcome[v_spared[i]] := 1;
            p_delay_us[v_spared[i]] := 0;
        END LOOP;
    END IF;

    -- 3. The rows. The fencing token (id, attempt, lease_by) is compared in the statement that changes the row, so a
    --    worker that lost its lease changes nothing. The id, written so that no index serves it, since another row may have
    --    come to the same spot.
    WITH x AS MATERIALIZED (
        SELECT u.place, u.spot, p_id[u.place] AS id, p_outcome[u.place] AS outcome, p_attempt[u.place] AS attempt
        FROM unnest(v_places, v_spots) AS u (place, spot)),
    finished AS (
        -- A delivery that was cancelled while in flight (attempt_base -1) does not go on to another attempt.
        DELETE FROM postrider.deliveries d USING x
        WHERE (x.outcome IN (0, 2, 4, 6, 7) OR d.attempt_base = -1)
            AND d.ctid = x.spot AND d.id IS NOT DISTINCT FROM x.id AND d.attempt = x.attempt AND d.lease_by = p_worker
        RETURNING d.id, d.event_id, d.event_at, d.endpoint_id, d.bytes, d.attempt - coalesce(d.unsent, 0) AS attempts, d.unsent,
                  d.attempt_base, d.ordering_key, d.cancelled_why, d.cancelled_by, x.outcome, x.place),
    kept AS (
        UPDATE postrider.deliveries d
        SET due_at = CASE x.outcome WHEN 1 THEN v_now + p_delay_us[x.place] * interval '1 us' ELSE d.due_at END,
            -- An attempt that was given back keeps its number, or the next one would have the same token and a settle that
            -- comes late could be taken for it. It counts neither against max_attempts nor in what people see. Where the
            -- numbers are nearly used up, it is counted down after all.
            attempt = CASE WHEN x.outcome = 5 AND d.attempt > 32000 THEN d.attempt - 1 ELSE d.attempt END,
            attempt_base = CASE
                -- An operator who resumes an endpoint that was gone gives its deliveries a fresh retry schedule.
                WHEN x.outcome = 3 THEN d.attempt
                WHEN x.outcome = 5 AND d.attempt <= 32000 OR x.place = ANY (v_spared) THEN d.attempt_base + 1
                ELSE d.attempt_base END,
            unsent = CASE WHEN x.outcome = 5 AND d.attempt <= 32000 THEN coalesce(d.unsent, 0) + 1 ELSE d.unsent END,
            -- So that each worker's next look finds it, also one that keeps its due_at.
            changed_in = pg_current_xact_id(),
            lease_until = '-infinity', lease_by = 0
        FROM x
        WHERE x.outcome IN (1, 3, 5) AND d.attempt_base <> -1
            AND d.ctid = x.spot AND d.id IS NOT DISTINCT FROM x.id AND d.attempt = x.attempt AND d.lease_by = p_worker
        RETURNING d.endpoint_id, x.outcome, x.place),
    buried AS (
        INSERT INTO postrider.dead (id, event_id, event_at, endpoint_id, bytes, attempts, unsent, ordering_key, reason,
                                    last_http_status, last_error_code, last_error, last_attempt_at)
        -- A sequence that was set back gives an id that an older dead letter has: the newer one gets another.
        SELECT CASE WHEN row_number() OVER (PARTITION BY f.id) > 1 OR (SELECT true FROM postrider.dead x WHERE x.id = f.id)
                   THEN greatest((SELECT max(x.id) FROM postrider.dead x), max(f.id) OVER ()) + row_number() OVER ()
                   ELSE f.id END,
               f.event_id, f.event_at, f.endpoint_id, f.bytes, f.attempts - (f.outcome = 6)::int, f.unsent, f.ordering_key,
               coalesce(CASE WHEN f.outcome = 2 THEN p_reason[f.place] WHEN last.error_code = 'lost_lease' THEN 'lost_lease' END,
                        'attempts_exhausted'),
               CASE WHEN f.outcome = 2 THEN p_status[f.place] ELSE last.http_status END,
               CASE WHEN f.outcome = 2 THEN p_error_code[f.place] ELSE last.error_code END,
               CASE WHEN f.outcome = 2 THEN p_error[f.place] ELSE last.error END,
               CASE WHEN f.outcome = 2 THEN v_now - p_started_us_ago[f.place] * interval '1 us' ELSE last.started_at END
        FROM finished f
        LEFT JOIN LATERAL (
            SELECT a.started_at, a.http_status, a.error_code, a.error FROM postrider.attempts a
            -- In here, or each row of another outcome would be looked up for nothing.
            WHERE f.outcome = 6 AND a.event_id = f.event_id AND a.event_at = f.event_at AND a.endpoint_id = f.endpoint_id
            ORDER BY a.attempt DESC, a.started_at DESC LIMIT 1) last ON true
        WHERE f.outcome IN (2, 6) AND f.attempt_base <> -1),
    closed AS (
        INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status, reason, closed_by, last_http_status,
                                      last_error_code, last_attempt_at)
        SELECT f.event_id, f.event_at, f.endpoint_id,
               CASE WHEN f.outcome IN (4, 5, 6, 7) THEN f.attempts - 1 ELSE f.attempts END,
               CASE f.outcome WHEN 4 THEN 'expired' WHEN 7 THEN 'filtered' ELSE 'cancelled' END,
               CASE WHEN f.outcome IN (4, 7) THEN p_reason[f.place] ELSE f.cancelled_why END,
               CASE WHEN f.outcome NOT IN (4, 7) AND f.cancelled_by IS NOT NULL THEN f.cancelled_by ELSE session_user END,
               p_status[f.place], p_error_code[f.place],
               CASE WHEN f.outcome NOT IN (4, 5, 6, 7) THEN v_now - p_started_us_ago[f.place] * interval '1 us' END
        FROM finished f WHERE f.outcome IN (4, 7) OR (f.attempt_base = -1 AND f.outcome <> 0))
    SELECT (SELECT array_agg(a.place) FROM (SELECT f.place FROM finished f UNION ALL SELECT k.place FROM kept k) a),
           (SELECT array_agg(f.endpoint_id) FROM finished f WHERE f.ordering_key IS NOT NULL),
           (SELECT array_agg(f.ordering_key) FROM finished f WHERE f.ordering_key IS NOT NULL),
           (SELECT array_agg(DISTINCT k.endpoint_id) FROM kept k WHERE k.outcome = 3),
           (SELECT array_agg(f.place) FROM finished f WHERE f.outcome IN (2, 6) AND f.attempt_base <> -1)
    INTO v_applied, v_keyed_lanes, v_keys, v_gone, v_dead;
    v_all := coalesce(cardinality(v_applied), 0) = v_count;

    -- What is left: still under its token, but held by another session, or changed by one since it was found.
    IF NOT v_all THEN
        SELECT array_agg(i.place) INTO v_left FROM generate_series(1, v_count) AS i (place)
        WHERE (i.place = ANY (v_applied)) IS NOT TRUE AND (
            SELECT true FROM postrider.deliveries d
            WHERE d.endpoint_id = p_endpoint[i.place] AND d.due_at = p_due[i.place] AND d.id = p_id[i.place]
                AND d.attempt = p_attempt[i.place] AND d.lease_by = p_worker LIMIT 1);
    END IF;

    -- 4. The attempts, under what was found out in step 3.
    IF p_again THEN
        SELECT array_agg(i.place) INTO v_known FROM generate_series(1, v_count) AS i (place)
        -- With LIMIT it stays a look-up for each element: EXISTS could become a join that starts from all attempts.
        WHERE (SELECT true FROM postrider.attempts a
               WHERE a.event_id = p_event[i.place] AND a.event_at = p_event_at[i.place] AND a.endpoint_id = p_endpoint[i.place]
                   AND a.attempt = p_attempt[i.place] AND a.worker = p_worker
                   AND a.error IS DISTINCT FROM postrider.unreported() LIMIT 1);
    END IF;
    IF v_given IS NOT NULL THEN
        FOR i IN 1 .. cardinality(v_given) LOOP
            v_unsent[v_given[i]] := v_counts[i];
        END LOOP;
    END IF;
    IF NOT v_all THEN
        PERFORM postrider.forget_unreported(p_worker, p_event, p_event_at, p_endpoint, p_attempt);
    END IF;
    INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt,
        outcome, worker, http_status, name_lookup_us, connect_us, tls_us, first_byte_us, remote_address, error_code,
        error, response_body, unsent, retry_after, location, allowed_ms)
    SELECT v_now - p_started_us_ago[x.place] * interval '1 us', p_event_at[x.place], p_event[x.place],
           p_endpoint[x.place], p_url[x.place], p_duration_us[x.place], p_attempt[x.place],
           CASE WHEN NOT x.is_applied THEN 3 WHEN p_outcome[x.place] = 3 THEN 1 ELSE p_outcome[x.place] END,
           p_worker, p_status[x.place], p_name_us[x.place], p_connect_us[x.place], p_tls_us[x.place],
           p_first_us[x.place], p_remote[x.place],
           CASE WHEN x.is_applied THEN p_error_code[x.place] ELSE 'lost_lease' END, p_error[x.place], p_body[x.place],
           v_unsent[x.place], p_retry_after[x.noted], p_location[x.noted], p_allowed_ms[x.noted]
    -- IN as an expression becomes a hash look-up; as a join it could not, with the joins above pinned.
    FROM (SELECT i.place, v_all OR i.place IN (SELECT unnest(v_applied)) AS is_applied,
                 array_position(p_noted, i.place) AS noted
          FROM generate_series(1, v_count) AS i (place)) x
    WHERE p_outcome[x.place] NOT IN (4, 5, 6, 7)
        -- What is applied now was not before. After an asynchronous failover the same worker may have recorded a stale attempt
        -- of this number, and then claimed the row with that number again.
        AND (x.is_applied OR v_known IS NULL OR x.place NOT IN (SELECT unnest(v_known)))
        AND (v_left IS NULL OR x.place NOT IN (SELECT unnest(v_left)));

    -- 5. The lanes. The row that `leased` counts was ours, so each applied row of a limited lane lowers it by one. A fresh
    --    snapshot: a limit that was set since step 2 is seen. Its lane is locked out of turn then, which waits for a moment
    --    at most.
    SELECT count(*) > 0, array_agg(l.endpoint_id) FILTER (WHERE l.breaker_window IS NOT NULL) INTO v_is_limited, v_ramping
    FROM postrider.lanes l WHERE l.endpoint_id = ANY (p_endpoint) AND l.max_in_flight IS NOT NULL;
    IF v_is_limited THEN
        UPDATE postrider.lanes l SET leased = greatest(0, l.leased - n.count)
        FROM (SELECT u.endpoint_id, count(*)::int AS count
              FROM unnest(p_endpoint) WITH ORDINALITY AS u (endpoint_id, place)
              WHERE v_all OR u.place IN (SELECT unnest(v_applied))
              GROUP BY u.endpoint_id ORDER BY u.endpoint_id) n
        WHERE l.endpoint_id = ANY (ARRAY[n.endpoint_id]) AND l.max_in_flight IS NOT NULL;
    END IF;
    IF v_keys IS NOT NULL THEN
        IF v_dead IS NOT NULL THEN
            PERFORM postrider.park_keys(v_keyed_lanes, v_keys);
        END IF;
        PERFORM postrider.promote(v_keyed_lanes, v_keys);
    END IF;

    -- 6. How the endpoints are doing. Successes in a row are written once a second at most.
    UPDATE postrider.endpoint_marks m
    SET consecutive_failures = CASE WHEN n.succeeded THEN 0 ELSE m.consecutive_failures + n.failures END,
        failing_since = CASE WHEN n.succeeded THEN NULL ELSE coalesce(m.failing_since, v_now) END,
        strikes = CASE WHEN n.succeeded OR n.answered THEN 0 ELSE m.strikes END,
        warned = CASE WHEN n.succeeded THEN 0 ELSE m.warned END,
        last_success_at = CASE WHEN n.succeeded THEN v_now ELSE m.last_success_at END,
        last_failure_at = CASE WHEN n.failures > 0 THEN v_now ELSE m.last_failure_at END,
        last_http_status = CASE WHEN n.failures > 0 THEN p_status[n.failed] ELSE m.last_http_status END,
        last_error_code = CASE WHEN n.failures > 0 THEN p_error_code[n.failed] ELSE m.last_error_code END,
        last_error = CASE WHEN n.failures > 0
            THEN left(coalesce(CASE WHEN p_status[n.failed] IS NOT NULL THEN p_body[n.failed] END, p_error[n.failed]), 200)
            ELSE m.last_error END
    FROM (SELECT u.endpoint_id, bool_or(u.outcome = 0) AS succeeded,
                 count(*) FILTER (WHERE u.outcome IN (1, 2, 3))::int AS failures,
                 -- Not by a success, and not by what speaks against the endpoint.
                 bool_or(p_status[u.place] IS NOT NULL AND (u.place = ANY (v_struck)) IS NOT TRUE)
                     FILTER (WHERE u.outcome IN (1, 2, 3)) AS answered,
                 max(u.place) FILTER (WHERE u.outcome IN (1, 2, 3)) AS failed
          FROM unnest(p_endpoint, p_outcome) WITH ORDINALITY AS u (endpoint_id, outcome, place)
          WHERE u.outcome < 4 AND (v_all OR u.place IN (SELECT unnest(v_applied)))
          GROUP BY u.endpoint_id ORDER BY u.endpoint_id) n
    WHERE m.endpoint_id = ANY (ARRAY[n.endpoint_id])
        AND (n.failures > 0 OR m.consecutive_failures > 0 OR m.last_success_at IS NULL
             OR m.last_success_at < v_now - interval '1 s');

    -- 7. What follows for the endpoints, and what is told about them.
    IF p_said <> '{}' OR v_ramping IS NOT NULL THEN
        RETURN QUERY SELECT NULL::bigint, NULL::int, false, j.news, j.endpoint, j.why
        FROM postrider.judge_lanes(
            (SELECT array_agg(DISTINCT e.id ORDER BY e.id)
             FROM unnest(v_ramping || ARRAY(SELECT p_endpoint[u.place] FROM unnest(p_said) AS u (place))) AS e (id)),
            p_endpoint, p_outcome, p_status, p_started_us_ago, v_struck, p_said, p_wait_us, p_event, p_event_at,
            CASE WHEN NOT v_all THEN coalesce(v_applied, '{}') END, v_now, p_strikes, p_pauses_us) j;
    END IF;
    IF v_gone IS NOT NULL OR v_done IS NOT NULL OR v_long IS NOT NULL THEN
        -- With p_leave some may be another session's; what is owed to those was left.
        RETURN QUERY SELECT NULL::bigint, NULL::int, false, j.news, j.endpoint, j.why
        FROM postrider.judge_endpoints(
            v_gone, ARRAY(SELECT d.id FROM unnest(v_done) AS d (id) WHERE d.id = ANY (v_mine)),
            ARRAY(SELECT t.id FROM unnest(v_tired) AS t (id) WHERE t.id = ANY (v_mine)), v_long, p_endpoint, p_outcome, p_reason, p_event, p_event_at, v_now) j;
    END IF;
    IF v_dead IS NOT NULL THEN
        PERFORM postrider.announce_dead(
            ARRAY(SELECT p_endpoint[u.place] FROM unnest(v_dead) AS u (place)), ARRAY(SELECT p_event[u.place] FROM unnest(v_dead) AS u (place)),
            ARRAY(SELECT p_event_at[u.place] FROM unnest(v_dead) AS u (place)));
    END IF;

    -- 8. Not the leases themselves: they could not be prolonged while another session holds the rows.
    IF v_left IS NOT NULL THEN
        UPDATE postrider.workers w SET keeps_until = v_now + interval '15 s'
        WHERE w.ctid = (SELECT k.ctid FROM postrider.workers k
                        WHERE k.id = p_worker AND k.keeps_until < v_now + interval '10 s' FOR NO KEY UPDATE SKIP LOCKED);
    END IF;

    IF NOT v_all THEN
        RETURN QUERY SELECT u.id, u.place::int, (u.place = ANY (v_left)) IS TRUE, NULL::text, NULL::text, NULL::text
                     FROM unnest(p_id) WITH ORDINALITY AS u (id, place)
                     WHERE u.place <> ALL (coalesce(v_applied, '{}')) AND u.place <> ALL (coalesce(v_known, '{}'));
    END IF;
END
$f$;
