-- 0004 operating: what an operator calls. Each function works inside a transaction, so BEGIN; SELECT …; ROLLBACK is a
-- preview.
--
-- Locks:        none; functions only.
-- Old workers:  may keep running.
--
-- Each function locks in the order that the head of 0003 says: the endpoint (`hold_endpoint`), its lane (`hold_lane`), then
-- rows. With the lane locked, claims step over it, and the exact counts and the order of keys hold. A settle of a lane without
-- limit locks its rows only: a holder of the lane must not wait for such a row, or the lane would wait for a settle, but
-- releases the lane and tries again a little later (`patiently`).

SET LOCAL search_path = pg_catalog, pg_temp;

-- The id of the endpoint of a name. Where two tenants have one, the tenant must be given; NULL is any.
CREATE FUNCTION postrider.endpoint_id(p_name text, p_tenant text) RETURNS int
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_ids int[] := ARRAY(SELECT e.id FROM postrider.endpoints e
                         WHERE e.name = p_name AND (p_tenant IS NULL OR e.tenant = p_tenant) AND e.state <> 'removed' LIMIT 2);
BEGIN
    IF cardinality(v_ids) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no endpoint named %L', p_name)
            || CASE WHEN p_tenant <> '' THEN format(' of tenant %L', p_tenant) ELSE '' END;
    ELSIF cardinality(v_ids) > 1 THEN
        PERFORM postrider.refuse_name(p_name);
    END IF;
    RETURN v_ids[1];
END
$f$;

