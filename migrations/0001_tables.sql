-- 0001 tables: what is stored, and why it has this shape.
--
-- Locks:        none that anyone could wait for; everything here is new.
-- Old workers:  there are none.
--
-- Words: an event is what happened, an endpoint is where it goes, a delivery is one event owed to one endpoint,
-- a lane is an endpoint's queue, an attempt is one HTTP request, a dead letter is a delivery that was given up.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE SCHEMA postrider;

-- What has been applied, with the SHA-256 of each file: a migration that was changed afterwards is refused.
CREATE TABLE postrider.schema_migrations (
    version int PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by text NOT NULL DEFAULT session_user
);

-- One row. The installation tag makes webhook ids of two databases differ, so that a receiver who hears from both never
-- takes one event for another.
CREATE TABLE postrider.settings (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    installation text NOT NULL DEFAULT left(replace(gen_random_uuid()::text, '-', ''), 8)
        CHECK (installation ~ '^[0-9a-f]{8}$'),
    retention interval NOT NULL DEFAULT '30 days' CHECK (retention >= '1 day'),
    idempotency_retention interval NOT NULL DEFAULT '90 days' CHECK (idempotency_retention >= '1 day'),
    -- As whom receivers are asked for their consent (CloudEvents, WebHook-Request-Origin): a DNS name.
    origin text NOT NULL DEFAULT 'postrider'
        CHECK (length(origin) <= 253 AND origin ~ '^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$')
);
INSERT INTO postrider.settings DEFAULT VALUES;

-- The tag, written into a function so that webhook_id() reads no table.
DO $make$
BEGIN
    EXECUTE format(
        'CREATE FUNCTION postrider.installation() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %L::text',
        (SELECT s.installation FROM postrider.settings s));
END
$make$;
-- A settings row that was lost comes back with the same tag.
ALTER TABLE postrider.settings ALTER COLUMN installation SET DEFAULT postrider.installation();

-- evt_<tag><time>_<event id>: made of the event's whole key, so it is constant for an event; an operator can read the event's
-- number out of it; never a dot (Standard Webhooks signs `id.timestamp.body`). The time is created_at in microseconds, 13
-- hexadecimal digits: a sequence that was rolled back (a restored backup, an asynchronous failover) gives numbers again, but
-- time has gone on, so no new event has an id that was sent before. It never changes, but it calls what PostgreSQL says is only
-- STABLE; as IMMUTABLE it could not be put in place of its calls, and a call for each event of a claim costs ten times as much.
CREATE FUNCTION postrider.webhook_id(created_at timestamptz, event_id bigint) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN 'evt_' || postrider.installation() || right(encode(timestamptz_send(created_at), 'hex'), 13) || '_' || event_id;

-- ---------------------------------------------------------------------------------------------------------- events

-- Append-only, in daily partitions by the start of the producer's transaction. The DEFAULT partition is there so that
-- an insert does not fail when a day has none. No foreign key, no unique constraint beside the primary key: both would
-- make producers wait for each other.
CREATE TABLE postrider.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamptz NOT NULL DEFAULT now(),
    event_type text NOT NULL,
    payload json,
    body bytea,
    content_type text,
    ordering_key text,
    idempotency_key text,
    endpoint text,
    tenant text NOT NULL DEFAULT '',
    headers jsonb,
    deliver_after timestamptz,
    expires_at timestamptz,
    traceparent text,
    PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
-- For people who ask for an event by its number: ids grow with the pages, so a few bytes for every 32 pages do.
CREATE INDEX outbox_id ON postrider.outbox USING brin (id) WITH (pages_per_range = 32, autosummarize = on);
CREATE TABLE postrider.outbox_default PARTITION OF postrider.outbox DEFAULT;

-- The ledger behind idempotency_key: a unique key cannot span time partitions.
CREATE TABLE postrider.idempotency_keys (
    tenant text NOT NULL,
    idempotency_key text NOT NULL,
    event_id bigint NOT NULL,
    event_at timestamptz NOT NULL,
    fingerprint bytea NOT NULL,
    PRIMARY KEY (tenant, idempotency_key)
);
CREATE INDEX idempotency_keys_age ON postrider.idempotency_keys (event_at);

-- ------------------------------------------------------------------------------------------------ cold: configuration

