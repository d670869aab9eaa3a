-- 0006 housekeeping: what workers do on the side. Every worker asks; a duty is done by one at a time.
--
-- Locks:        none at migration. At run time: making a partition takes ACCESS EXCLUSIVE on the DEFAULT partition, taking
--               one out takes it on the parent, then on DEFAULT and the partition: parent before child, as producers and readers
--               do. Each waits 50 or 100 ms at most, less than the server takes to look for a deadlock, and a duty that got
--               no lock is tried again after growing pauses. What moves or deletes rows holds no lock that a producer wants.
-- Old workers:  may keep running.

SET LOCAL search_path = pg_catalog, pg_temp;

-- A worker takes a duty in a transaction of its own, which marks it, and then does it in another: one that fails, or ends
-- with its connection, stays marked and is tried again after growing pauses.
CREATE TABLE postrider.duties (
    duty text PRIMARY KEY,
    every interval NOT NULL,
    -- When it was taken or done last. '-infinity' when there is more to do: it is due at once.
    last_at timestamptz NOT NULL DEFAULT '-infinity',
    -- When it was last done to the end.
    last_success timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- How often in a row it was taken and did not end well, the time that runs now included.
    failures int NOT NULL DEFAULT 0,
    last_error text,
    -- For those that go over much: how far they have come, where they end, and how much they look at next.
    spot_at timestamptz,
    spot_id bigint,
    until_at timestamptz,
    portion int NOT NULL DEFAULT 10000
) WITH (fillfactor = 50);

-- The duties that there must be. Those that look at everything are first due an interval from now: at the start there is
-- nothing to repair.
CREATE FUNCTION postrider.standard_duties() RETURNS TABLE (duty text, every interval, last_at timestamptz)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    VALUES ('partitions', interval '1 hour', timestamptz '-infinity'), ('retention', '1 hour', '-infinity'),
        ('keys', '1 minute', '-infinity'), ('workers', '1 hour', '-infinity'), ('idempotency', '1 hour', '-infinity'),
        ('strays', '1 day', '-infinity'), ('backlog', '1 minute', '-infinity'), ('replays', '1 hour', '-infinity'),
        ('inbox', '1 minute', '-infinity'),
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

-- How long a duty rests: after failures 5 s, doubled each time, up to a quarter of an hour or four of its intervals.
CREATE FUNCTION postrider.duty_rest(p_every interval, p_failures int) RETURNS interval
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT CASE WHEN p_failures = 0 THEN p_every
                ELSE least(interval '15 min', 4 * p_every, interval '5 s' * 2 ^ least(p_failures - 1, 10)) END
$f$;

-- Whether a duty may be taken. A mark in the future was made by a clock that was set back since.
CREATE FUNCTION postrider.is_due(p_last_at timestamptz, p_every interval, p_failures int) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT p_last_at <= clock_timestamp() - postrider.duty_rest(p_every, p_failures) OR p_last_at > clock_timestamp()
$f$;

-- After which time a duty is due again: replays at once, while there is one to do.
CREATE FUNCTION postrider.duty_every(p_duty text, p_every interval) RETURNS interval
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_duty = 'replays' AND EXISTS (SELECT FROM postrider.replays r WHERE r.ended_at IS NULL) THEN
        RETURN interval '500 ms';
    END IF;
    RETURN p_every;
END
$f$;

