-- 0007 roles: who may do what. Grant one of them to the login role of each program and person.
--
-- Locks:        none that last.
-- Old workers:  may keep running.
--
-- Roles belong to the whole cluster, so another database's installation may have made them already.

SET LOCAL search_path = pg_catalog, pg_temp;

DO $make$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['postrider_producer', 'postrider_worker', 'postrider_operator',
                                   'postrider_registrar'] LOOP
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

-- Nothing for the role PUBLIC.
REVOKE ALL ON SCHEMA postrider FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA postrider FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA postrider FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA postrider FROM PUBLIC;
GRANT USAGE ON SCHEMA postrider TO postrider_producer, postrider_worker, postrider_operator, postrider_registrar;

-- A producer inserts, column by column, and publishes. It cannot read, and cannot forge id or created_at.
GRANT INSERT (event_type, payload, body, content_type, ordering_key, idempotency_key, endpoint, tenant, headers,
              deliver_after, expires_at, traceparent)
    ON postrider.outbox TO postrider_producer;
GRANT EXECUTE ON FUNCTION
    postrider.publish(text, json, bytea, text, text, text, text, text, jsonb, timestamptz, timestamptz, text),
    postrider.publish(text, jsonb, bytea, text, text, text, text, text, jsonb, timestamptz, timestamptz, text),
    postrider.publish(text, text, bytea, text, text, text, text, text, jsonb, timestamptz, timestamptz, text),
    postrider.event_state(bigint, text), postrider.event_ended_at(bigint, text)
TO postrider_producer;

-- A worker reads events and endpoints, works on deliveries and writes history; it cannot change an event or an endpoint.
GRANT SELECT ON postrider.outbox, postrider.endpoints, postrider.endpoint_urls, postrider.endpoint_secrets,
    postrider.subscriptions, postrider.lanes, postrider.endpoint_marks, postrider.deliveries, postrider.attempts,
    postrider.dead, postrider.closed, postrider.workers, postrider.settings, postrider.duties, postrider.schema_migrations,
    postrider.endpoint_settings, postrider.worker_names TO postrider_worker;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA postrider TO postrider_worker;
GRANT UPDATE (due_at, changed_in, lease_until, lease_by, attempt, attempt_base, unsent), DELETE ON postrider.deliveries TO postrider_worker;
GRANT UPDATE (leased, lapse_at, tokens, tokens_at) ON postrider.lanes TO postrider_worker;
GRANT UPDATE (consecutive_failures, strikes, warned, failing_since, last_success_at, last_failure_at, last_http_status, last_error_code, last_error)
    ON postrider.endpoint_marks TO postrider_worker;
GRANT INSERT ON postrider.attempts, postrider.dead, postrider.closed, postrider.workers, postrider.worker_names TO postrider_worker;
GRANT UPDATE (seen_at, in_flight, draining, held_back, held_back_why, failing, failures, failing_since, last_error, keeps_until,
              made_a_minute, ended_a_minute, settings, clock_ahead),
    DELETE ON postrider.workers TO postrider_worker;
GRANT EXECUTE ON FUNCTION
    postrider.daily_partitions(), postrider.installation(), postrider.webhook_id(timestamptz, bigint), postrider.patterns_matching(text),
    postrider.look(pg_snapshot, int), postrider.look_waiting(pg_snapshot, int, interval),
    postrider.walk(int, int, int), postrider.tokens(real, real, timestamptz, timestamptz),
    postrider.supersede(int[], int[], timestamptz[], int[], timestamptz),
    postrider.claim(int, int[], timestamptz[], int[], int, bigint, interval, timestamptz),
    postrider.leases(int, int[], timestamptz[]), postrider.hold_endpoints(int[], boolean), postrider.promote(int[], text[]),
    -- Without its arguments, which are many.
    postrider.settle, postrider.judge_lanes, postrider.judge_endpoints, postrider.tired_endpoints, postrider.announce_dead, postrider.park_keys,
    postrider.count_lanes(int[], int), postrider.census(int),
    postrider.forget_unreported(int, bigint[], timestamptz[], int[], smallint[]), postrider.unreported(),
    postrider.disable_endpoint(int, text, boolean),
    postrider.take_verifications(int), postrider.end_verification(int, int, text, real, boolean, interval),
    postrider.take_duty(text), postrider.note_duty_error(text, text),
    postrider.is_due(timestamptz, interval, int), postrider.duty_every(text, interval), postrider.duty_rest(interval, int),
    postrider.keep_partitions(),
    postrider.keep_retention(), postrider.keep_idempotency(), postrider.keep_strays(), postrider.keep_repaired(),
    postrider.keep_all_repaired(), postrider.keep_subscriptions(),
    postrider.keep_leases(), postrider.keep_keys(), postrider.keep_workers(), postrider.keep_backlog()
TO postrider_worker;

-- An operator reads everything but secrets (endpoint_secrets, and the headers, auth and client_key of endpoints), and
-- acts through functions, each of which records who did it.
GRANT SELECT ON postrider.event_deliveries, postrider.attempt_log, postrider.dead_letters, postrider.endpoint_health,
    postrider.unaccounted, postrider.endpoint_settings, postrider.endpoint_changes, postrider.state_changes, postrider.worker_list, postrider.outbox, postrider.deliveries,
    postrider.attempts, postrider.dead, postrider.closed, postrider.lanes, postrider.subscriptions,
    postrider.endpoint_urls, postrider.endpoint_marks, postrider.workers, postrider.settings, postrider.duties,
    postrider.idempotency_keys, postrider.worker_names, postrider.schema_migrations TO postrider_operator;
GRANT SELECT (id, name, tenant, url_id, state, state_reason, state_at, payload_format, retry_schedule, max_attempts, created_at,
              updated_at, signature, method, text,
              permanent_status, ordering_failure, disable_after, max_in_flight,
              filter,
              transform,
              description,
              verify, verified_at, ask_at, refusals, origin, rate_limit, allowed_rate) ON postrider.endpoints TO postrider_operator;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA postrider TO postrider_operator;
GRANT EXECUTE ON FUNCTION
    postrider.daily_partitions(), postrider.installation(), postrider.webhook_id(timestamptz, bigint), postrider.patterns_matching(text),
    postrider.register_endpoint, postrider.update_endpoint, postrider.has_headers(text, text[], text),
    postrider.hold_endpoints(int[], boolean),
    postrider.pause_endpoint(text, text), postrider.resume_endpoint(text, text), postrider.remove_endpoint(text, text),
    postrider.rotate_secret, postrider.reseal(text[], int[], text[], text[]), postrider.cancel_event(bigint, timestamptz, text),
    postrider.event_state(bigint, text), postrider.event_ended_at(bigint, text), postrider.unaccounted_between(timestamptz, timestamptz),
    postrider.replay_dead_letter(bigint, boolean, text, text),
    postrider.replay_dead_letters(text, timestamptz, timestamptz, text, int, boolean, text, text),
    postrider.replay_some(bigint, bigint, text, timestamptz, timestamptz, text, boolean, int, text, boolean, bigint, text),
    postrider.discard_dead_letter(bigint, text), postrider.standard_duties(), postrider.count_lanes(int[], int),
    postrider.census(int),
    postrider.is_held(timestamptz)
TO postrider_operator;

-- An application that lets customers enter URLs registers, changes and rotates endpoints, each time naming the tenant that they
-- belong to, and reads nothing.
GRANT EXECUTE ON FUNCTION
    postrider.register_endpoint, postrider.update_endpoint,
    postrider.rotate_secret
TO postrider_registrar;