CREATE TABLE postrider.endpoints (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    tenant text NOT NULL DEFAULT '',
    -- What a customer calls it who registers it by the API; operators name endpoints alone.
    description text CHECK (octet_length(description) <= 1024),
    url_id int NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'verifying', 'paused', 'disabled', 'removed')),
    state_reason text,
    -- Since when it is in this state.
    state_at timestamptz NOT NULL DEFAULT now(),
    payload_format text NOT NULL DEFAULT 'envelope'
        CHECK (payload_format IN ('envelope', 'raw', 'cloudevents', 'cloudevents-binary', 'slack', 'discord', 'teams')),
    -- What the chat formats say, with {path.to.value} for values of the payload. NULL: the event's type.
    text text,
    method text NOT NULL DEFAULT 'POST' CHECK (method IN ('POST', 'PUT', 'PATCH')),
    -- The schemes that requests are signed in, all of them at once.
    signature text[] NOT NULL DEFAULT '{v1}',
    -- What the Authorization header is made of: none, or KIND:CREDENTIALS, whose credentials may be sealed. An operator is not
    -- granted this column, nor the client's key.
    auth text NOT NULL DEFAULT 'none',
    -- PEM. The key may be sealed. With a CA no other one is trusted.
    client_certificate text,
    client_key text,
    ca text,
    -- 'Name: value' lines. They may hold credentials, so an operator is not granted this column.
    headers text[] NOT NULL DEFAULT '{}',
    retry_schedule interval[] NOT NULL
        DEFAULT '{5 s,5 min,30 min,2 h,5 h,10 h,14 h,20 h,24 h}'
        CHECK (cardinality(retry_schedule) BETWEEN 1 AND 64),
    max_attempts int NOT NULL DEFAULT 10 CHECK (max_attempts BETWEEN 1 AND 1000),
    -- The operator's limit; what is in force stands on the lane.
    max_in_flight int CHECK (max_in_flight BETWEEN 1 AND 100000),
    -- Statuses, such as 404 or 4xx, after which a delivery is dead at once.
    permanent_status text[] NOT NULL DEFAULT '{}',
    -- What becomes of an ordering key whose event died: the next one goes, none goes, or all later ones become dead letters too.
    ordering_failure text NOT NULL DEFAULT 'skip' CHECK (ordering_failure IN ('skip', 'block', 'park')),
    -- An SQL/JSON path predicate: a payload for which it is not true is not sent. NULL: all are.
    filter text,
    -- The function, schema.name as SQL writes it, that makes the body. NULL: the payload format makes it.
    transform text,
    -- How long it may fail without one success before it is disabled. NULL: for ever.
    disable_after interval DEFAULT '5 days' CHECK (disable_after > '0'),
    -- How the receiver is asked whether it wants what is sent there.
    verify text NOT NULL DEFAULT 'none' CHECK (verify IN ('none', 'challenge', 'cloudevents')),
    -- When it agreed. While it has not: when it is asked next (while a worker asks, when another one may), and how often it was asked
    -- in vain.
    verified_at timestamptz,
    ask_at timestamptz,
    refusals smallint NOT NULL DEFAULT 0,
    -- As whom it was asked, and is sent to from then on.
    origin text,
    -- The operator's limit, and the one that the receiver named when it agreed; what is in force stands on the lane.
    rate_limit real CHECK (rate_limit BETWEEN 0.001 AND 1000000),
    allowed_rate real CHECK (allowed_rate BETWEEN 0.001 AND 1000000),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
-- A removed endpoint stays for the sake of its history; its name becomes free.
-- Two tenants may each have an endpoint of one name. By name first: most look-ups know no tenant.
CREATE UNIQUE INDEX endpoints_name ON postrider.endpoints (name, tenant) WHERE state <> 'removed';

-- Every URL an endpoint ever had, so that an attempt can say in four bytes where it went.
CREATE TABLE postrider.endpoint_urls (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id int NOT NULL REFERENCES postrider.endpoints (id),
    url text NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);