-- True when the duty is due and no other session does it. It counts as failed until it says that it is done, and one that
-- failed looks at less the next time.
CREATE FUNCTION postrider.take_duty(p_duty text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM 1 FROM postrider.duties d
    WHERE d.duty = p_duty AND postrider.is_due(d.last_at, postrider.duty_every(d.duty, d.every), d.failures)
    FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE postrider.duties d
    SET last_at = clock_timestamp(), failures = d.failures + 1,
        portion = CASE WHEN d.failures > 0 THEN greatest(d.portion / 4, 100) ELSE d.portion END
    WHERE d.duty = p_duty;
    RETURN true;
END
$f$;

-- Keeps what a duty failed with, for `status` and `doctor`.
CREATE FUNCTION postrider.note_duty_error(p_duty text, p_error text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
    UPDATE postrider.duties d SET last_error = left(p_error, 500) WHERE d.duty = p_duty AND d.failures > 0
$f$;

-- True when no other session does the duty; then none begins it until this transaction ends. A table's row, not an advisory
-- lock, because any session of the database could sit on one of those.
CREATE FUNCTION postrider.hold_duty(p_duty text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM 1 FROM postrider.duties d WHERE d.duty = p_duty FOR NO KEY UPDATE SKIP LOCKED;
    RETURN FOUND;
END
$f$;

-- The duty went well; with more to do it is due at once.
CREATE FUNCTION postrider.end_duty(p_duty text, p_more boolean) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    UPDATE postrider.duties d
    SET failures = 0, last_error = NULL,
        last_at = CASE WHEN p_more THEN '-infinity' ELSE clock_timestamp() END,
        last_success = CASE WHEN p_more THEN d.last_success ELSE clock_timestamp() END
    WHERE d.duty = p_duty
$f$;

-- ------------------------------------------------------------------------------------------------------ partitions

-- What a table's daily partitions are made by.
CREATE FUNCTION postrider.partition_key(p_parent text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT CASE p_parent WHEN 'outbox' THEN 'created_at' WHEN 'attempts' THEN 'started_at' ELSE 'received_at' END
$f$;

-- The daily partitions of events and attempts, and of what was received and how it ended (0014).
CREATE FUNCTION postrider.daily_partitions()
RETURNS TABLE (parent text, name text, day date, day_start timestamptz, day_end timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT p.relname::text, c.relname::text, d.day, d.day::timestamp AT TIME ZONE 'UTC',
           (d.day + 1)::timestamp AT TIME ZONE 'UTC'
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    JOIN pg_class p ON p.oid = i.inhparent
    JOIN pg_namespace n ON n.oid = p.relnamespace
    CROSS JOIN LATERAL (SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day) d
    WHERE n.nspname = 'postrider' AND p.relname IN ('outbox', 'attempts', 'received', 'inbox_ends') AND c.relname ~ '_p[0-9]{8}$'
$f$;

-- Locks a DEFAULT partition for itself. First a lock that no producer minds, and with patience enough for the server to send
-- a vacuum away; then the one that producers would queue behind, with little patience.
CREATE FUNCTION postrider.lock_default(p_parent text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $f$
BEGIN
    -- The commit must not wait for the disk while all producers wait for this lock. Lost in a crash it is done again.
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM set_config('lock_timeout', '2s', true);
    EXECUTE format('LOCK TABLE postrider.%I IN SHARE UPDATE EXCLUSIVE MODE', p_parent || '_default');
    PERFORM set_config('lock_timeout', '50ms', true);
    EXECUTE format('LOCK TABLE postrider.%I IN ACCESS EXCLUSIVE MODE', p_parent || '_default');
END
$f$;

-- Makes the daily partition of p_parent for p_day unless it is there. It begins at p_from, if that is later than the day; for
-- today a minute from now, because an insert that has chosen DEFAULT and waits for our lock would fail when it finds that
-- DEFAULT does not take its time any more. It begins after the newest row of the day that is in DEFAULT: those rows stay.
CREATE FUNCTION postrider.make_partition(p_parent text, p_day date, p_from timestamptz DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_name text := format('%s_p%s', p_parent, to_char(p_day, 'YYYYMMDD'));
    v_start timestamptz := p_day::timestamp AT TIME ZONE 'UTC';
    v_until timestamptz := (p_day + 1)::timestamp AT TIME ZONE 'UTC';
    v_key text := postrider.partition_key(p_parent);
    v_from timestamptz;
BEGIN
    IF to_regclass(format('postrider.%I', v_name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    v_from := greatest(v_start, coalesce(p_from, CASE WHEN clock_timestamp() BETWEEN v_start - interval '1 min' AND v_until
                                                      THEN clock_timestamp() + interval '1 min' END));
    PERFORM postrider.lock_default(p_parent);
    -- Of a large DEFAULT a guard has proved that it has no such rows; attempts have no index to ask.
    IF p_parent <> 'attempts' OR NOT postrider.is_default_large(p_parent) THEN
        EXECUTE format('SELECT greatest(%L, max(d.%I) + interval ''1 us'') FROM postrider.%I d WHERE d.%I >= %L AND d.%I < %L',
                       v_from, v_key, p_parent || '_default', v_key, v_from, v_key, v_until) INTO v_from;
    END IF;
    IF v_from >= v_until THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE postrider.%I (LIKE postrider.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)',
                   v_name, p_parent);
    IF p_parent = 'attempts' THEN
        EXECUTE format('ALTER TABLE postrider.%I REPLICA IDENTITY FULL', v_name);
    END IF;
    EXECUTE format('ALTER TABLE postrider.%I ATTACH PARTITION postrider.%I FOR VALUES FROM (%L) TO (%L)',
                   p_parent, v_name, v_from, v_until);
    RETURN true;
END
$f$;

-- To attach a partition the server reads all of DEFAULT, and shuts producers out until it has: some milliseconds for 8 MB.
CREATE FUNCTION postrider.is_default_large(p_parent text) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT pg_relation_size(format('postrider.%I', p_parent || '_default')::regclass) > 8 * 1024 * 1024
$f$;

-- A row that the guard of a DEFAULT partition (below) does not take goes before it.
CREATE FUNCTION postrider.step_before_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF TG_ARGV[0] = 'outbox' THEN
        NEW.created_at := TG_ARGV[1]::timestamptz - interval '1 us';
    ELSIF TG_ARGV[0] IN ('received', 'inbox_ends') THEN
        NEW.received_at := TG_ARGV[1]::timestamptz - interval '1 us';
    ELSE
        NEW.started_at := TG_ARGV[1]::timestamptz - interval '1 us';
    END IF;
    RETURN NEW;
END
$f$;

-- The guard of a DEFAULT partition: a CHECK that it has no rows from p_from to p_until, so that the server need not read it
-- to attach partitions for that time. It is proved in a transaction of its own, while producers go on. p_from is some
-- minutes ahead, and by then it is gone again; should no worker come to that, a trigger sets the time of the rows that it
-- would refuse to the last moment before it: an insert never fails for it.
CREATE FUNCTION postrider.guard_default(p_parent text, p_from timestamptz, p_until timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_key text := postrider.partition_key(p_parent);
    v_default text := p_parent || '_default';
    v_guard text := p_parent || '_0_guard';
BEGIN
    PERFORM postrider.lock_default(p_parent);
    EXECUTE format('ALTER TABLE postrider.%I ADD CONSTRAINT %I CHECK (%I < %L::timestamptz OR %I >= %L::timestamptz) NOT VALID',
                   v_default, v_guard, v_key, p_from, v_key, p_until);
    EXECUTE format('COMMENT ON CONSTRAINT %I ON postrider.%I IS %L', v_guard, v_default, p_from);
    EXECUTE format('CREATE TRIGGER %I BEFORE INSERT ON postrider.%I FOR EACH ROW WHEN (NEW.%I >= %L::timestamptz AND NEW.%I < %L::timestamptz) '
                   'EXECUTE FUNCTION postrider.step_before_guard(%L, %L)',
                   v_guard, v_default, v_key, p_from, v_key, p_until, p_parent, p_from);
    EXECUTE format('ALTER TABLE postrider.%I ENABLE ALWAYS TRIGGER %I', v_default, v_guard);
END
$f$;

CREATE FUNCTION postrider.unguard_default(p_parent text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM postrider.lock_default(p_parent);
    EXECUTE format('DROP TRIGGER %I ON postrider.%I', p_parent || '_0_guard', p_parent || '_default');
    EXECUTE format('ALTER TABLE postrider.%I DROP CONSTRAINT %I', p_parent || '_default', p_parent || '_0_guard');
END
$f$;

-- Proves the guard; the lock that it takes stops no producer. Where there are such rows after all, the guard goes, and the
-- days that have rows in DEFAULT pass without a partition.
CREATE FUNCTION postrider.prove_guard(p_parent text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $f$
BEGIN
    EXECUTE format('ALTER TABLE postrider.%I VALIDATE CONSTRAINT %I', p_parent || '_default', p_parent || '_0_guard');
    RETURN true;
EXCEPTION WHEN check_violation THEN
    PERFORM postrider.unguard_default(p_parent);
    RETURN false;
END
$f$;

-- The next step towards partitions of p_parent for today and the p_days to come: 'made' one, or for a large DEFAULT partition
-- 'guarded', 'proved', 'unguarded', each of which must be committed before the next. NULL when there is no more to do.
CREATE FUNCTION postrider.prepare_days(p_parent text, p_days int) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_default regclass := format('postrider.%I', p_parent || '_default')::regclass;
    v_today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    -- Time enough to prove and to attach.
    v_soon timestamptz := clock_timestamp() + interval '5 min';
    v_until timestamptz := (v_today + p_days + 1)::timestamp AT TIME ZONE 'UTC';
    v_key text := postrider.partition_key(p_parent);
    v_proved boolean; v_bound timestamptz; v_day date;
BEGIN
    SELECT c.convalidated, obj_description(c.oid, 'pg_constraint')::timestamptz INTO v_proved, v_bound
    FROM pg_constraint c WHERE c.conrelid = v_default AND c.conname = p_parent || '_0_guard';
    FOR v_day IN SELECT v_today + n FROM generate_series(0, p_days) AS n
                 WHERE (v_today + n + 1)::timestamp AT TIME ZONE 'UTC' > coalesce(v_bound, v_soon)
                     AND to_regclass(format('postrider.%I', p_parent || '_p' || to_char(v_today + n, 'YYYYMMDD'))) IS NULL
                 ORDER BY n LOOP
        IF v_proved IS NULL AND postrider.is_default_large(p_parent) THEN
            v_bound := greatest(v_soon, v_day::timestamp AT TIME ZONE 'UTC');
            EXECUTE format('SELECT greatest($1, max(d.%I) + interval ''1 us'') FROM %s d WHERE d.%I >= $1 AND d.%I < $2',
                           v_key, v_default, v_key, v_key) INTO v_bound USING v_bound, v_until;
            CONTINUE WHEN v_bound >= (v_day + 1)::timestamp AT TIME ZONE 'UTC';
            PERFORM postrider.guard_default(p_parent, v_bound, v_until);
            RETURN 'guarded';
        ELSIF v_bound < clock_timestamp() + interval '30 s' THEN
            EXIT;   -- too late for this guard
        ELSIF NOT v_proved THEN
            RETURN CASE WHEN postrider.prove_guard(p_parent) THEN 'proved' END;
        ELSIF postrider.make_partition(p_parent, v_day, v_bound) THEN
            RETURN 'made';
        END IF;
    END LOOP;
    IF v_proved IS NOT NULL THEN
        PERFORM postrider.unguard_default(p_parent);
        RETURN 'unguarded';
    END IF;
    RETURN NULL;
END
$f$;

-- Partitions for today and the p_days to come, in UTC days. Returns how many steps it took; with a large DEFAULT partition
-- it is to be called again, each time in a transaction of its own, until it takes none.
CREATE FUNCTION postrider.ensure_partitions(p_days int DEFAULT 7) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_count int := 0;
    v_parent text; v_step text;
BEGIN
    FOREACH v_parent IN ARRAY ARRAY['outbox', 'attempts', 'received', 'inbox_ends'] LOOP
        LOOP
            v_step := postrider.prepare_days(v_parent, least(p_days, 60));
            EXIT WHEN v_step IS NULL;
            v_count := v_count + 1;
            EXIT WHEN v_step <> 'made';
        END LOOP;
    END LOOP;
    RETURN v_count;
END
$f$;

-- One step a call. The tables take turns at being first, so that a lock on one does not keep the other waiting.
CREATE FUNCTION postrider.keep_partitions() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_parent text; v_step text;
BEGIN
    IF NOT postrider.hold_duty('partitions') THEN
        RETURN 0;
    END IF;
    FOR v_parent IN SELECT t.parent
                    FROM (VALUES ('outbox', 0), ('attempts', 1), ('received', 2), ('inbox_ends', 3)) AS t (parent, place), postrider.duties d
                    WHERE d.duty = 'partitions' ORDER BY (t.place + greatest(d.failures - 1, 0)) % 4 LOOP
        v_step := postrider.prepare_days(v_parent, 7);
        EXIT WHEN v_step IS NOT NULL;
    END LOOP;
    PERFORM postrider.end_duty('partitions', v_step IS NOT NULL);
    RETURN (v_step IS NOT NULL)::int;
END
$f$;

-- ------------------------------------------------------------------------------------------------------- retention

-- Since when events and attempts are kept.
CREATE FUNCTION postrider.kept_since() RETURNS timestamptz
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT clock_timestamp() - s.retention FROM postrider.settings s
$f$;

-- Takes a partition out of its table, and leaves its files for later: to delete them the commit waits for the disk with all
-- locks held. Parent before child, as everybody who reads or inserts. With the parent's lock no one else can wait for the
-- others' any more; a session that holds one of them reads the partition by its own name, and we come back.
CREATE FUNCTION postrider.detach_partition(p_parent text, p_name text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $f$
BEGIN
    -- Lost in a crash it is done again.
    PERFORM set_config('synchronous_commit', 'off', true);
    -- Sends vacuums away; producers and readers do not mind.
    PERFORM set_config('lock_timeout', '2s', true);
    EXECUTE format('LOCK TABLE ONLY postrider.%I, postrider.%I IN SHARE UPDATE EXCLUSIVE MODE', p_parent || '_default', p_name);
    PERFORM set_config('lock_timeout', '100ms', true);
    EXECUTE format('LOCK TABLE ONLY postrider.%I IN ACCESS EXCLUSIVE MODE', p_parent);
    -- Those who end now may have given back the parent and not these yet.
    PERFORM set_config('lock_timeout', '20ms', true);
    EXECUTE format('LOCK TABLE ONLY postrider.%I, postrider.%I IN ACCESS EXCLUSIVE MODE', p_parent || '_default', p_name);
    EXECUTE format('ALTER TABLE postrider.%I DETACH PARTITION postrider.%I', p_parent, p_name);
END
$f$;

-- Drops the partitions that were taken out. No one else looks at them.
CREATE FUNCTION postrider.drop_detached() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $f$
DECLARE
    v_name text;
BEGIN
    FOR v_name IN SELECT c.relname FROM pg_class c
                  WHERE c.relnamespace = 'postrider'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
                      AND c.relname ~ '^(outbox|attempts|received|inbox_ends)_p[0-9]{8}$' LOOP
        EXECUTE format('DROP TABLE postrider.%I', v_name);
    END LOOP;
END
$f$;

-- The days before p_before of which deliveries or dead letters still need the events.
CREATE FUNCTION postrider.needed_days(p_before timestamptz) RETURNS date[]
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT ARRAY(SELECT (d.event_at AT TIME ZONE 'UTC')::date FROM postrider.deliveries d WHERE d.event_at < p_before
                 UNION
                 SELECT (x.event_at AT TIME ZONE 'UTC')::date FROM postrider.dead x WHERE x.event_at < p_before)
$f$;

-- Whether a partition of attempts tells of an event that is still there: one of a kept day, or one in DEFAULT. Attempts go
-- after their events, or delivered events would look as if they had never been delivered.
CREATE FUNCTION postrider.tells_of_events(p_name text, p_until timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off AS $f$
DECLARE
    v_days date[]; v_found boolean;
BEGIN
    -- Two days more, for clocks that were set back.
    SELECT array_agg(p.day) INTO v_days FROM postrider.daily_partitions() p
    WHERE p.parent = 'outbox' AND p.day_start < p_until + interval '2 days'
        AND EXISTS (SELECT FROM postrider.outbox o WHERE o.created_at >= p.day_start AND o.created_at < p.day_end);
    IF v_days IS NOT NULL THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM postrider.%I a WHERE (a.event_at AT TIME ZONE ''UTC'')::date = ANY ($1))',
                       p_name) USING v_days INTO v_found;
    END IF;
    IF v_found IS NOT TRUE AND EXISTS (SELECT FROM postrider.outbox_default o WHERE o.created_at < p_until) THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM postrider.%I a JOIN postrider.outbox_default o '
                       'ON o.created_at = a.event_at AND o.id = a.event_id)', p_name) INTO v_found;
    END IF;
    RETURN coalesce(v_found, false);
END
$f$;

-- Deletes idempotency keys past their retention, the oldest first, from p_from on.
CREATE FUNCTION postrider.forget_keys(p_from timestamptz, p_limit int, OUT deleted int, OUT last_at timestamptz)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    WITH old AS MATERIALIZED (
        SELECT k.ctid AS spot FROM postrider.idempotency_keys k
        WHERE k.event_at < clock_timestamp() - (SELECT s.idempotency_retention FROM postrider.settings s)
            AND k.event_at >= coalesce(p_from, '-infinity')
        ORDER BY k.event_at LIMIT p_limit FOR UPDATE SKIP LOCKED),
    gone AS (
        DELETE FROM postrider.idempotency_keys k USING old WHERE k.ctid = old.spot RETURNING k.event_at)
    SELECT count(*)::int, max(g.event_at) FROM gone g
$f$;

-- A portion a call: a second of a moment is not looked at from the beginning again while dead rows pile up there.
CREATE FUNCTION postrider.keep_idempotency() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_duty postrider.duties; v_gone record; v_more boolean;
BEGIN
    IF NOT postrider.hold_duty('idempotency') THEN
        RETURN 0;
    END IF;
    SELECT d.* INTO v_duty FROM postrider.duties d WHERE d.duty = 'idempotency';
    SELECT g.deleted, g.last_at INTO v_gone FROM postrider.forget_keys(v_duty.spot_at, v_duty.portion) g;
    v_more := v_gone.deleted = v_duty.portion;
    UPDATE postrider.duties d SET spot_at = CASE WHEN v_more THEN v_gone.last_at END WHERE d.duty = 'idempotency';
    PERFORM postrider.end_duty('idempotency', v_more);
    RETURN v_gone.deleted;
END
$f$;

-- Deletes rows of a table that has a row for each of some deliveries, where the event is gone.
CREATE FUNCTION postrider.forget_of_gone(p_table text, p_before timestamptz, p_limit int) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_count int;
BEGIN
    EXECUTE format($s$
        DELETE FROM postrider.%1$I c WHERE c.ctid = ANY (ARRAY(
            SELECT k.ctid FROM postrider.%1$I k
            WHERE k.event_at < $1
                AND (SELECT true FROM postrider.outbox o WHERE o.created_at = k.event_at AND o.id = k.event_id) IS NULL
            ORDER BY k.event_at LIMIT $2))$s$, p_table) USING p_before, p_limit;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$f$;

-- Takes out the oldest partition that is past its retention, one a call: what was received first, then events, then what tells of
-- them, so that nothing ever outlives the record of what became of it. A day of events that live deliveries or dead letters still need
-- is kept, and of attempts one that tells of such an event; in the same way a day of the inbox of which something is not processed, and
-- its ends; a younger day is not kept for an older one's sake. When there is none left,
-- those are dropped, and a portion goes of how deliveries were closed, of what transforms made, and of idempotency keys.
CREATE FUNCTION postrider.keep_retention() RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_limit CONSTANT int := 10000;
    v_before timestamptz := postrider.kept_since();
    v_needed date[]; v_unprocessed date[]; v_part record; v_closed int; v_made int; v_keys int;
BEGIN
    IF NOT postrider.hold_duty('retention') THEN
        RETURN NULL;
    END IF;
    FOR v_part IN SELECT p.parent, p.name, p.day, p.day_start, p.day_end FROM postrider.daily_partitions() p
                  WHERE p.day_end < v_before
                  ORDER BY array_position('{received,outbox,inbox_ends,attempts}'::text[], p.parent), p.day LOOP
        v_needed := coalesce(v_needed, postrider.needed_days(v_before));
        v_unprocessed := coalesce(v_unprocessed, postrider.unprocessed_days(v_before));
        CONTINUE WHEN v_part.parent = 'received' AND v_part.day = ANY (v_unprocessed);
        CONTINUE WHEN v_part.parent = 'inbox_ends' AND EXISTS (
            SELECT FROM postrider.received r WHERE r.received_at >= v_part.day_start AND r.received_at < v_part.day_end);
        CONTINUE WHEN v_part.parent = 'outbox' AND v_part.day = ANY (v_needed);
        CONTINUE WHEN v_part.parent = 'attempts' AND postrider.tells_of_events(v_part.name, v_part.day_end);
        PERFORM postrider.end_duty('retention', true);
        PERFORM postrider.detach_partition(v_part.parent, v_part.name);
        RETURN v_part.name;
    END LOOP;
    PERFORM postrider.drop_detached();
    v_closed := postrider.forget_of_gone('closed', v_before, v_limit);
    v_made := postrider.forget_of_gone('made_bodies', v_before, v_limit);
    SELECT g.deleted INTO v_keys FROM postrider.forget_keys(NULL, v_limit) g;
    PERFORM postrider.end_duty('retention', v_limit IN (v_closed, v_made, v_keys));
    RETURN NULL;
END
$f$;

-- Rows of DEFAULT partitions go one by one, some pages a call: events past their retention that no delivery and no dead
-- letter needs, and attempts of events that are gone; in the same way the rows of the inbox.
CREATE FUNCTION postrider.keep_strays() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off AS $f$
DECLARE
    v_pages CONSTANT int := 1000;
    v_before timestamptz := postrider.kept_since();
    v_page bigint; v_size bigint; v_from tid; v_until tid; v_count int; v_total int;
BEGIN
    IF NOT postrider.hold_duty('strays') THEN
        RETURN 0;
    END IF;
    SELECT coalesce(d.spot_id, 0) INTO v_page FROM postrider.duties d WHERE d.duty = 'strays';
    SELECT max(pg_relation_size(t.name)) / current_setting('block_size')::int INTO v_size
    FROM unnest('{postrider.outbox_default,postrider.attempts_default,postrider.received_default,postrider.inbox_ends_default}'::regclass[])
         AS t (name);
    v_from := format('(%s,0)', v_page)::tid;
    v_until := format('(%s,0)', v_page + v_pages)::tid;
    DELETE FROM postrider.outbox_default o
    WHERE o.ctid >= v_from AND o.ctid < v_until AND o.created_at < v_before
        AND (o.created_at, o.id) NOT IN (
            SELECT d.event_at, d.event_id FROM postrider.deliveries d WHERE d.event_at < v_before)
        AND (o.created_at, o.id) NOT IN (SELECT x.event_at, x.event_id FROM postrider.dead x WHERE x.event_at < v_before);
    GET DIAGNOSTICS v_total = ROW_COUNT;
    DELETE FROM postrider.attempts_default a
    WHERE a.ctid >= v_from AND a.ctid < v_until AND a.started_at < v_before
        AND (SELECT true FROM postrider.outbox o WHERE o.created_at = a.event_at AND o.id = a.event_id) IS NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_total := v_total + v_count;
    DELETE FROM postrider.received_default r
    WHERE r.ctid >= v_from AND r.ctid < v_until AND r.received_at < v_before
        AND (SELECT true FROM postrider.inbox_queue q WHERE q.id = r.id) IS NULL
        AND (SELECT true FROM postrider.inbox_dead d WHERE d.id = r.id) IS NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_total := v_total + v_count;
    DELETE FROM postrider.inbox_ends_default e
    WHERE e.ctid >= v_from AND e.ctid < v_until AND e.received_at < v_before
        AND (SELECT true FROM postrider.received r WHERE r.received_at = e.received_at AND r.id = e.id) IS NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE postrider.duties d SET spot_id = CASE WHEN v_page + v_pages < v_size THEN v_page + v_pages END
    WHERE d.duty = 'strays';
    PERFORM postrider.end_duty('strays', v_page + v_pages < v_size);
    RETURN v_total + v_count;
END
$f$;

-- ---------------------------------------------------------------------------------------------------------- repair

-- The deliveries that the trigger missed, of the events after (p_from, p_from_id) up to (p_to, p_to_id), whose ids are from
-- p_low to p_high: it does not fire in logical replication or under session_replication_role = replica.
-- At most p_most of them; NULL for all. The rule of `unaccounted`, written for many events at once: types are matched once each, and what is
-- accounted for is hashed once; attempts, dead letters and closed deliveries are read by the range of ids. All in one
-- statement: with two snapshots a delivery that ends in between would be in neither.
-- Planned again each time, and without nested loops where there is a choice: a plan for empty tables, or for tables that
-- only count as empty since they were vacuumed then, would be quadratic for full ones.
CREATE FUNCTION postrider.missing_deliveries(
    p_from timestamptz, p_from_id bigint, p_to timestamptz, p_to_id bigint, p_low bigint, p_high bigint, p_most int)
RETURNS TABLE (event_id bigint, event_at timestamptz, endpoint_id int)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_nestloop = off SET jit = off
AS $f$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH recent AS MATERIALIZED (
        SELECT o.id, o.created_at, o.tenant, o.event_type, o.endpoint
        FROM postrider.outbox o
        WHERE o.created_at >= p_from AND o.created_at <= p_to
            AND (o.created_at, o.id) > (p_from, p_from_id) AND (o.created_at, o.id) <= (p_to, p_to_id)),
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
    open AS MATERIALIZED (
        SELECT w.id, w.created_at, w.endpoint_id FROM owed w
        -- An attempt comes after its event, so older attempts tell nothing; the hour is for clocks set back.
        WHERE NOT EXISTS (
                SELECT FROM postrider.attempts a
                WHERE a.event_id = w.id AND a.event_at = w.created_at AND a.endpoint_id = w.endpoint_id AND a.outcome = 0
                    AND a.started_at >= p_from - interval '1 hour' AND a.event_id BETWEEN p_low AND p_high)
            AND NOT EXISTS (
                SELECT FROM postrider.dead x
                WHERE x.event_id = w.id AND x.event_at = w.created_at AND x.endpoint_id = w.endpoint_id
                    AND x.event_id BETWEEN p_low AND p_high)
            AND NOT EXISTS (
                SELECT FROM postrider.closed c
                WHERE c.event_id = w.id AND c.event_at = w.created_at AND c.endpoint_id = w.endpoint_id
                    AND c.event_id BETWEEN p_low AND p_high))
    -- Last, since it has no index for this: it is read only when something is left.
    SELECT p.id, p.created_at, p.endpoint_id FROM open p
    WHERE NOT EXISTS (
        SELECT FROM postrider.deliveries d
        WHERE d.event_id = p.id AND d.event_at = p.created_at AND d.endpoint_id = p.endpoint_id)
    ORDER BY p.id, p.endpoint_id LIMIT p_most;
END
$f$;

-- The next p_limit events after (p_from, p_from_id), up to p_until: how many there are, the last one, and the range of their ids.
CREATE FUNCTION postrider.event_slice(
    p_from timestamptz, p_from_id bigint, p_until timestamptz, p_limit int,
    OUT seen int, OUT low bigint, OUT high bigint, OUT last_at timestamptz, OUT last_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off
AS $f$
BEGIN
    SELECT count(*), min(r.id), max(r.id), max(r.created_at), max(r.id) FILTER (WHERE r.is_last)
    INTO seen, low, high, last_at, last_id
    FROM (SELECT n.id, n.created_at, n.created_at = max(n.created_at) OVER () AS is_last
          FROM (SELECT o.id, o.created_at FROM postrider.outbox o
                WHERE o.created_at >= p_from AND o.created_at <= p_until AND (o.created_at, o.id) > (p_from, p_from_id)
                ORDER BY o.created_at, o.id LIMIT p_limit) n) r;
END
$f$;

-- Makes the deliveries that are missing of the next p_limit events after (p_from, p_from_id), up to p_until. Returns how many
-- it made, where it ended, and whether that was the end.
CREATE FUNCTION postrider.repair_slice(
    p_from timestamptz, p_from_id bigint, p_until timestamptz, p_limit int,
    OUT made int, OUT last_at timestamptz, OUT last_id bigint, OUT has_more boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off
AS $f$
DECLARE
    v_slice record;
BEGIN
    made := 0;
    SELECT s.seen, s.low, s.high, s.last_at, s.last_id INTO v_slice FROM postrider.event_slice(p_from, p_from_id, p_until, p_limit) s;
    last_at := v_slice.last_at;
    last_id := v_slice.last_id;
    has_more := v_slice.seen = p_limit;
    IF v_slice.seen = 0 THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM postrider.missing_deliveries(p_from, p_from_id, last_at, last_id, v_slice.low, v_slice.high, 10000)) THEN
        RETURN;
    END IF;
    -- One at a time: two that both see a delivery missing would both make it.
    PERFORM 1 FROM postrider.duties d WHERE d.duty = 'repair_all' FOR NO KEY UPDATE;
    INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes, ordering_key)
    SELECT least(greatest(clock_timestamp(), o.deliver_after),
                 CASE WHEN o.expires_at IS NOT NULL THEN greatest(clock_timestamp(), o.expires_at) END),
           o.id, o.created_at, m.endpoint_id,
           coalesce(octet_length(o.body), octet_length(o.payload::text)), o.ordering_key
    FROM postrider.missing_deliveries(p_from, p_from_id, last_at, last_id, v_slice.low, v_slice.high, 10000) m
    JOIN postrider.outbox o ON o.created_at = m.event_at AND o.id = m.event_id
    WHERE o.created_at >= p_from AND o.created_at <= last_at
    ORDER BY o.id;
    GET DIAGNOSTICS made = ROW_COUNT;
    -- There may be more than it makes at once.
    IF made = 10000 THEN
        last_at := p_from; last_id := p_from_id; has_more := true;
    END IF;
END
$f$;

-- Makes what is missing of all events since p_since, in one transaction.
CREATE FUNCTION postrider.repair_fan_out(p_since timestamptz) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_total int := 0; v_at timestamptz := p_since; v_id bigint := 0; v_slice record;
BEGIN
    LOOP
        SELECT s.made, s.last_at, s.last_id, s.has_more INTO v_slice
        FROM postrider.repair_slice(v_at, v_id, clock_timestamp(), 50000) s;
        v_total := v_total + v_slice.made;
        EXIT WHEN NOT v_slice.has_more;
        v_at := v_slice.last_at; v_id := v_slice.last_id;
    END LOOP;
    RETURN v_total;
END
$f$;

-- One slice of a pass of p_duty. A new pass begins at p_from, or a minute before the end of the last one if that is later.
-- A slice takes what can be looked at in some 100 to 400 ms.
CREATE FUNCTION postrider.repair_on(p_duty text, p_from timestamptz) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_duty postrider.duties; v_slice record;
    v_began timestamptz := clock_timestamp();
    v_took interval;
BEGIN
    IF NOT postrider.hold_duty(p_duty) THEN
        RETURN 0;
    END IF;
    SELECT d.* INTO v_duty FROM postrider.duties d WHERE d.duty = p_duty;
    IF v_duty.spot_at IS NULL THEN
        v_duty.spot_at := p_from;
        v_duty.spot_id := 0;
        v_duty.until_at := v_began;
    END IF;
    SELECT s.made, s.last_at, s.last_id, s.has_more INTO v_slice
    FROM postrider.repair_slice(v_duty.spot_at, v_duty.spot_id, v_duty.until_at, v_duty.portion) s;
    v_took := clock_timestamp() - v_began;
    UPDATE postrider.duties d
    SET spot_at = CASE WHEN v_slice.has_more THEN v_slice.last_at END, spot_id = v_slice.last_id, until_at = v_duty.until_at,
        portion = CASE WHEN v_took < interval '100 ms' AND v_slice.has_more THEN least(d.portion * 2, 50000)
                       WHEN v_took > interval '400 ms' THEN greatest(d.portion / 2, 100)
                       ELSE d.portion END
    WHERE d.duty = p_duty;
    PERFORM postrider.end_duty(p_duty, v_slice.has_more);
    RETURN v_slice.made;
END
$f$;

-- What was missed since the last pass, an hour at most: once a minute.
CREATE FUNCTION postrider.keep_repaired() RETURNS int
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
    SELECT postrider.repair_on('repair', greatest(coalesce(d.until_at, '-infinity'), clock_timestamp() - interval '1 hour')
                                         - interval '1 minute')
    FROM postrider.duties d WHERE d.duty = 'repair'
$f$;

-- What was ever missed: once a day, a slice a call.
CREATE FUNCTION postrider.keep_all_repaired() RETURNS int
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
    SELECT postrider.repair_on('repair_all', '-infinity')
$f$;

-- ----------------------------------------------------------------------------------------------------------- lanes

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
    -- Those of an endpoint that an operator holds come next time.
    UPDATE postrider.subscriptions s SET effective_at = clock_timestamp()
    WHERE (s.tenant, s.pattern, s.endpoint_id) IN (
        SELECT n.tenant, n.pattern, n.endpoint_id FROM postrider.subscriptions n WHERE n.effective_at IS NULL
        FOR NO KEY UPDATE SKIP LOCKED);
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
    -- As in a claim.
    v_keepers int[] := ARRAY(SELECT w.id FROM postrider.workers w WHERE w.keeps_until > v_now);
    v_lane record; v_count int; v_total int := 0;
BEGIN
    -- Never waits for a lane that it does not get, so their order is free. Not more than 500 at once: no one claims from them
    -- in the meantime.
    FOR v_lane IN SELECT l.endpoint_id, l.leased, l.timeout FROM postrider.lanes l WHERE l.lapse_at <= v_now
                  ORDER BY l.lapse_at LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED LOOP
        -- Claims lease from the front of the lane, so the scan ends at the last leased row, not at the last of the
        -- backlog. A row under a late settle, which is going to want this lane, is stepped over.
        WITH held AS MATERIALIZED (
            SELECT h.ctid AS spot, h.lease_by FROM postrider.deliveries h
            WHERE h.endpoint_id = v_lane.endpoint_id AND h.lease_by <> 0
            ORDER BY h.due_at, h.id LIMIT v_lane.leased),
        lapsed AS MATERIALIZED (
            SELECT d.ctid AS spot, d.lease_by, d.lease_until FROM held
            JOIN postrider.deliveries d ON d.ctid = held.spot AND d.lease_by = held.lease_by
            WHERE d.lease_until <= v_now AND d.lease_by <> ALL (v_keepers)
            FOR NO KEY UPDATE OF d SKIP LOCKED),
        freed AS (
            UPDATE postrider.deliveries d SET lease_by = 0, lease_until = '-infinity'
            FROM lapsed WHERE d.ctid = lapsed.spot
            RETURNING d.event_at, d.event_id, d.endpoint_id, d.attempt, d.unsent, lapsed.lease_by AS held_by, lapsed.lease_until AS held_until)
        -- As a claim does that takes such a row.
        INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, outcome, worker,
                                        error_code, error, unsent)
        SELECT f.held_until - v_lane.timeout, f.event_at, f.event_id, f.endpoint_id,
               (SELECT e.url_id FROM postrider.endpoints e WHERE e.id = f.endpoint_id),
               extract(epoch FROM v_lane.timeout) * 1000000, f.attempt, 3, f.held_by, 'lost_lease', postrider.unreported(), f.unsent
        FROM freed f;
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

-- Buries what waits behind a dead letter of its key where the endpoint says so (`park_keys`). Cancels what a producer, who still saw an endpoint, owed to it in the moment it was removed; and wakes ordering keys
-- whose first row waits, should there ever be one. It looks at removed endpoints, and at the 10,000 longest waiting rows of
-- each lane that holds rows with a key; it locks a lane only when it has found something.
CREATE FUNCTION postrider.keep_keys() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
DECLARE
    v_lane int; v_count int := 0; v_lanes int[]; v_keys text[]; v_held int[];
BEGIN
    IF NOT postrider.hold_duty('keys') THEN
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
        -- A lane that another session holds comes next time.
        v_held := ARRAY(SELECT l.endpoint_id FROM postrider.lanes l WHERE l.endpoint_id = ANY (v_lanes)
                        ORDER BY l.endpoint_id FOR NO KEY UPDATE SKIP LOCKED);
        SELECT array_agg(u.lane), array_agg(u.key) INTO v_lanes, v_keys
        FROM unnest(v_lanes, v_keys) AS u (lane, key) WHERE u.lane = ANY (v_held);
        IF v_lanes IS NOT NULL THEN
            v_count := v_count + postrider.park_keys(v_lanes, v_keys) + postrider.promote(v_lanes, v_keys);
        END IF;
    END IF;
    PERFORM postrider.end_duty('keys', false);
    RETURN v_count;
END
$f$;

-- Tells once of each endpoint to which something has been due for 15 minutes that no worker has taken (postrider.backlog.old), while
-- an endpoint asks for that. What waits for the endpoint's own sake (closed, failing) is no backlog.
CREATE FUNCTION postrider.keep_backlog() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_lane record; v_count int := 0;
BEGIN
    IF NOT postrider.hold_duty('backlog') THEN
        RETURN 0;
    END IF;
    IF EXISTS (SELECT FROM postrider.subscriptions s
               WHERE s.tenant = '' AND s.pattern = ANY (postrider.patterns_matching('postrider.backlog.old'))) THEN
        FOR v_lane IN
            SELECT l.endpoint_id, m.backlog_told, first.due_at
            FROM postrider.lanes l
            JOIN postrider.endpoint_marks m ON m.endpoint_id = l.endpoint_id
            LEFT JOIN LATERAL (
                SELECT d.due_at FROM postrider.deliveries d
                WHERE d.endpoint_id = l.endpoint_id AND d.due_at <= v_now AND d.lease_until <= v_now
                ORDER BY d.due_at LIMIT 1) first ON l.open_at <= v_now AND l.closures = 0
            WHERE (first.due_at <= v_now - interval '15 min') IS TRUE <> m.backlog_told
            ORDER BY l.endpoint_id LIMIT 1000
        LOOP
            -- One that another session holds comes next time.
            PERFORM 1 FROM postrider.endpoint_marks m WHERE m.endpoint_id = v_lane.endpoint_id FOR NO KEY UPDATE SKIP LOCKED;
            CONTINUE WHEN NOT FOUND;
            UPDATE postrider.endpoint_marks m SET backlog_told = NOT v_lane.backlog_told WHERE m.endpoint_id = v_lane.endpoint_id;
            IF NOT v_lane.backlog_told THEN
                PERFORM postrider.announce('postrider.backlog.old',
                    postrider.endpoint_news(v_lane.endpoint_id) || jsonb_build_object('oldest_due_at', v_lane.due_at));
                v_count := v_count + 1;
            END IF;
        END LOOP;
    END IF;
    PERFORM postrider.end_duty('backlog', false);
    RETURN v_count;
END
$f$;

-- Forgets workers that have not been heard of for a day; and what they were called, what operators did, and replays that have
-- ended, with the attempts and events of that time.
CREATE FUNCTION postrider.keep_workers() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_count int;
BEGIN
    IF NOT postrider.hold_duty('workers') THEN
        RETURN 0;
    END IF;
    DELETE FROM postrider.workers w WHERE w.seen_at < clock_timestamp() - interval '1 day';
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE postrider.worker_names n SET seen_at = w.seen_at FROM postrider.workers w WHERE w.id = n.id;
    -- Attempts are kept for some days longer than their events.
    DELETE FROM postrider.worker_names n WHERE n.seen_at < postrider.kept_since() - interval '7 days';
    DELETE FROM postrider.acts a WHERE a.at < postrider.kept_since();
    DELETE FROM postrider.state_changes c WHERE c.at < postrider.kept_since();
    DELETE FROM postrider.replays r WHERE r.ended_at < postrider.kept_since();
    PERFORM postrider.end_duty('workers', false);
    RETURN v_count;
END
$f$;

-- No producer inserts yet, so today and yesterday get theirs from their beginning on, too.
SELECT postrider.make_partition(parent, (clock_timestamp() AT TIME ZONE 'UTC')::date + n, '-infinity')
FROM unnest(ARRAY['outbox', 'attempts']) AS parent, generate_series(-1, 7) AS n;