CREATE FUNCTION postrider.refuse_name(p_name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'too_many_rows',
        MESSAGE = format('several tenants have an endpoint named %L: give its tenant too', p_name);
END
$f$;

-- Refuses a name that chooses among dead letters, where endpoints of several tenants have or had it and none is named: an act on
-- one tenant's must not become one on another's.
CREATE FUNCTION postrider.check_one_tenant(p_name text, p_tenant text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_tenant IS NULL AND (SELECT count(DISTINCT e.tenant) FROM postrider.endpoints e WHERE e.name = p_name) > 1 THEN
        PERFORM postrider.refuse_name(p_name);
    END IF;
END
$f$;

-- What the record of an act calls an endpoint, or a tenant; NULL for all.
CREATE FUNCTION postrider.endpoint_words(p_name text, p_tenant text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
RETURN coalesce('endpoint ' || p_name || coalesce(' of tenant ' || nullif(p_tenant, ''), ''), 'tenant ' || p_tenant);

-- Locks the endpoint of a name before anything else of it, and returns its id. It waits for an act on the same endpoint.
CREATE FUNCTION postrider.hold_endpoint(p_name text, p_tenant text) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id int := postrider.endpoint_id(p_name, p_tenant);
BEGIN
    -- By the name again: it may have been removed while this waited.
    PERFORM 1 FROM postrider.endpoints e WHERE e.id = v_id AND e.state <> 'removed' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN postrider.hold_endpoint(p_name, p_tenant);
    END IF;
    RETURN v_id;
END
$f$;

-- Locks the lane of an endpoint that is locked already: no claim of it until this is committed. It waits for a claim or a
-- settle that has the lane just now.
CREATE FUNCTION postrider.hold_lane(p_endpoint int) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM 1 FROM postrider.lanes l WHERE l.endpoint_id = p_endpoint FOR NO KEY UPDATE;
END
$f$;

-- Runs a statement that locks lanes and then rows. It must wait neither for a row that a settle has nor long for a lane that
-- an act on another endpoint has, since others wait for what it holds; so it fails with lock_not_available, its locks are
-- released, and it runs again, for five seconds at most. Pauses grow, so that the lanes are free for most of the time.
--
-- With the caller's rights, and only for texts of this file.
CREATE FUNCTION postrider.patiently(p_statement text) RETURNS int
LANGUAGE plpgsql VOLATILE
-- A claim or a settle holds a lane for a few milliseconds.
SET lock_timeout = '30 ms'
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_end timestamptz := clock_timestamp() + interval '5 s';
    v_pause float8 := 0.005;
    v_result int;
BEGIN
    LOOP
        BEGIN
            EXECUTE p_statement INTO v_result;
            RETURN v_result;
        EXCEPTION WHEN lock_not_available THEN
            IF clock_timestamp() > v_end THEN
                RAISE EXCEPTION USING ERRCODE = 'lock_not_available',
                    MESSAGE = 'another session holds what this would change',
                    HINT = 'A transaction in which an endpoint was changed is open. Try again when it has ended.';
            END IF;
        END;
        PERFORM pg_sleep(v_pause);
        v_pause := least(2 * v_pause, 0.2);
    END LOOP;
END
$f$;

-- Counts what is leased of a lane, when it gets an in-flight limit: from now on it is kept. FOR UPDATE on the rows, so that
-- no settle takes one away uncounted: one that has some already makes NOWAIT fail, and one that comes later leaves them until
-- it sees the limit.
CREATE FUNCTION postrider.count_leased(p_endpoint int) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_count int;
BEGIN
    PERFORM postrider.hold_lane(p_endpoint);
    UPDATE postrider.lanes l SET lapse_at = clock_timestamp(), leased = (
        SELECT count(*) FROM (
            SELECT 1 FROM postrider.deliveries d
            WHERE d.endpoint_id = p_endpoint AND d.lease_by <> 0 ORDER BY d.due_at, d.id FOR UPDATE NOWAIT) held)
    WHERE l.endpoint_id = p_endpoint AND l.max_in_flight IS NULL RETURNING l.leased INTO v_count;
    RETURN v_count;
END
$f$;

-- Tells workers to read the endpoint again, and to look at its lane again.
CREATE FUNCTION postrider.touch_endpoint(p_id int) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
    -- What was changed may be why a receiver has not agreed: it is asked at once.
    UPDATE postrider.endpoints SET updated_at = now(), ask_at = CASE WHEN state = 'verifying' THEN now() END WHERE id = p_id;
    UPDATE postrider.lanes SET revision = floor(random() * 2147483647)::int, changed_in = pg_current_xact_id()
    WHERE endpoint_id = p_id
$f$;

-- What the rules of an endpoint say goes to the caller: which argument, and which rule. Swift has the same rules (Outbox,
-- and EndpointOptions on the command line): a table of cases, and random ones, hold the two together.
CREATE FUNCTION postrider.refuse(p_argument text, p_rule text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = p_argument, MESSAGE = format('%s %s', p_argument, p_rule);
END
$f$;

-- An address as it may stand in the brackets of a URL: RFC 4291 section 2.2, without a zone.
CREATE FUNCTION postrider.is_ipv6(p_text text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    -- Eight groups; or fewer, and '::' once for the others.
    SELECT a.groups ~ '^([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}$'
        OR (a.groups ~ '^([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?::([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?$'
            AND a.groups !~ '([0-9A-Fa-f]+:+){7}[0-9A-Fa-f]')
    -- A dotted quad at the end stands for two groups.
    FROM (SELECT regexp_replace(p_text,
              ':((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})$',
              ':0:0') AS groups) a
$f$;

-- Which rule a URL breaks; NULL if none. EndpointURL and PortRule in Swift. Which addresses and private names may be sent to,
-- and whether http may be used, is each worker's setting: it judges that before it sends, always.
CREATE FUNCTION postrider.url_rule(p_url text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_authority text := substring(p_url FROM '^[A-Za-z]+://([^/?]*)');
    v_host text := substring(v_authority FROM '^(\[[^\]]*\]|[^:]*)');
    v_name text := lower(regexp_replace(v_host, '\.$', '') COLLATE "C");
    -- With its colon.
    v_port text := substr(v_authority, length(v_host) + 1);
    v_path text := substring(p_url FROM '^[A-Za-z]+://[^/?]*(.*)$');
    v_is_quad boolean := v_host ~ '^(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}$';
    v_is_this_machine boolean := v_host ~ '^\[[0:]*:(0{0,3}1|0\.0\.0\.1)\]$' OR v_name ~ '(^|\.)localhost$'
        OR v_is_quad AND v_host LIKE '127.%';
BEGIN
    RETURN CASE
        WHEN p_url IS NULL THEN 'is required'
        WHEN octet_length(p_url) > 2048 THEN 'is longer than 2048 bytes'
        WHEN p_url !~ '^[\x21-\x7e]+$' THEN 'must be of visible ASCII characters'
        WHEN p_url ~ '\\' THEN 'must not hold a backslash'
        WHEN p_url ~ '#' THEN 'must not have a fragment'
        WHEN p_url !~ '^[Hh][Tt][Tt][Pp][Ss]?://' THEN 'must begin with https:// or http://'
        WHEN v_authority ~ '@' THEN 'must not have user information; use a header for credentials'
        WHEN v_host = '' THEN 'must have a host'
        WHEN v_port !~ '^(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?$'
            THEN 'must have a port from 1 to 65535, without zeros before it'
        WHEN v_host LIKE '[%' AND NOT postrider.is_ipv6(coalesce(substring(v_host FROM '^\[(.*)\]$'), ''))
            THEN 'must have an IPv6 address in its brackets, without a zone'
        WHEN v_host NOT LIKE '[%' AND NOT v_is_quad AND (length(v_name) > 253 OR v_name !~
            '^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$')
            THEN 'must have a host name of labels of 1 to 63 letters, digits, - and _ joined by dots, at most 253 characters'
        -- A name whose last label begins with a digit is read as a number by one library or another.
        WHEN v_host NOT LIKE '[%' AND NOT v_is_quad AND v_name !~ '(^|\.)[a-z][^.]*$'
            THEN 'must write a host of numbers as four decimal numbers'
        WHEN v_name ~ '^(metadata|metadata\.goog|metadata\.google\.internal|instance-data|instance-data\.ec2\.internal)$'
            THEN 'must not name a cloud''s metadata service'
        WHEN v_port ~ '^:([0-9]{1,3}|10[01][0-9]|102[0-3])$' AND v_port NOT IN (':80', ':443')
            THEN 'must have port 80 or 443, or one from 1024 up'
        WHEN v_port = ANY (postrider.service_ports()) AND NOT v_is_this_machine
            THEN 'must not have the port of a service that does not speak HTTP'
        WHEN v_path !~ '^([A-Za-z0-9._~!$&''()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$'
            THEN 'must percent-encode what is neither a letter, a digit nor one of -._~!$&''()*+,;=:@/?'
    END;
END
$f$;

-- Ports of services that do not speak HTTP, and could be talked into something by the bytes of a request. The same as PortRule
-- in Swift; a test compares the two.
CREATE FUNCTION postrider.service_ports() RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT '{:1433,:1521,:1723,:2049,:3306,:3389,:4222,:5060,:5061,:5432,:5671,:5672,:5900,:6000,:6379,:6432,:6667,:9042,:9092,'
        ':11211,:27017}'::text[]
$f$;

-- An array that an operator gives has one dimension and no NULL: what cannot be read back would stop an endpoint.
CREATE FUNCTION postrider.check_array(p_argument text, p_array anyarray, p_least int, p_most int) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF array_ndims(p_array) > 1 OR cardinality(p_array) NOT BETWEEN p_least AND p_most THEN
        PERFORM postrider.refuse(p_argument, format('must be an array of one dimension with %s to %s elements', p_least, p_most));
    ELSIF array_position(p_array, NULL) IS NOT NULL THEN
        PERFORM postrider.refuse(p_argument, 'must not hold NULL');
    END IF;
END
$f$;

-- A length of time that an operator gives counts no months: they have no fixed length, and arithmetic with them depends on
-- the day.
CREATE FUNCTION postrider.check_duration(p_argument text, p_value interval, p_least interval, p_most interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF extract(year FROM p_value) <> 0 OR extract(month FROM p_value) <> 0 THEN
        PERFORM postrider.refuse(p_argument, 'must not count months or years, which have no fixed length; write days');
    ELSIF p_value NOT BETWEEN p_least AND p_most THEN
        PERFORM postrider.refuse(p_argument, format('must be from %s to %s', p_least, p_most));
    END IF;
END
$f$;

CREATE FUNCTION postrider.check_patterns(p_patterns text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_bad text;
BEGIN
    PERFORM postrider.check_array('event_types', p_patterns, 1, 1000);
    SELECT u.p INTO v_bad FROM unnest(p_patterns) AS u (p)
    WHERE length(u.p) > 128 OR u.p !~ '^(\*|[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(\.\*)?)$' LIMIT 1;
    IF FOUND THEN
        PERFORM postrider.refuse('event_types', format(
            'must hold patterns like order.paid, order.* or *, at most 128 characters each, not %L', left(v_bad, 130)));
    END IF;
END
$f$;

-- Raises when a header may not be sent: the same rules as for an event's headers.
CREATE FUNCTION postrider.check_headers(p_headers text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_rule text; v_bytes bigint;
BEGIN
    PERFORM postrider.check_array('headers', p_headers, 0, 32);
    SELECT format('must not hold %L: it %s', left(b.name, 100), b.rule) INTO v_rule
    FROM (SELECT split_part(u.h, ':', 1) AS name,
                 CASE WHEN strpos(u.h, ':') = 0 THEN 'is not written like Name: value'
                     ELSE postrider.header_rule(split_part(u.h, ':', 1), substr(u.h, strpos(u.h, ':') + 1)) END AS rule
          FROM unnest(p_headers) AS u (h)) b
    WHERE b.rule IS NOT NULL LIMIT 1;
    IF FOUND THEN
        PERFORM postrider.refuse('headers', v_rule);
    END IF;
    SELECT format('must not hold %L twice', min(split_part(u.h, ':', 1))) INTO v_rule FROM unnest(p_headers) AS u (h)
    GROUP BY lower(split_part(u.h, ':', 1) COLLATE "C") HAVING count(*) > 1 LIMIT 1;
    IF FOUND THEN
        PERFORM postrider.refuse('headers', v_rule);
    END IF;
    -- As they stand on the wire, each with a colon, a space and a line break; blanks around a value are not sent.
    SELECT sum(strpos(u.h, ':') - 1 + length(btrim(substr(u.h, strpos(u.h, ':') + 1), E' \t')) + 4) INTO v_bytes
    FROM unnest(p_headers) AS u (h);
    IF v_bytes > 16384 THEN
        PERFORM postrider.refuse('headers', format('must be at most 16384 bytes together, these have %s', v_bytes));
    END IF;
END
$f$;

CREATE FUNCTION postrider.check_retry_schedule(p_schedule interval[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM postrider.check_array('retry_schedule', p_schedule, 1, 64);
    PERFORM postrider.check_duration('retry_schedule', u.i, '1 ms', '30 days') FROM unnest(p_schedule) AS u (i);
    IF EXISTS (SELECT FROM generate_subscripts(p_schedule, 1) AS n WHERE p_schedule[n] < p_schedule[n - 1]) THEN
        PERFORM postrider.refuse('retry_schedule', 'must not hold a wait that is shorter than the one before');
    END IF;
END
$f$;

-- Statuses that end a delivery at once: 404, or 4xx for all of them. StatusList in Swift.
CREATE FUNCTION postrider.check_permanent_status(p_statuses text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM postrider.check_array('permanent_status', p_statuses, 0, 32);
    IF EXISTS (SELECT FROM unnest(p_statuses) AS u (status) WHERE u.status !~ '^([345][0-9][0-9]|[345]xx)$') THEN
        PERFORM postrider.refuse('permanent_status', 'must hold statuses from 300 to 599, or 3xx, 4xx and 5xx for all of a kind');
    END IF;
END
$f$;

-- How long an endpoint may fail: a length of time, or `never`, which is NULL. It is text, because no interval means never.
CREATE FUNCTION postrider.disable_after(p_text text) RETURNS interval
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp SET intervalstyle = 'postgres' AS $f$
BEGIN
    IF p_text = 'never' THEN
        RETURN NULL;
    END IF;
    RETURN p_text::interval;
EXCEPTION WHEN invalid_datetime_format OR datetime_field_overflow OR interval_field_overflow THEN
    PERFORM postrider.refuse('disable_after', 'must be a length of time such as 5 days, or never');
    RETURN NULL;
END
$f$;

-- What is not NULL of an endpoint's settings. Each is checked before anything is locked or written.
CREATE FUNCTION postrider.check_endpoint(
    p_url text, p_event_types text[], p_retry_schedule interval[], p_max_attempts int, p_timeout interval,
    p_max_in_flight int, p_rate_limit real, p_payload_format text, p_headers text[],
    p_permanent_status text[],
    p_ordering_failure text,
    p_disable_after text,
    p_filter text,
    p_transform text,
    p_verify text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_rule text := CASE WHEN p_url IS NOT NULL THEN postrider.url_rule(p_url) END;
BEGIN
    IF v_rule IS NOT NULL THEN
        PERFORM postrider.refuse('url', v_rule);
    END IF;
    PERFORM postrider.check_patterns(p_event_types);
    PERFORM postrider.check_retry_schedule(p_retry_schedule);
    PERFORM postrider.check_duration('timeout', p_timeout, '100 ms', '5 min');
    PERFORM postrider.check_headers(p_headers);
    IF p_max_attempts NOT BETWEEN 1 AND 1000 THEN
        PERFORM postrider.refuse('max_attempts', 'must be from 1 to 1000');
    ELSIF p_max_in_flight NOT BETWEEN 0 AND 100000 THEN
        PERFORM postrider.refuse('max_in_flight', 'must be from 1 to 100000, or 0 for no limit');
    ELSIF p_rate_limit <> 0 AND p_rate_limit NOT BETWEEN 0.001::real AND 1000000 THEN
        PERFORM postrider.refuse('rate_limit', 'must be from 0.001 to 1000000 requests a second, or 0 for no limit');
    ELSIF p_payload_format NOT IN ('envelope', 'raw', 'cloudevents', 'cloudevents-binary', 'slack', 'discord', 'teams') THEN
        PERFORM postrider.refuse('payload_format',
            'must be envelope, raw, cloudevents, cloudevents-binary, slack, discord or teams');
    END IF;
    PERFORM postrider.check_permanent_status(p_permanent_status);
    IF p_ordering_failure NOT IN ('skip', 'block', 'park') THEN
        PERFORM postrider.refuse('ordering_failure', 'must be skip, block or park');
    END IF;
    PERFORM postrider.check_duration('disable_after', postrider.disable_after(p_disable_after), '1 min', '365 days');
    PERFORM postrider.check_filter(nullif(p_filter, ''));
    PERFORM postrider.transform_name(nullif(p_transform, ''));
    IF p_verify NOT IN ('none', 'challenge', 'cloudevents') THEN
        PERFORM postrider.refuse('verify', 'must be none, challenge or cloudevents');
    END IF;
END
$f$;

-- Characters that a name may not hold because they cannot be seen, or look like another one: control characters, line ends,
-- other spaces than the plain one, marks that change the direction of text, and what no font has (private use, everything from plane
-- 14 up). The same as EndpointName in Swift; a test compares all of Unicode.
CREATE FUNCTION postrider.invisible_characters() RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT '[\u0001-\u001f\u007f-\u00a0\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e\u2000-\u200f'
        '\u2028-\u202f\u205f-\u206f\u3000\ue000-\uf8ff\ufeff\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f'
        '\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]'
$f$;

CREATE FUNCTION postrider.check_name(p_name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_name IS NULL OR length(p_name) NOT BETWEEN 1 AND 200 OR p_name ~ postrider.invisible_characters()
        OR p_name ~ '^[ -]| $' THEN
        PERFORM postrider.refuse('name', 'must be 1 to 200 characters that can be seen, no space at either end and no hyphen in front');
    END IF;
END
$f$;

-- A signing secret of 32 bytes. Three random UUIDs carry 366 random bits: more than the hash can hold.
CREATE FUNCTION postrider.new_secret() RETURNS text
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT 'whsec_' || encode(
        sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64')
$f$;

-- What a key file sealed: at least a nonce and a tag.
CREATE FUNCTION postrider.is_sealed(p_text text, p_most int) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT p_text ~ '^sealed:v1:[A-Za-z0-9_-]{1,32}:[A-Za-z0-9+/]{40,}=?=?$' AND length(p_text) <= p_most
$f$;

-- whsec_ and the Base64 of 24 to 64 bytes, padded or not, without stray bits at the end; or what a key file sealed of one.
CREATE FUNCTION postrider.is_secret(p_secret text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT p_secret ~ ('^whsec_' || b.base64) AND length(rtrim(p_secret, '=')) - 6 BETWEEN 32 AND 86
        OR postrider.is_sealed(p_secret, 500)
    FROM (VALUES ('([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw](==)?|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=?)?$')) AS b (base64)
$f$;

-- A signing secret as it is stored. Where no scheme takes the bytes of a whsec_… for its key, each short text is one, so that the
-- receivers of another sender can keep theirs.
CREATE FUNCTION postrider.stored_secret(p_secret text, p_signature text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF postrider.is_secret(p_secret) THEN
        RETURN p_secret;
    ELSIF p_signature && '{v1,svix}' THEN
        PERFORM postrider.refuse('secret', 'must be whsec_ followed by the Base64 of 24 to 64 bytes');
    ELSIF p_secret !~ '^[\x20-\x7e]+$' OR length(p_secret) NOT BETWEEN 6 AND 256 OR p_secret ~ '^(sealed|text):' THEN
        PERFORM postrider.refuse('secret',
            'must be whsec_ followed by the Base64 of 24 to 64 bytes, or 6 to 256 visible ASCII characters and spaces');
    END IF;
    RETURN 'text:' || p_secret;
END
$f$;

-- A signature scheme in its parts: v1, or the parts of hmac:HEADER,ALGORITHM,ENCODING[,PREFIX[,CONTENT]].
CREATE FUNCTION postrider.hmac_parts(p_scheme text) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT regexp_match(p_scheme, '^hmac:([^,]*),([^,]*),([^,]*)(?:,([^,]*)(?:,(.*))?)?$')
$f$;

-- The headers that a scheme sends beside those of Standard Webhooks, in lower case.
CREATE FUNCTION postrider.signature_headers(p_scheme text) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT CASE p_scheme
        WHEN 'v1' THEN '{}' WHEN 'v1a' THEN '{}'
        WHEN 'github' THEN '{x-hub-signature-256}'
        WHEN 'stripe' THEN '{stripe-signature}'
        WHEN 'shopify' THEN '{x-shopify-hmac-sha256}'
        WHEN 'slack' THEN '{x-slack-request-timestamp,x-slack-signature}'
        WHEN 'svix' THEN '{svix-id,svix-timestamp,svix-signature}'
        ELSE ARRAY[lower((postrider.hmac_parts(p_scheme))[1] COLLATE "C")]
    END
$f$;

-- Which rule a signature scheme breaks; NULL if none. SignatureScheme in Swift.
CREATE FUNCTION postrider.signature_rule(p_scheme text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_parts text[] := postrider.hmac_parts(p_scheme);
    v_pieces text := '([^{}]|\{timestamp\}|\{id\}|\{type\})*';
BEGIN
    RETURN CASE
        WHEN p_scheme IN ('v1', 'v1a', 'github', 'stripe', 'shopify', 'slack', 'svix') THEN NULL
        WHEN octet_length(p_scheme) > 512 THEN 'is longer than 512 bytes'
        WHEN p_scheme !~ '^[\x20-\x7e]*$' THEN 'must be of visible ASCII characters and spaces'
        WHEN v_parts IS NULL
            THEN 'is none of v1, v1a, github, stripe, shopify, slack, svix, hmac:HEADER,ALGORITHM,ENCODING[,PREFIX[,CONTENT]]'
        WHEN postrider.header_rule(v_parts[1], 'x') IS NOT NULL
            THEN 'has a header that ' || postrider.header_rule(v_parts[1], 'x')
        WHEN lower(v_parts[1] COLLATE "C") = 'authorization' THEN 'has a header that auth makes'
        WHEN v_parts[2] NOT IN ('sha1', 'sha256', 'sha384', 'sha512')
            THEN 'must have one of the algorithms sha1, sha256, sha384, sha512'
        WHEN v_parts[3] NOT IN ('hex', 'base64') THEN 'must have the encoding hex or base64'
        WHEN v_parts[4] ~ '^ ' OR v_parts[4] !~ ('^' || v_pieces || '$')
            THEN 'must have a prefix without a space in front, and of what is in braces only {id}, {timestamp}, {type}'
        WHEN v_parts[5] !~ ('^' || v_pieces || '\{body\}' || v_pieces || '$')
            THEN 'must have a content with {body} once, and of what else is in braces only {id}, {timestamp}, {type}'
    END;
END
$f$;

CREATE FUNCTION postrider.check_signature(p_signature text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_bad record;
BEGIN
    PERFORM postrider.check_array('signature', p_signature, 1, 8);
    SELECT u.s AS scheme, postrider.signature_rule(u.s) AS rule INTO v_bad FROM unnest(p_signature) AS u (s)
    WHERE postrider.signature_rule(u.s) IS NOT NULL LIMIT 1;
    IF FOUND THEN
        PERFORM postrider.refuse('signature', format('must not hold %L: it %s', left(v_bad.scheme, 100), v_bad.rule));
    END IF;
    SELECT h.name INTO v_bad FROM unnest(p_signature) AS u (s), unnest(postrider.signature_headers(u.s)) AS h (name)
    GROUP BY h.name HAVING count(*) > 1 LIMIT 1;
    IF FOUND THEN
        PERFORM postrider.refuse('signature', format('must not set the header %L twice', v_bad.name));
    ELSIF (SELECT count(DISTINCT u.s) FROM unnest(p_signature) AS u (s)) < cardinality(p_signature) THEN
        PERFORM postrider.refuse('signature', 'must not hold a scheme twice');
    END IF;
END
$f$;

-- The public half of an Ed25519 key (RFC 8032 section 5.1.5), in some ten milliseconds: for a key that is made or given here. The sum of points
-- is that of section 5.1.4.
CREATE FUNCTION postrider.ed25519_public(p_seed bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    p CONSTANT numeric := 57896044618658097711785492504343953926634992332820282019728792003956564819949;
    d2 CONSTANT numeric := 16295367250680780974490674513165176452449235426866156013048779062215315747161;
    v_hash bytea := sha512(p_seed);
    -- The base point doubled again and again, and the sum of those whose bit of the scalar is set.
    qx numeric := 15112221349535400772501151409588531511454012693041857206046113283949847762202;
    qy numeric := 46316835694926478169428394003475163141307993866256225615783033603165251855960;
    qz numeric := 1; qt numeric := mod(qx * qy, p);
    x numeric := 0; y numeric := 1; z numeric := 1; t numeric := 0;
    a numeric; b numeric; c numeric; d numeric;
    v_exponent numeric := p - 2; v_inverse numeric := 1;
    v_public bytea := decode(repeat('00', 32), 'hex');
BEGIN
    v_hash := set_byte(v_hash, 0, get_byte(v_hash, 0) & 248);
    v_hash := set_byte(v_hash, 31, get_byte(v_hash, 31) & 63 | 64);
    FOR i IN 0..254 LOOP
        IF get_bit(v_hash, i) = 1 THEN
            a := mod((y - x) * (qy - qx), p); b := mod((y + x) * (qy + qx), p);
            c := mod(mod(t * d2, p) * qt, p); d := mod(2 * z * qz, p);
            x := mod((b - a) * (d - c), p); y := mod((d + c) * (b + a), p);
            z := mod((d - c) * (d + c), p); t := mod((b - a) * (b + a), p);
        END IF;
        a := mod((qy - qx) * (qy - qx), p); b := mod((qy + qx) * (qy + qx), p);
        c := mod(mod(qt * d2, p) * qt, p); d := mod(2 * qz * qz, p);
        qx := mod((b - a) * (d - c), p); qy := mod((d + c) * (b + a), p);
        qz := mod((d - c) * (d + c), p); qt := mod((b - a) * (b + a), p);
    END LOOP;
    WHILE v_exponent > 0 LOOP
        IF mod(v_exponent, 2) = 1 THEN
            v_inverse := mod(v_inverse * z, p);
        END IF;
        z := mod(z * z, p);
        v_exponent := div(v_exponent, 2);
    END LOOP;
    x := mod(mod(x * v_inverse, p) + p, p);
    y := mod(mod(y * v_inverse, p) + p, p) + CASE WHEN mod(x, 2) = 1 THEN 2::numeric ^ 255 ELSE 0 END;
    FOR i IN 0..31 LOOP
        v_public := set_byte(v_public, i, mod(y, 256)::int);
        y := div(y, 256);
    END LOOP;
    RETURN v_public;
END
$f$;

-- What stands behind whsk_: the seed, and perhaps the public half after it. NULL where the text is no such key.
CREATE FUNCTION postrider.signing_key_bytes(p_key text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    RETURN CASE WHEN p_key ~ '^whsk_([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/]{85}[AQgw]==)$'
        THEN decode(substr(p_key, 6), 'base64') END;
END
$f$;

CREATE FUNCTION postrider.check_signing_key(p_signing_key text, p_public_key text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_bytes bytea := postrider.signing_key_bytes(p_signing_key);
BEGIN
    IF p_public_key !~ '^whpk_[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$' THEN
        PERFORM postrider.refuse('public_key', 'must be whpk_ followed by the Base64 of 32 bytes');
    ELSIF postrider.is_sealed(p_signing_key, 500) THEN
        IF p_public_key IS NULL THEN
            PERFORM postrider.refuse('public_key', 'must be given with a signing key that is sealed');
        END IF;
    ELSIF p_signing_key IS NOT NULL AND (v_bytes IS NULL
            OR length(v_bytes) = 64 AND substr(v_bytes, 33) <> postrider.ed25519_public(substr(v_bytes, 1, 32))) THEN
        PERFORM postrider.refuse('signing_key',
            'must be whsk_ followed by the Base64 of an Ed25519 seed of 32 bytes, and perhaps of its public key behind it');
    ELSIF p_public_key IS NOT NULL AND p_public_key IS DISTINCT FROM
            'whpk_' || encode(postrider.ed25519_public(substr(v_bytes, 1, 32)), 'base64') THEN
        PERFORM postrider.refuse('public_key', 'must be the public half of signing_key');
    END IF;
END
$f$;

-- Gives an endpoint another Ed25519 key, a new one if none is given. What is given was checked.
CREATE FUNCTION postrider.add_signing_key(p_id int, p_signing_key text, p_public_key text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_key text := coalesce(p_signing_key, replace(postrider.new_secret(), 'whsec_', 'whsk_'));
BEGIN
    INSERT INTO postrider.endpoint_secrets (endpoint_id, secret, public_key) VALUES (p_id, v_key, coalesce(p_public_key,
        'whpk_' || encode(postrider.ed25519_public(substr(postrider.signing_key_bytes(v_key), 1, 32)), 'base64')));
END
$f$;

-- Which rule the making of the Authorization header breaks; NULL if none. Authorization in Swift. It never quotes the text.
CREATE FUNCTION postrider.auth_rule(p_auth text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_kind text := split_part(p_auth, ':', 1);
    v_rest text := substr(p_auth, length(v_kind) + 2);
BEGIN
    RETURN CASE
        WHEN p_auth IN ('none', 'jwt') THEN NULL
        WHEN v_kind NOT IN ('bearer', 'basic', 'oauth2') OR strpos(p_auth, ':') = 0
            THEN 'must be bearer:TOKEN, basic:USER:PASSWORD, jwt, oauth2:TOKEN_URL,CLIENT_ID,CLIENT_SECRET[,SCOPE] or none'
        WHEN postrider.is_sealed(v_rest, 8192) THEN NULL
        WHEN v_rest LIKE 'sealed:%' THEN 'must not begin with sealed: after its kind'
        WHEN octet_length(v_rest) > 4000 THEN 'must be at most 4000 bytes'
        WHEN v_kind = 'bearer' AND v_rest !~ '^[\x21-\x7e]+$' THEN 'must have a token of visible ASCII characters'
        WHEN v_kind = 'basic' AND v_rest !~ '^[^:\x01-\x1f\x7f]+:[^\x01-\x1f\x7f]*$'
            THEN 'must have a user, a colon and a password, without control characters'
        WHEN v_kind = 'oauth2' AND v_rest !~ '^[^,]+,[\x20-\x2b\x2d-\x7e]+,[\x20-\x2b\x2d-\x7e]+(,[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+( [\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+)*)?$'
            THEN 'must have a token URL, a client id, a client secret and perhaps scopes, without commas in them'
        WHEN v_kind = 'oauth2' AND postrider.url_rule(split_part(v_rest, ',', 1)) IS NOT NULL
            THEN 'has a token URL that ' || postrider.url_rule(split_part(v_rest, ',', 1))
    END;
END
$f$;

-- PEM (RFC 7468) as OpenSSL reads it: blocks of one kind and nothing beside them. The command line takes them out of a file.
CREATE FUNCTION postrider.is_pem(p_text text, p_label text, p_most int) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT octet_length(p_text) <= 65536
        AND p_text ~ format('^(-----BEGIN %1$s-----\n([A-Za-z0-9+/=]{1,76}\n)+-----END %1$s-----\n){1,%2$s}$', p_label, p_most)
$f$;

-- What is not NULL of how requests are sent.
CREATE FUNCTION postrider.check_sending(
    p_signature text[], p_signing_key text, p_public_key text, p_auth text, p_client_certificate text, p_client_key text, p_ca text,
    p_method text, p_text text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_auth text := postrider.auth_rule(p_auth);
BEGIN
    PERFORM postrider.check_signature(p_signature);
    PERFORM postrider.check_signing_key(p_signing_key, p_public_key);
    IF v_auth IS NOT NULL THEN
        PERFORM postrider.refuse('auth', v_auth);
    ELSIF p_client_certificate <> '' AND NOT postrider.is_pem(p_client_certificate, 'CERTIFICATE', 16) THEN
        PERFORM postrider.refuse('client_certificate', 'must be 1 to 16 certificates in PEM, at most 65536 bytes, and nothing else');
    ELSIF p_client_key <> '' AND NOT postrider.is_pem(p_client_key, '((RSA |EC )?PRIVATE KEY)', 1)
            AND NOT postrider.is_sealed(p_client_key, 131072) THEN
        PERFORM postrider.refuse('client_key', 'must be a private key in PEM that is not encrypted, and nothing else');
    ELSIF p_ca <> '' AND NOT postrider.is_pem(p_ca, 'CERTIFICATE', 64) THEN
        PERFORM postrider.refuse('ca', 'must be 1 to 64 certificates in PEM, at most 65536 bytes, and nothing else');
    ELSIF p_method NOT IN ('POST', 'PUT', 'PATCH') THEN
        PERFORM postrider.refuse('method', 'must be POST, PUT or PATCH');
    ELSIF octet_length(p_text) > 4000 OR p_text ~ '[\x01-\x09\x0b-\x1f\x7f]'
            OR p_text !~ '^([^{}]|\{\{|\}\}|\{[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$-]+)*\})*$' THEN
        PERFORM postrider.refuse('text',
            'must be at most 4000 bytes without control characters, with {path.to.value} for a value and {{ or }} for a brace');
    END IF;
END
$f$;

-- Sets what is not NULL of how requests are sent, and refuses what does not go together. The endpoint is locked.
CREATE FUNCTION postrider.set_sending(
    p_id int, p_signature text[], p_signing_key text, p_public_key text, p_auth text, p_client_certificate text, p_client_key text,
    p_ca text, p_method text, p_text text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_row record;
BEGIN
    UPDATE postrider.endpoints e SET
        signature = coalesce(p_signature, e.signature),
        auth = coalesce(p_auth, e.auth),
        client_certificate = nullif(coalesce(p_client_certificate, e.client_certificate), ''),
        client_key = nullif(coalesce(p_client_key, e.client_key), ''),
        ca = nullif(coalesce(p_ca, e.ca), ''),
        method = coalesce(p_method, e.method),
        text = nullif(coalesce(p_text, e.text), '')
    WHERE e.id = p_id;
    SELECT e.signature, e.headers, e.auth, (e.client_certificate IS NULL) <> (e.client_key IS NULL) AS is_half,
           (SELECT h.name FROM unnest(e.headers) AS l (line), lower(split_part(l.line, ':', 1) COLLATE "C") AS h (name)
            WHERE h.name = ANY (ARRAY(SELECT unnest(postrider.signature_headers(u.s)) FROM unnest(e.signature) AS u (s)))
                OR h.name = 'authorization' AND e.auth <> 'none' LIMIT 1) AS taken
    INTO v_row FROM postrider.endpoints e WHERE e.id = p_id;
    IF v_row.is_half THEN
        PERFORM postrider.refuse('client_certificate', 'and client_key must be given together');
    ELSIF v_row.taken IS NOT NULL THEN
        PERFORM postrider.refuse('headers', format('must not hold %L, which signature or auth sets', v_row.taken));
    END IF;
    IF 'v1a' = ANY (v_row.signature) AND NOT EXISTS (
            SELECT FROM postrider.endpoint_secrets s
            WHERE s.endpoint_id = p_id AND s.public_key IS NOT NULL AND s.expires_at > now()) THEN
        PERFORM postrider.add_signing_key(p_id, p_signing_key, p_public_key);
    END IF;
END
$f$;

-- Whether the one who calls may register endpoints of tenants and is no operator: then each call names the tenant, so that a name
-- from one customer's form never reaches another's endpoint. The functions run as the schema's owner: the caller is the role that was
-- set, or else the login.
CREATE FUNCTION postrider.is_registrar() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT pg_has_role(c.name, 'postrider_registrar', 'MEMBER') AND NOT pg_has_role(c.name, 'postrider_operator', 'MEMBER')
    FROM (SELECT CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role') END::name AS name) c
$f$;

CREATE FUNCTION postrider.check_tenant(p_tenant text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_tenant IS NULL AND postrider.is_registrar() THEN
        PERFORM postrider.refuse('tenant', 'must be given by a login with the role postrider_registrar');
    END IF;
END
$f$;

-- Registers an endpoint and returns its signing secret, which is shown here and nowhere else. Without p_secret one is
-- made from 32 random bytes. p_secret may be sealed (sealed:v1:…); then what comes back is the same text. 0 is no limit.
CREATE FUNCTION postrider.register_endpoint(
    name text, url text, event_types text[] DEFAULT '{*}', secret text DEFAULT NULL, tenant text DEFAULT '',
    retry_schedule interval[] DEFAULT NULL, max_attempts int DEFAULT NULL, timeout interval DEFAULT '15 s',
    max_in_flight int DEFAULT NULL, rate_limit real DEFAULT NULL, payload_format text DEFAULT 'envelope',
    headers text[] DEFAULT '{}',
    signature text[] DEFAULT '{v1}',
    signing_key text DEFAULT NULL,
    public_key text DEFAULT NULL,
    auth text DEFAULT 'none',
    client_certificate text DEFAULT NULL,
    client_key text DEFAULT NULL,
    ca text DEFAULT NULL,
    method text DEFAULT 'POST',
    text text DEFAULT NULL,
    permanent_status text[] DEFAULT '{}',
    ordering_failure text DEFAULT 'skip',
    breaker boolean DEFAULT true,
    disable_after text DEFAULT '5 days',
    filter text DEFAULT NULL,
    transform text DEFAULT NULL,
    "coalesce" boolean DEFAULT false,
    verify text DEFAULT 'none',
    OUT endpoint_id int, OUT signing_secret text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_variable
DECLARE
    v_url int;
    v_stored text;
BEGIN
    PERFORM postrider.check_name(name);
    IF url IS NULL THEN
        PERFORM postrider.refuse('url', postrider.url_rule(url));
    ELSIF event_types IS NULL THEN
        PERFORM postrider.refuse('event_types', 'must not be NULL');
    ELSIF octet_length(tenant) > 512 THEN
        PERFORM postrider.refuse('tenant', 'must be at most 512 bytes');
    END IF;
    PERFORM postrider.check_tenant(nullif(tenant, ''));
    PERFORM postrider.check_endpoint(url, event_types, retry_schedule, max_attempts, timeout, max_in_flight, rate_limit,
                                     payload_format, headers,
                                     permanent_status, ordering_failure, disable_after,
                                     filter,
                                     transform,
                                     verify);
    PERFORM postrider.check_sending(signature, signing_key, public_key, auth, client_certificate, client_key, ca, method, text);
    signing_secret := coalesce(secret, postrider.new_secret());
    v_stored := postrider.stored_secret(signing_secret, coalesce(signature, '{v1}'));
    BEGIN
        INSERT INTO postrider.endpoints AS e (
            name, tenant, payload_format, headers, retry_schedule, max_attempts,
            permanent_status, ordering_failure, disable_after, max_in_flight,
            filter,
            transform,
            verify, rate_limit, state)
        VALUES (name, coalesce(tenant, ''), coalesce(payload_format, 'envelope'), coalesce(headers, '{}'),
                coalesce(retry_schedule, '{5 s,5 min,30 min,2 h,5 h,10 h,14 h,20 h,24 h}'),
                coalesce(max_attempts, cardinality(retry_schedule) + 1, 10),
                coalesce(permanent_status, '{}'), coalesce(ordering_failure, 'skip'),
                postrider.disable_after(coalesce(disable_after, '5 days')), nullif(max_in_flight, 0),
                nullif(filter, ''),
                postrider.transform_name(nullif(transform, '')),
                coalesce(verify, 'none'), nullif(rate_limit, 0), CASE WHEN verify <> 'none' THEN 'verifying' ELSE 'active' END)
        RETURNING e.id INTO endpoint_id;
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION USING ERRCODE = 'unique_violation',
            MESSAGE = format('there is already an endpoint named %L', name) 
                || CASE WHEN tenant <> '' THEN format(' of tenant %L', tenant) ELSE '' END;
    END;
    INSERT INTO postrider.endpoint_urls AS u (endpoint_id, url) VALUES (endpoint_id, url) RETURNING u.id INTO v_url;
    UPDATE postrider.endpoints e SET url_id = v_url WHERE e.id = register_endpoint.endpoint_id;
    INSERT INTO postrider.endpoint_secrets (endpoint_id, secret) VALUES (endpoint_id, v_stored);
    PERFORM postrider.set_sending(endpoint_id, signature, signing_key, public_key, auth, client_certificate, client_key, ca, method, text);
    INSERT INTO postrider.lanes (endpoint_id, timeout, max_in_flight, rate_limit, breaker, blocks_keys, coalesces)
    VALUES (endpoint_id, coalesce(timeout, '15 s'), nullif(max_in_flight, 0), nullif(rate_limit, 0), coalesce(breaker, true),
            coalesce(ordering_failure, 'skip') <> 'skip',
            register_endpoint."coalesce" IS TRUE);
    INSERT INTO postrider.endpoint_marks (endpoint_id) VALUES (endpoint_id);
    INSERT INTO postrider.subscriptions (tenant, pattern, endpoint_id)
    SELECT DISTINCT coalesce(tenant, ''), p, endpoint_id FROM unnest(event_types) AS u (p);
    IF verify <> 'none' THEN
        PERFORM postrider.begin_verifying(endpoint_id);
    END IF;
    INSERT INTO postrider.state_changes (endpoint_id, became)
    SELECT e.id, e.state FROM postrider.endpoints e WHERE e.id = register_endpoint.endpoint_id;
    PERFORM postrider.note_act('register', postrider.endpoint_words(name, tenant), 1, NULL);
END
$f$;

-- Changes what is given and leaves the rest (NULL). To lift a limit, give 0; to take a certificate, a CA, the text, the filter or the
-- transform away, give ''.
-- `signing_key` is taken where v1a has no key yet; rotate_secret changes one. With `tenant` only an endpoint of that tenant.
CREATE FUNCTION postrider.update_endpoint(
    name text, url text DEFAULT NULL, event_types text[] DEFAULT NULL, retry_schedule interval[] DEFAULT NULL,
    max_attempts int DEFAULT NULL, timeout interval DEFAULT NULL, max_in_flight int DEFAULT NULL,
    rate_limit real DEFAULT NULL, payload_format text DEFAULT NULL, headers text[] DEFAULT NULL,
    tenant text DEFAULT NULL,
    signature text[] DEFAULT NULL,
    signing_key text DEFAULT NULL,
    public_key text DEFAULT NULL,
    auth text DEFAULT NULL,
    client_certificate text DEFAULT NULL,
    client_key text DEFAULT NULL,
    ca text DEFAULT NULL,
    method text DEFAULT NULL,
    text text DEFAULT NULL,
    permanent_status text[] DEFAULT NULL,
    ordering_failure text DEFAULT NULL,
    breaker boolean DEFAULT NULL,
    disable_after text DEFAULT NULL,
    filter text DEFAULT NULL,
    transform text DEFAULT NULL,
    "coalesce" boolean DEFAULT NULL,
    verify text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_variable
DECLARE
    v_id int;
    v_url int;
    v_moves boolean;
BEGIN
    PERFORM postrider.check_tenant(tenant);
    v_id := postrider.hold_endpoint(name, tenant);
    PERFORM postrider.check_endpoint(url, event_types, retry_schedule, max_attempts, timeout, max_in_flight, rate_limit,
                                     payload_format, headers,
                                     permanent_status, ordering_failure, disable_after,
                                     filter,
                                     transform,
                                     verify);
    PERFORM postrider.check_sending(signature, signing_key, public_key, auth, client_certificate, client_key, ca, method, text);
    v_moves := url <> (
        SELECT u.url FROM postrider.endpoints e JOIN postrider.endpoint_urls u ON u.id = e.url_id WHERE e.id = v_id);
    IF max_in_flight > 0 THEN
        PERFORM postrider.patiently(format('SELECT postrider.count_leased(%L)', v_id));
    ELSE
        PERFORM postrider.hold_lane(v_id);
    END IF;
    IF url IS NOT NULL THEN
        INSERT INTO postrider.endpoint_urls AS u (endpoint_id, url) VALUES (v_id, url) RETURNING u.id INTO v_url;
    END IF;
    UPDATE postrider.endpoints e SET
        url_id = coalesce(v_url, e.url_id),
        payload_format = coalesce(update_endpoint.payload_format, e.payload_format),
        headers = coalesce(update_endpoint.headers, e.headers),
        retry_schedule = coalesce(update_endpoint.retry_schedule, e.retry_schedule),
        max_attempts = coalesce(update_endpoint.max_attempts, cardinality(update_endpoint.retry_schedule) + 1, e.max_attempts),
        permanent_status = coalesce(update_endpoint.permanent_status, e.permanent_status),
        ordering_failure = coalesce(update_endpoint.ordering_failure, e.ordering_failure),
        disable_after = CASE WHEN update_endpoint.disable_after IS NULL THEN e.disable_after
                             ELSE postrider.disable_after(update_endpoint.disable_after) END,
        filter = nullif(coalesce(update_endpoint.filter, e.filter), ''),
        transform = CASE WHEN update_endpoint.transform IS NULL THEN e.transform
                         ELSE postrider.transform_name(nullif(update_endpoint.transform, '')) END,
        max_in_flight = nullif(coalesce(update_endpoint.max_in_flight, e.max_in_flight), 0),
        rate_limit = nullif(coalesce(update_endpoint.rate_limit, e.rate_limit), 0),
        verify = coalesce(update_endpoint.verify, e.verify)
    WHERE e.id = v_id;
    PERFORM postrider.set_sending(v_id, signature, signing_key, public_key, auth, client_certificate, client_key, ca, method, text);
    IF event_types IS NOT NULL THEN
        DELETE FROM postrider.subscriptions s WHERE s.endpoint_id = v_id AND s.pattern <> ALL (event_types);
        INSERT INTO postrider.subscriptions (tenant, pattern, endpoint_id)
        SELECT DISTINCT e.tenant, p, v_id FROM unnest(event_types) AS u (p), postrider.endpoints e WHERE e.id = v_id
        ON CONFLICT DO NOTHING;
    END IF;
    UPDATE postrider.lanes l SET
        timeout = coalesce(update_endpoint.timeout, l.timeout),
        -- LEAST passes over NULL.
        max_in_flight = least((SELECT e.max_in_flight FROM postrider.endpoints e WHERE e.id = v_id), l.breaker_window),
        rate_limit = (SELECT least(e.rate_limit, e.allowed_rate) FROM postrider.endpoints e WHERE e.id = v_id),
        breaker = coalesce(update_endpoint.breaker, l.breaker),
        blocks_keys = coalesce(update_endpoint.ordering_failure <> 'skip', l.blocks_keys),
        coalesces = coalesce(update_endpoint."coalesce", l.coalesces)
    WHERE l.endpoint_id = v_id;
    IF NOT breaker THEN
        PERFORM postrider.free_lane(v_id);
    END IF;
    -- At another URL there may be another receiver.
    IF v_moves OR verify IS NOT NULL THEN
        PERFORM postrider.verify_again(v_id);
    END IF;
    PERFORM postrider.touch_endpoint(v_id);
    PERFORM postrider.note_act('update', postrider.endpoint_words(name, tenant), 1, (
        SELECT string_agg(u.setting, ', ')
        FROM unnest(ARRAY['url', 'event_types', 'retry_schedule', 'max_attempts', 'timeout', 'max_in_flight', 'rate_limit',
                          'payload_format', 'headers', 'permanent_status', 'ordering_failure', 'breaker', 'disable_after',
                          'filter', 'transform', 'coalesce', 'verify'],
                    ARRAY[url IS NOT NULL, event_types IS NOT NULL, retry_schedule IS NOT NULL, max_attempts IS NOT NULL,
                          timeout IS NOT NULL, max_in_flight IS NOT NULL, rate_limit IS NOT NULL, payload_format IS NOT NULL,
                          headers IS NOT NULL, permanent_status IS NOT NULL, ordering_failure IS NOT NULL, breaker IS NOT NULL,
                          disable_after IS NOT NULL, filter IS NOT NULL, transform IS NOT NULL,
                          update_endpoint."coalesce" IS NOT NULL, verify IS NOT NULL]) AS u (setting, is_given)
        WHERE u.is_given));
END
$f$;

-- Whether an endpoint has these headers and no others, in any order: for those who may set headers and not read them.
CREATE FUNCTION postrider.has_headers(name text, headers text[], tenant text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    RETURN (SELECT ARRAY(SELECT u.h FROM unnest(e.headers) AS u (h) ORDER BY u.h COLLATE "C")
                 = ARRAY(SELECT u.h FROM unnest(has_headers.headers) AS u (h) ORDER BY u.h COLLATE "C")
            FROM postrider.endpoints e WHERE e.id = postrider.endpoint_id(has_headers.name, has_headers.tenant));
END
$f$;

-- Changes the state of an endpoint that is locked, and notes it where it is another one.
CREATE FUNCTION postrider.set_state(p_id int, p_state text, p_reason text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_was text;
BEGIN
    SELECT postrider.state_shown(e.state, l.closures) INTO v_was
    FROM postrider.endpoints e JOIN postrider.lanes l ON l.endpoint_id = e.id WHERE e.id = p_id;
    UPDATE postrider.endpoints e SET state = p_state, state_at = now(), state_reason = p_reason WHERE e.id = p_id;
    IF v_was <> p_state THEN
        INSERT INTO postrider.state_changes (endpoint_id, was, became, why) VALUES (p_id, v_was, p_state, p_reason);
    END IF;
    RETURN v_was <> p_state;
END
$f$;

-- The breaker lets go of a lane that is locked. A lane that an operator closed stays closed.
CREATE FUNCTION postrider.free_lane(p_id int) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
    UPDATE postrider.lanes l
    SET open_at = CASE WHEN l.open_at < 'infinity' THEN '-infinity' ELSE l.open_at END, closures = 0, breaker_window = NULL,
        max_in_flight = (SELECT e.max_in_flight FROM postrider.endpoints e WHERE e.id = p_id)
    WHERE l.endpoint_id = p_id;
    UPDATE postrider.endpoint_marks m SET strikes = 0 WHERE m.endpoint_id = p_id
$f$;

-- From now on the receiver is asked whether it agrees, and what is owed to it is held. The endpoint and its lane are locked.
CREATE FUNCTION postrider.begin_verifying(p_id int) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM postrider.set_state(p_id, 'verifying', 'its receiver has not been asked yet');
    UPDATE postrider.endpoints e
    SET ask_at = now(), refusals = 0, allowed_rate = NULL, origin = (SELECT s.origin FROM postrider.settings s) WHERE e.id = p_id;
    PERFORM postrider.free_lane(p_id);
    UPDATE postrider.lanes l
    SET open_at = 'infinity', rate_limit = (SELECT e.rate_limit FROM postrider.endpoints e WHERE e.id = p_id)
    WHERE l.endpoint_id = p_id;
END
$f$;

-- What once was agreed holds no more. One that is paused or disabled is asked when it is resumed. The endpoint and its lane are locked.
CREATE FUNCTION postrider.verify_again(p_id int) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_state text; v_verify text;
BEGIN
    UPDATE postrider.endpoints e SET verified_at = NULL WHERE e.id = p_id RETURNING e.state, e.verify INTO v_state, v_verify;
    IF v_verify <> 'none' AND v_state IN ('active', 'verifying') THEN
        PERFORM postrider.begin_verifying(p_id);
    ELSIF v_verify = 'none' THEN
        UPDATE postrider.endpoints e SET allowed_rate = NULL WHERE e.id = p_id;
        UPDATE postrider.lanes l SET rate_limit = (SELECT e.rate_limit FROM postrider.endpoints e WHERE e.id = p_id)
        WHERE l.endpoint_id = p_id;
        IF v_state = 'verifying' THEN
            PERFORM postrider.set_state(p_id, 'active', NULL);
            UPDATE postrider.lanes l SET open_at = '-infinity' WHERE l.endpoint_id = p_id;
        END IF;
    END IF;
END
$f$;

-- Endpoints whose receivers are to be asked now, by this worker alone until their timeout and half a minute are over. Steps over what is
-- held by an operator, who changes it.
CREATE FUNCTION postrider.take_verifications(p_limit int) RETURNS TABLE (endpoint_id int, refusals smallint)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $f$
    UPDATE postrider.endpoints e
    SET ask_at = clock_timestamp() + interval '30 s' + (SELECT l.timeout FROM postrider.lanes l WHERE l.endpoint_id = e.id)
    WHERE e.id = ANY (ARRAY(
        SELECT n.id FROM postrider.endpoints n WHERE n.state = 'verifying' AND n.ask_at <= clock_timestamp()
        ORDER BY n.ask_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED))
    RETURNING e.id, e.refusals
$f$;

-- What came of asking a receiver, whose lane had the revision p_revision then: what was changed since is asked again. p_why NULL: it agreed, to
-- p_rate requests a second (NULL: any). Otherwise it is asked again after p_pause; counted, where p_counts says so, and the twentieth time the
-- endpoint is disabled. Returns its state, or NULL where the answer means nothing any more. It waits for no operator: it fails with
-- lock_not_available, and the worker tells it again.
CREATE FUNCTION postrider.end_verification(
    p_id int, p_revision int, p_why text, p_rate real, p_counts boolean, p_pause interval) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100 ms' AS $f$
DECLARE
    v_refusals int; v_why text;
BEGIN
    SELECT e.refusals + p_counts::int INTO v_refusals
    FROM postrider.endpoints e WHERE e.id = p_id AND e.state = 'verifying' FOR NO KEY UPDATE;
    PERFORM postrider.hold_lane(p_id);
    IF v_refusals IS NULL OR NOT EXISTS (
        SELECT FROM postrider.lanes l WHERE l.endpoint_id = p_id AND l.revision = p_revision) THEN
        RETURN NULL;
    ELSIF p_why IS NULL THEN
        UPDATE postrider.endpoints e SET verified_at = clock_timestamp(), refusals = 0, allowed_rate = p_rate WHERE e.id = p_id;
        PERFORM postrider.set_state(p_id, 'active', NULL);
        UPDATE postrider.lanes l
        SET open_at = '-infinity', rate_limit = (SELECT least(e.rate_limit, e.allowed_rate) FROM postrider.endpoints e WHERE e.id = p_id)
        WHERE l.endpoint_id = p_id;
        PERFORM postrider.touch_endpoint(p_id);
        RETURN 'active';
    END IF;
    v_why := CASE v_refusals WHEN 0 THEN 'its receiver could not be asked: '
        ELSE format('its receiver has not agreed, asked %s: ', CASE v_refusals WHEN 1 THEN 'once' ELSE v_refusals || ' times' END) END
        || left(p_why, 300);
    IF v_refusals >= 20 THEN
        PERFORM postrider.disable_endpoint(p_id, v_why);
        RETURN 'disabled';
    END IF;
    UPDATE postrider.endpoints e SET refusals = v_refusals, ask_at = clock_timestamp() + p_pause, state_reason = v_why WHERE e.id = p_id;
    RETURN 'verifying';
END
$f$;

CREATE FUNCTION postrider.pause_endpoint(name text, tenant text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id int := postrider.hold_endpoint(pause_endpoint.name, pause_endpoint.tenant);
BEGIN
    PERFORM postrider.hold_lane(v_id);
    -- A disabled endpoint stays disabled: that says more, and it is closed already.
    IF (SELECT e.state FROM postrider.endpoints e WHERE e.id = v_id) IN ('active', 'verifying') THEN
        PERFORM postrider.set_state(v_id, 'paused', 'paused by ' || session_user);
    END IF;
    UPDATE postrider.lanes l SET open_at = 'infinity' WHERE l.endpoint_id = v_id;
    PERFORM postrider.touch_endpoint(v_id);
    PERFORM postrider.note_act('pause', postrider.endpoint_words(pause_endpoint.name, pause_endpoint.tenant), 1, NULL);
END
$f$;

CREATE FUNCTION postrider.resume_endpoint(name text, tenant text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id int := postrider.hold_endpoint(resume_endpoint.name, resume_endpoint.tenant);
BEGIN
    PERFORM postrider.hold_lane(v_id);
    IF (SELECT e.verify <> 'none' AND e.verified_at IS NULL FROM postrider.endpoints e WHERE e.id = v_id) THEN
        -- To resume is not to agree in the receiver's name: it is asked, at once.
        PERFORM postrider.begin_verifying(v_id);
    ELSE
        PERFORM postrider.set_state(v_id, 'active', NULL);
        UPDATE postrider.lanes l SET open_at = '-infinity' WHERE l.endpoint_id = v_id;
        -- What was before says nothing of how it is doing now.
        PERFORM postrider.free_lane(v_id);
    END IF;
    UPDATE postrider.endpoint_marks m SET failing_since = NULL, warned = 0 WHERE m.endpoint_id = v_id;
    PERFORM postrider.touch_endpoint(v_id);
    PERFORM postrider.note_act('resume', postrider.endpoint_words(resume_endpoint.name, resume_endpoint.tenant), 1, NULL);
END
$f$;

-- By a worker, when an endpoint says that it wants no more, or has failed for too long. What is owed to it is held, and new events are
-- held too. p_quiet: publish nothing, since that it failed was seen by an event about the outbox itself. Returns whether it changed.
CREATE FUNCTION postrider.disable_endpoint(p_id int, p_reason text, p_quiet boolean DEFAULT false) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_changed boolean := false;
BEGIN
    PERFORM 1 FROM postrider.endpoints e WHERE e.id = p_id FOR NO KEY UPDATE;
    PERFORM postrider.hold_lane(p_id);
    IF (SELECT e.state FROM postrider.endpoints e WHERE e.id = p_id) IN ('active', 'verifying', 'paused') THEN
        v_changed := postrider.set_state(p_id, 'disabled', p_reason);
    END IF;
    UPDATE postrider.lanes l SET open_at = 'infinity' WHERE l.endpoint_id = p_id;
    PERFORM postrider.touch_endpoint(p_id);
    IF v_changed AND NOT p_quiet THEN
        PERFORM postrider.announce('postrider.endpoint.disabled', postrider.endpoint_news(p_id) || jsonb_build_object('why', p_reason));
    END IF;
    RETURN v_changed;
END
$f$;

-- A new secret signs from now on, first in the list; the old ones sign along until p_grace is over, so that receivers
-- can change at their leisure. Returns the new secret. Where v1a signs, its key is a new one too. With `tenant` only an endpoint of that tenant.
CREATE FUNCTION postrider.rotate_secret(
    name text, secret text DEFAULT NULL, grace interval DEFAULT '24 hours', tenant text DEFAULT NULL,
    signing_key text DEFAULT NULL,
    public_key text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id int;
    v_secret text := coalesce(rotate_secret.secret, postrider.new_secret());
    v_signature text[];
    v_stored text;
BEGIN
    PERFORM postrider.check_tenant(rotate_secret.tenant);
    v_id := postrider.hold_endpoint(rotate_secret.name, rotate_secret.tenant);
    v_signature := (SELECT e.signature FROM postrider.endpoints e WHERE e.id = v_id);
    v_stored := postrider.stored_secret(v_secret, v_signature);
    PERFORM postrider.check_signing_key(rotate_secret.signing_key, rotate_secret.public_key);
    IF rotate_secret.grace IS NULL THEN
        PERFORM postrider.refuse('grace', 'must not be NULL');
    END IF;
    PERFORM postrider.check_duration('grace', rotate_secret.grace, '0', '30 days');
    PERFORM postrider.hold_lane(v_id);
    IF (SELECT count(*) FROM postrider.endpoint_secrets s
        WHERE s.endpoint_id = v_id AND s.public_key IS NULL AND s.expires_at > now()) >= 8 THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            MESSAGE = 'this endpoint has 8 live secrets; wait until the oldest has expired';
    END IF;
    UPDATE postrider.endpoint_secrets s SET expires_at = least(s.expires_at, now() + rotate_secret.grace)
    WHERE s.endpoint_id = v_id;
    INSERT INTO postrider.endpoint_secrets (endpoint_id, secret) VALUES (v_id, v_stored);
    IF 'v1a' = ANY (v_signature) THEN
        PERFORM postrider.add_signing_key(v_id, rotate_secret.signing_key, rotate_secret.public_key);
    END IF;
    PERFORM postrider.touch_endpoint(v_id);
    PERFORM postrider.note_act('rotate-secret', postrider.endpoint_words(rotate_secret.name, rotate_secret.tenant), 1, NULL);
    RETURN v_secret;
END
$f$;

-- Puts sealed texts in the place of what they were made of, each only where that is what is stored still, and returns how many that
-- were. A kind is secret, with the number of the secret, or auth or client_key, with that of the endpoint. Workers need not hear of
-- it: what they opened is the same. Locks the endpoints by id, then the secrets by id.
CREATE FUNCTION postrider.reseal(kinds text[], ids int[], was text[], sealed text[]) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_count int := 0; v_part int;
BEGIN
    IF EXISTS (SELECT FROM unnest(kinds, sealed) AS u (kind, text) WHERE NOT coalesce(postrider.is_sealed(
            CASE WHEN u.kind = 'auth' THEN regexp_replace(u.text, '^(bearer|basic|oauth2):', '') ELSE u.text END, 131072), false)) THEN
        PERFORM postrider.refuse('sealed', 'must hold sealed texts');
    END IF;
    PERFORM 1 FROM postrider.endpoints e
    WHERE e.id IN (SELECT coalesce(s.endpoint_id, u.id) FROM unnest(kinds, ids) AS u (kind, id)
                   LEFT JOIN postrider.endpoint_secrets s ON u.kind = 'secret' AND s.id = u.id)
    ORDER BY e.id FOR NO KEY UPDATE;
    PERFORM 1 FROM postrider.endpoint_secrets s
    WHERE s.id IN (SELECT u.id FROM unnest(kinds, ids) AS u (kind, id) WHERE u.kind = 'secret') ORDER BY s.id FOR NO KEY UPDATE;
    UPDATE postrider.endpoint_secrets s SET secret = u.sealed
    FROM unnest(kinds, ids, was, sealed) AS u (kind, id, was, sealed)
    WHERE u.kind = 'secret' AND s.id = u.id AND s.secret = u.was;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE postrider.endpoints e SET auth = u.sealed
    FROM unnest(kinds, ids, was, sealed) AS u (kind, id, was, sealed)
    WHERE u.kind = 'auth' AND e.id = u.id AND e.auth = u.was;
    GET DIAGNOSTICS v_part = ROW_COUNT;
    v_count := v_count + v_part;
    UPDATE postrider.endpoints e SET client_key = u.sealed
    FROM unnest(kinds, ids, was, sealed) AS u (kind, id, was, sealed)
    WHERE u.kind = 'client_key' AND e.id = u.id AND e.client_key = u.was;
    GET DIAGNOSTICS v_part = ROW_COUNT;
    v_count := v_count + v_part;
    PERFORM postrider.note_act('reseal', 'secrets', v_count, NULL);
    RETURN v_count;
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
        SELECT g.event_id, g.event_at, g.endpoint_id, g.attempt - coalesce(g.unsent, 0), 'cancelled', p_reason FROM gone g)
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
    UPDATE postrider.deliveries d SET attempt_base = -1, cancelled_why = p_reason, cancelled_by = session_user
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

-- When the event of a number was published. p_created_at is needed only when several events have the number, after the
-- sequence was set back.
CREATE FUNCTION postrider.event_time(p_event bigint, p_created_at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_times timestamptz[] := ARRAY(
        SELECT o.created_at FROM postrider.outbox o
        WHERE o.id = p_event AND (p_created_at IS NULL OR o.created_at = p_created_at)
        LIMIT 2);
BEGIN
    IF cardinality(v_times) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no event %s', p_event);
    ELSIF cardinality(v_times) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'cardinality_violation', MESSAGE = format(
            'several events have the number %s: give created_at too', p_event);
    END IF;
    RETURN v_times[1];
END
$f$;

-- Cancels what is not yet delivered of an event; returns how many deliveries that were. What is in flight at this
-- moment may still arrive, but is not tried again. created_at is needed only when several events have the number.
CREATE FUNCTION postrider.cancel_event(event_id bigint, created_at timestamptz DEFAULT NULL, why text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_at timestamptz := postrider.event_time(cancel_event.event_id, cancel_event.created_at);
    v_count int := postrider.patiently(format(
        'SELECT postrider.cancel_locked(%L, %L, NULL, %L)', cancel_event.event_id, v_at,
        'cancelled by ' || session_user || coalesce(': ' || left(cancel_event.why, 1000), '')));
BEGIN
    PERFORM postrider.note_act('cancel', 'event ' || cancel_event.event_id, v_count, cancel_event.why);
    RETURN v_count;
END
$f$;

-- Removes an endpoint: its subscriptions end, what it is still owed is cancelled, its history stays. Returns how many
-- deliveries were cancelled.
CREATE FUNCTION postrider.remove_endpoint(name text, tenant text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_id int := postrider.hold_endpoint(remove_endpoint.name, remove_endpoint.tenant);
    v_count int := postrider.patiently(format(
        'SELECT postrider.cancel_locked(NULL, NULL, %L, %L)', v_id, 'the endpoint was removed by ' || session_user));
BEGIN
    DELETE FROM postrider.subscriptions s WHERE s.endpoint_id = v_id;
    PERFORM postrider.set_state(v_id, 'removed', 'removed by ' || session_user);
    UPDATE postrider.lanes l SET open_at = 'infinity' WHERE l.endpoint_id = v_id;
    DELETE FROM postrider.endpoint_secrets s WHERE s.endpoint_id = v_id;
    UPDATE postrider.endpoints e SET auth = 'none', client_certificate = NULL, client_key = NULL, ca = NULL WHERE e.id = v_id;
    PERFORM postrider.touch_endpoint(v_id);
    PERFORM postrider.note_act('remove', postrider.endpoint_words(remove_endpoint.name, remove_endpoint.tenant), v_count + 1, NULL);
    RETURN v_count;
END
$f$;

-- The most attempts that a dead letter may have behind it to be replayed. Attempts are counted in 16 bits, and a replay may add
-- 1,000 and a few whose leases were lost.
CREATE FUNCTION postrider.most_attempts_before_replay() RETURNS int
LANGUAGE sql IMMUTABLE
RETURN 31000;

-- Goes through the dead letters of a selection (NULL means any) from id p_first to p_last, in this order, and puts them back
-- into their lanes, with all their attempts before them and a fresh retry schedule; or, with p_to, into the lane of the endpoint
-- of that name, as deliveries that were never tried. Some stay, and are counted: those whose event has expired, unless
-- p_ignore_expiry; those with too many attempts behind them; with p_to `unfit` ones, whose event that endpoint has or had already, or
-- may not have, since it is another tenant's. Those of removed endpoints stay uncounted, unless p_to says where else they go.
-- Looks at p_count letters at most; next_id is where to go on, and NULL when there are no more.
CREATE FUNCTION postrider.replay_some(
    p_first bigint, p_last bigint, p_endpoint text, p_since timestamptz, p_until timestamptz, p_event_type text,
    p_ignore_expiry boolean, p_count int, p_to text DEFAULT NULL, p_preview boolean DEFAULT false, p_act bigint DEFAULT NULL,
    p_tenant text DEFAULT NULL, OUT replayed int, OUT expired int, OUT spent int, OUT unfit int, OUT next_id bigint, OUT act bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_to int := CASE WHEN p_to IS NOT NULL THEN postrider.endpoint_id(p_to, p_tenant) END;
    v_tenant text := (SELECT e.tenant FROM postrider.endpoints e WHERE e.id = v_to);
    v_ids bigint[];
BEGIN
    PERFORM postrider.check_one_tenant(p_endpoint, p_tenant);
    WITH chosen AS MATERIALIZED (
        SELECT x.id, x.event_id, x.event_at, x.attempts + coalesce(x.unsent, 0) > postrider.most_attempts_before_replay() AND v_to IS NULL AS is_spent,
               NOT p_ignore_expiry AND o.expires_at <= clock_timestamp() AS is_expired,
               v_to IS NOT NULL AND (o.tenant <> v_tenant OR x.endpoint_id <> v_to AND (
                   (SELECT true FROM postrider.dead k
                    WHERE k.event_id = x.event_id AND k.event_at = x.event_at AND k.endpoint_id = v_to LIMIT 1)
                   OR (SELECT true FROM postrider.attempts a
                       WHERE a.event_id = x.event_id AND a.event_at = x.event_at AND a.endpoint_id = v_to AND a.outcome = 0
                           AND a.started_at > x.event_at - interval '2 days' LIMIT 1)
                   OR (x.event_id, x.event_at) IN (
                       SELECT d.event_id, d.event_at FROM postrider.deliveries d WHERE d.endpoint_id = v_to))) AS is_unfit
        FROM postrider.dead x
        JOIN postrider.endpoints e ON e.id = x.endpoint_id
        JOIN postrider.outbox o ON o.created_at = x.event_at AND o.id = x.event_id
        WHERE (e.state <> 'removed' OR v_to IS NOT NULL) AND x.id BETWEEN p_first AND p_last
            AND (p_endpoint IS NULL OR e.name = p_endpoint) AND (p_tenant IS NULL OR e.tenant = p_tenant)
            AND (p_since IS NULL OR x.dead_at >= p_since)
            AND (p_until IS NULL OR x.dead_at < p_until)
            AND (p_event_type IS NULL OR postrider.type_matches(o.event_type, p_event_type))
        ORDER BY x.id LIMIT p_count
        -- Two operators at once replay each letter once.
        FOR UPDATE OF x SKIP LOCKED),
    judged AS (
        -- Of several letters of one event, which two endpoints lost, one is enough.
        SELECT c.id, c.is_spent, c.is_expired, c.is_unfit IS TRUE
                   OR v_to IS NOT NULL AND row_number() OVER (PARTITION BY c.event_id, c.event_at ORDER BY c.id) > 1 AS is_unfit
        FROM chosen c)
    SELECT array_agg(j.id) FILTER (WHERE NOT j.is_unfit AND NOT j.is_spent AND j.is_expired IS NOT TRUE),
           count(*) FILTER (WHERE j.is_expired AND NOT j.is_spent AND NOT j.is_unfit),
           count(*) FILTER (WHERE j.is_spent AND NOT j.is_unfit), count(*) FILTER (WHERE j.is_unfit),
           CASE WHEN count(*) = p_count THEN max(j.id) + 1 END
    INTO v_ids, expired, spent, unfit, next_id FROM judged j;
    IF p_preview THEN
        replayed := coalesce(cardinality(v_ids), 0);
        RETURN;
    END IF;
    WITH risen AS (DELETE FROM postrider.dead x WHERE x.id = ANY (v_ids) RETURNING x.*),
    -- What another endpoint gets, this one never got.
    moved AS (
        INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status, reason, last_http_status,
                                      last_error_code, last_attempt_at, closed_at)
        SELECT r.event_id, r.event_at, r.endpoint_id, r.attempts, 'dead', 'replayed to ' || p_to, r.last_http_status,
               r.last_error_code, r.last_attempt_at, r.dead_at
        FROM risen r WHERE v_to <> r.endpoint_id)
    INSERT INTO postrider.deliveries (id, due_at, event_id, event_at, endpoint_id, bytes, attempt, attempt_base, ordering_key,
                                      ignore_expiry, unsent) OVERRIDING SYSTEM VALUE
    -- With a key it takes its old place in it, and its number: before what was published later.
    SELECT CASE WHEN r.ordering_key IS NOT NULL AND coalesce(v_to, r.endpoint_id) = r.endpoint_id AND (
                    SELECT true FROM postrider.deliveries d
                    WHERE d.endpoint_id = r.endpoint_id AND d.ordering_key = r.ordering_key AND d.id = r.id LIMIT 1) IS NULL
                THEN r.id ELSE nextval('postrider.deliveries_id_seq') END,
           clock_timestamp(), r.event_id, r.event_at, coalesce(v_to, r.endpoint_id), r.bytes, n.attempts, n.attempts,
           r.ordering_key, nullif(p_ignore_expiry, false), n.unsent
    FROM risen r CROSS JOIN LATERAL (
        SELECT CASE WHEN v_to <> r.endpoint_id THEN 0 ELSE r.attempts + coalesce(r.unsent, 0) END AS attempts,
               CASE WHEN v_to <> r.endpoint_id THEN NULL ELSE r.unsent END AS unsent) n
    ORDER BY r.id;
    GET DIAGNOSTICS replayed = ROW_COUNT;
    act := postrider.note_act(
        'replay', coalesce(CASE WHEN p_first = p_last THEN 'dead letter ' || p_first END, postrider.endpoint_words(p_endpoint, p_tenant)),
        replayed, 'to ' || p_to, p_act);
END
$f$;

-- Says what a replay has left, as a notice.
CREATE FUNCTION postrider.say_left(p_expired bigint, p_spent bigint, p_unfit bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_expired > 0 THEN
        RAISE NOTICE 'left because the event has expired: % (ignore_expiry => true sends it all the same)', p_expired;
    END IF;
    IF p_spent > 0 THEN
        RAISE NOTICE 'left because it has more than % attempts behind it: %', postrider.most_attempts_before_replay(), p_spent;
    END IF;
    IF p_unfit > 0 THEN
        RAISE NOTICE 'left because that endpoint has its event already, or is of another tenant: %', p_unfit;
    END IF;
END
$f$;

-- Replays one dead letter, to its endpoint or to another, and returns 1; or 0, with a notice, when its event has expired and
-- ignore_expiry is not set, or when the other endpoint has its event already.
CREATE FUNCTION postrider.replay_dead_letter(
    id bigint, ignore_expiry boolean DEFAULT false, to_endpoint text DEFAULT NULL, tenant text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_done record; v_removed text;
    -- Another endpoint that gets it is of the same tenant.
    v_tenant text := (SELECT e.tenant FROM postrider.dead x JOIN postrider.endpoints e ON e.id = x.endpoint_id
                      WHERE x.id = replay_dead_letter.id);
BEGIN
    SELECT * INTO v_done FROM postrider.replay_some(
        replay_dead_letter.id, replay_dead_letter.id, NULL, NULL, NULL, NULL,
        coalesce(replay_dead_letter.ignore_expiry, false), 1, replay_dead_letter.to_endpoint,
        p_tenant => coalesce(replay_dead_letter.tenant, v_tenant));
    IF v_done.spent > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format(
            'dead letter %s has more than %s attempts behind it and cannot be replayed again; publish a new event',
            replay_dead_letter.id, postrider.most_attempts_before_replay());
    ELSIF v_done.replayed + v_done.expired + v_done.unfit = 0 THEN
        SELECT e.name INTO v_removed FROM postrider.dead x JOIN postrider.endpoints e ON e.id = x.endpoint_id
        WHERE x.id = replay_dead_letter.id AND e.state = 'removed';
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = CASE
            WHEN v_removed IS NOT NULL AND replay_dead_letter.to_endpoint IS NULL THEN format(
                'the endpoint %L of dead letter %s was removed: name another one that gets it', v_removed, replay_dead_letter.id)
            ELSE format('there is no dead letter %s whose event and endpoint still exist', replay_dead_letter.id) END;
    END IF;
    PERFORM postrider.say_left(v_done.expired, 0, v_done.unfit);
    RETURN v_done.replayed;
END
$f$;

-- Replays dead letters by what they are of; NULL means any. Oldest first, at most max_rows; returns how many. What it leaves
-- stays a dead letter, and a notice says how many those are. With to_endpoint they go to that endpoint, those of removed ones too.
CREATE FUNCTION postrider.replay_dead_letters(
    endpoint text DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    event_type text DEFAULT NULL, max_rows int DEFAULT 10000, ignore_expiry boolean DEFAULT false, to_endpoint text DEFAULT NULL,
    tenant text DEFAULT NULL)
RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_total int := 0; v_expired bigint := 0; v_spent bigint := 0; v_unfit bigint := 0; v_next bigint := 1; v_act bigint;
    v_done record;
BEGIN
    WHILE v_total < replay_dead_letters.max_rows AND v_next IS NOT NULL LOOP
        SELECT * INTO v_done FROM postrider.replay_some(
            v_next, 9223372036854775807, replay_dead_letters.endpoint, replay_dead_letters.since, replay_dead_letters.until,
            replay_dead_letters.event_type, coalesce(replay_dead_letters.ignore_expiry, false),
            least(replay_dead_letters.max_rows - v_total, 10000), replay_dead_letters.to_endpoint, false, v_act,
            replay_dead_letters.tenant);
        v_total := v_total + v_done.replayed;
        v_expired := v_expired + v_done.expired;
        v_spent := v_spent + v_done.spent;
        v_unfit := v_unfit + v_done.unfit;
        v_next := v_done.next_id;
        v_act := v_done.act;
    END LOOP;
    PERFORM postrider.say_left(v_expired, v_spent, v_unfit);
    RETURN v_total;
END
$f$;

-- Gives a dead letter up for good, with the reason on record. Its delivery stays `dead`.
CREATE FUNCTION postrider.discard_dead_letter(id bigint, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_lane int; v_key text;
BEGIN
    PERFORM postrider.check_why(discard_dead_letter.why);
    -- The lane first, since the key goes on.
    SELECT x.endpoint_id, x.ordering_key INTO v_lane, v_key FROM postrider.dead x WHERE x.id = discard_dead_letter.id;
    IF v_key IS NOT NULL THEN
        PERFORM postrider.hold_lane(v_lane);
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
    IF v_key IS NOT NULL THEN
        PERFORM postrider.promote(ARRAY[v_lane], ARRAY[v_key]);
    END IF;
    PERFORM postrider.note_act('discard', 'dead letter ' || discard_dead_letter.id, 1, discard_dead_letter.why);
END
$f$;