-- Signing secrets, newest first in the signature header. `secret` is whsec_…, text:… for one that only foreign schemes know, or,
-- with a public key beside it, the Ed25519 key whsk_…; or each of them, with a key file, as sealed:v1:….
CREATE TABLE postrider.endpoint_secrets (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id int NOT NULL REFERENCES postrider.endpoints (id),
    secret text NOT NULL,
    -- whpk_…, which everybody may know. NULL: the secret is symmetric.
    public_key text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT 'infinity'
);
CREATE INDEX endpoint_secrets_endpoint ON postrider.endpoint_secrets (endpoint_id);

-- effective_at is set by a worker once it sees the row committed: an event whose transaction began after that saw the
-- subscription for certain, so `unaccounted` can demand a delivery without a false alarm. Fan-out does not wait for it.
CREATE TABLE postrider.subscriptions (
    tenant text NOT NULL,
    pattern text NOT NULL,
    endpoint_id int NOT NULL REFERENCES postrider.endpoints (id),
    effective_at timestamptz,
    PRIMARY KEY (tenant, pattern, endpoint_id)
);
CREATE INDEX subscriptions_endpoint ON postrider.subscriptions (endpoint_id);
-- For housekeeping, so that its cost does not grow with the endpoints.
CREATE INDEX subscriptions_new ON postrider.subscriptions (endpoint_id) WHERE effective_at IS NULL;
CREATE INDEX endpoints_verifying ON postrider.endpoints (ask_at) WHERE state = 'verifying';
CREATE INDEX endpoints_removed ON postrider.endpoints (id) WHERE state = 'removed';

-- ------------------------------------------------------------------------------------------------ warm: one row a lane

-- Never written by producers. All that a claim must know of an endpoint stands here, in one row that it locks.
CREATE TABLE postrider.lanes (
    endpoint_id int PRIMARY KEY,
    -- Drawn again by every change to the endpoint: tells a worker to read it again before it sends. Random, so that a worker that
    -- lives on while the schema is replaced or restored never takes one state of an endpoint for another.
    revision int NOT NULL DEFAULT floor(random() * 2147483647)::int,
    -- 'infinity' while paused, disabled or not verified yet; a time while it is closed until then.
    open_at timestamptz NOT NULL DEFAULT '-infinity',
    -- The transaction that changed the endpoint last, so that workers see a resumed endpoint at once. NULL: never changed.
    changed_in xid8,
    timeout interval NOT NULL DEFAULT '15 s' CHECK (timeout BETWEEN '100 ms' AND '5 min'),
    -- The limit in force: the endpoint's own, or less while the breaker holds the lane and for a while after. `leased` counts the rows with
    -- lease_by <> 0, exactly, and only while there is a limit.
    max_in_flight int CHECK (max_in_flight BETWEEN 1 AND 100000),
    leased int NOT NULL DEFAULT 0,
    -- When the first of these leases may have run out: housekeeping looks at the lane then. A claim sets it only where it is NULL,
    -- so that nearly all of them stay HOT.
    lapse_at timestamptz,
    -- Requests a second, in force; a token bucket that holds at most one and what comes in 1/20 s.
    rate_limit real CHECK (rate_limit BETWEEN 0.001 AND 1000000),
    tokens real NOT NULL DEFAULT 1,
    tokens_at timestamptz NOT NULL DEFAULT '-infinity',
    -- The breaker, whose rules are those of `Breaker` in Swift. Whether it is on; how often in a row it has closed the lane, 0 while it does not
    -- hold it; and how many it lets be in flight, NULL when that is not its business.
    breaker boolean NOT NULL DEFAULT true,
    closures smallint NOT NULL DEFAULT 0,
    breaker_window int CHECK (breaker_window >= 1),
    -- Whether an ordering key of which an event died stops (`ordering_failure` is block or park).
    blocks_keys boolean NOT NULL DEFAULT false,
    -- Whether of an ordering key only the newest event goes: a claim ends the older ones as superseded.
    coalesces boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);
CREATE INDEX lanes_lapse_at ON postrider.lanes (lapse_at) WHERE lapse_at IS NOT NULL;
CREATE INDEX lanes_changed_in ON postrider.lanes (changed_in) WHERE changed_in IS NOT NULL;

-- Every change of an endpoint's state; `failing` while the breaker holds it. `was` is NULL for a new one.
CREATE TABLE postrider.state_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    endpoint_id int NOT NULL,
    was text,
    became text NOT NULL,
    why text,
    by_whom text NOT NULL DEFAULT session_user
);
CREATE INDEX state_changes_at ON postrider.state_changes (at);

-- How an endpoint has been doing. Apart from the lanes, so that recording it never keeps a claim away from a lane.
CREATE TABLE postrider.endpoint_marks (
    endpoint_id int PRIMARY KEY,
    consecutive_failures int NOT NULL DEFAULT 0,
    -- Those in a row that speak against the endpoint: no answer, 429, 5xx.
    strikes smallint NOT NULL DEFAULT 0,
    -- How much of endpoints.disable_after had passed, in percent, when it was last told that it will be disabled.
    warned smallint NOT NULL DEFAULT 0,
    -- Whether it was told that deliveries to it have been due for long.
    backlog_told boolean NOT NULL DEFAULT false,
    -- When the first of these failures was recorded; NULL when there is none.
    failing_since timestamptz,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    -- What the last failed attempt failed with; `last_error` is the beginning of the answer's body, if there was one.
    last_http_status smallint,
    last_error_code text,
    last_error text
) WITH (fillfactor = 50);

-- ---------------------------------------------------------------------------------------------------- hot: live work

-- Presence is the state: a row is live, due_at in the future is a retry, lease_until in the future is in flight, gone
-- is done. A claim changes no indexed column, so it is a HOT update. due_at 'infinity' means: waits for an earlier
-- event of its ordering key.
CREATE TABLE postrider.deliveries (
    due_at timestamptz NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    event_id bigint NOT NULL,
    event_at timestamptz NOT NULL,
    -- The transaction that set due_at last. What a worker's look has not seen yet is found by it, whenever it commits.
    changed_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    endpoint_id int NOT NULL,
    bytes int NOT NULL,
    -- What a claim changes stands together: an update logs what lies between the first and the last changed byte.
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    lease_by int NOT NULL DEFAULT 0,
    -- (id, attempt, lease_by) is the fencing token. Counted at claim, so that an event which kills workers ends too.
    attempt smallint NOT NULL DEFAULT 0,
    -- Up to which number attempts do not count against max_attempts: those before the last replay, and those that were given back
    -- unsent. -1 once an operator cancelled it.
    attempt_base smallint NOT NULL DEFAULT 0,
    ordering_key text COLLATE "C",
    -- True where an operator replayed it although its event has expired. NULL, and not false, in all others: that takes no room.
    ignore_expiry boolean,
    -- Of one that was cancelled while in flight: why, and by whom, for its record when it ends. NULL in all others.
    cancelled_why text,
    cancelled_by text,
    -- How many numbers of attempts were given back unsent; NULL for none. They are never used again, and count nowhere else.
    unsent smallint,
    PRIMARY KEY (endpoint_id, due_at, id)
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000, vacuum_truncate = off
);
-- For looks: grows at its right end only, and no claim or settled delivery touches it. Its condition, which is always true,
-- hides it from every statement that does not repeat it: while the table counts as empty, the planner might look a row up by
-- endpoint and time in here, and read all of it.
CREATE INDEX deliveries_changed_in ON postrider.deliveries (changed_in, endpoint_id, due_at) WHERE changed_in > '0';
CREATE INDEX deliveries_ordering_key ON postrider.deliveries (endpoint_id, ordering_key, id)
    WHERE ordering_key IS NOT NULL;

-- ----------------------------------------------------------------------------------------------------------- history

-- outcome: 0 delivered, 1 retry, 2 dead, 3 stale; 4 delivered, and replayed since: the delivery is live again, or ended again
-- later. Times are the database's clock; *_us are microseconds.
CREATE TABLE postrider.attempts (
    started_at timestamptz NOT NULL,
    event_at timestamptz NOT NULL,
    event_id bigint NOT NULL,
    endpoint_id int NOT NULL,
    url_id int NOT NULL,
    duration_us int NOT NULL,
    attempt smallint NOT NULL,
    outcome smallint NOT NULL,
    worker int NOT NULL,
    http_status smallint,
    name_lookup_us int,
    connect_us int,
    tls_us int,
    first_byte_us int,
    remote_address text,
    error_code text,
    error text,
    response_body text,
    -- How many of the numbers before this one were given back unsent; NULL for none.
    unsent smallint,
    -- Of one that failed: what the answer's headers of these names said, and how long it might have taken.
    retry_after text,
    location text,
    allowed_ms int
) PARTITION BY RANGE (started_at);
CREATE TABLE postrider.attempts_default PARTITION OF postrider.attempts DEFAULT;
-- A table without a primary key refuses DELETE while a publication for all tables publishes it, unless whole rows name themselves.
ALTER TABLE postrider.attempts REPLICA IDENTITY FULL;
ALTER TABLE postrider.attempts_default REPLICA IDENTITY FULL;
CREATE INDEX attempts_event ON postrider.attempts (event_id);

-- `id` is the id that the delivery had; another one if a sequence was set back and an older dead letter has that.
CREATE TABLE postrider.dead (
    id bigint PRIMARY KEY,
    event_id bigint NOT NULL,
    event_at timestamptz NOT NULL,
    endpoint_id int NOT NULL,
    bytes int NOT NULL,
    -- Without those that were given back unsent, which a replay has to know of all the same: no number is used twice.
    attempts smallint NOT NULL,
    unsent smallint,
    ordering_key text COLLATE "C",
    reason text NOT NULL,
    last_http_status smallint,
    last_error_code text,
    last_error text,
    last_attempt_at timestamptz,
    dead_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX dead_event ON postrider.dead (event_id);
CREATE INDEX dead_endpoint ON postrider.dead (endpoint_id, id);
CREATE INDEX dead_key ON postrider.dead (endpoint_id, ordering_key, id) WHERE ordering_key IS NOT NULL;

-- Deliveries that ended without being delivered or staying a dead letter: nothing is ever unaccounted for.
CREATE TABLE postrider.closed (
    event_id bigint NOT NULL,
    event_at timestamptz NOT NULL,
    endpoint_id int NOT NULL,
    attempts smallint NOT NULL,
    status text NOT NULL CHECK (status IN ('expired', 'cancelled', 'filtered', 'superseded', 'dead')),
    reason text,
    last_http_status smallint,
    last_error_code text,
    last_attempt_at timestamptz,
    closed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_by text NOT NULL DEFAULT session_user
);
ALTER TABLE postrider.closed REPLICA IDENTITY FULL;
CREATE INDEX closed_event ON postrider.closed (event_id);
CREATE INDEX closed_age ON postrider.closed (event_at);

-- What transforms made, one body a delivery, so that every attempt and every replay sends the same bytes. It goes with its event.
CREATE TABLE postrider.made_bodies (
    endpoint_id int NOT NULL,
    event_id bigint NOT NULL,
    event_at timestamptz NOT NULL,
    content_type text NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (endpoint_id, event_id, event_at)
);
CREATE INDEX made_bodies_age ON postrider.made_bodies (event_at);

-- The workers. lease_by is a worker's id; 0 means that no worker holds the row. An id is random: a counter would give one twice
-- after a restore or a failover, to workers that live at the same time, and it is a part of the fencing token.
CREATE TABLE postrider.workers (
    id int PRIMARY KEY DEFAULT floor(1 + random() * 2147483646)::int,
    name text NOT NULL,
    version text NOT NULL,
    -- The role that it works as.
    login text NOT NULL DEFAULT current_user::text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    in_flight int NOT NULL DEFAULT 0,
    draining boolean NOT NULL DEFAULT false,
    -- Endpoints that it leaves to other workers because it cannot work on them, and why the first of them.
    held_back int NOT NULL DEFAULT 0,
    held_back_why text,
    -- What all workers should be started with alike, in words; and how far its clock is ahead of the database's.
    settings text,
    clock_ahead interval,
    -- What fails again and again in it: which step, how often in a row, since when, and the last error.
    failing text,
    failures int NOT NULL DEFAULT 0,
    failing_since timestamptz,
    last_error text,
    -- Deliveries a minute of the whole database: how many were made, and how many ended, in any way. NULL until it knows.
    made_a_minute real,
    ended_a_minute real,
    -- Until then its leases are left to it though they have ended: it keeps outcomes that another session's lock keeps it from
    -- recording.
    keeps_until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);

-- What workers were called, for as long as their attempts are kept: a worker that ends leaves the list above.
CREATE TABLE postrider.worker_names (
    id int PRIMARY KEY,
    name text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
