/// What a metric is called and means: its `# HELP` line, and the buckets when it is a histogram.
package struct MetricDescription: Sendable {
    /// The full name in the exposition, with its unit and suffix: `postrider_attempt_duration_seconds`.
    package let name: String
    /// What it counts or measures, as a sentence for operators.
    package let help: String
    /// The upper bounds of the buckets of a histogram, ascending, without infinity.
    package let buckets: [Double]

    package init(name: String, help: String, buckets: [Double] = MetricDescription.durationBuckets) {
        self.name = name
        self.help = help
        self.buckets = buckets
    }

    /// Seconds: fine where healthy endpoints answer, coarse up to the longest timeouts.
    package static let durationBuckets: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60,
    ]
}

/// Every metric of Postrider. This file is where names come from; docs/metrics.md says the same for operators.
extension MetricDescription {
    static let claims = Self(
        name: "postrider_claims_total", help: "Claim statements that the database answered, with or without deliveries."
    )
    static let claimedDeliveries = Self(
        name: "postrider_claimed_deliveries_total", help: "Deliveries claimed, one for each attempt begun.")
    static let missedLanes = Self(
        name: "postrider_missed_lanes_total",
        help: "Endpoints with due deliveries that the looks had missed and the slow walk found. Must stay 0.")
    static let deliveries = Self(
        name: "postrider_deliveries_total", help: "Attempts ended, by what became of their delivery.")
    static let endpointChanges = Self(
        name: "postrider_endpoint_changes_total", help: "Endpoints that came to fail, to work again, or to be disabled."
    )
    static let attemptFailures = Self(
        name: "postrider_attempt_failures_total",
        help: "Attempts that failed, by error code; lost_lease: leases that ran out before their worker reported.")
    static let attemptDuration = Self(
        name: "postrider_attempt_duration_seconds",
        help: "How long one HTTP exchange took, from the start of the name lookup to the end of the answer.")
    package static let deliveryLag = Self(
        name: "postrider_delivery_lag_seconds",
        help: """
            Age of the oldest delivery that is due and not in flight; 0 when there is none. Absent when it has not been known \
            for 10 s. Alert on this one.
            """)
    static let heldBack = Self(
        name: "postrider_held_back_endpoints",
        help: "Endpoints that this process leaves to other workers, because it cannot work on them itself.")
    static let failures = Self(
        name: "postrider_failures_total", help: "Failures of what the worker asks of the database, by step.")
    package static let inFlight = Self(
        name: "postrider_in_flight", help: "Deliveries in flight in this process.")
    package static let inFlightBytes = Self(
        name: "postrider_in_flight_bytes", help: "Payload bytes held for deliveries in flight in this process.")
    static let maxInFlight = Self(
        name: "postrider_max_in_flight", help: "The most deliveries that may be in flight at once in this process.")
    static let suspectLanes = Self(
        name: "postrider_suspect_lanes",
        help:
            "Endpoints whose last attempt failed or was slow, or that are silent. Together they get a quarter of what may be in flight."
    )
    static let settles = Self(
        name: "postrider_settles_total", help: "Settle statements committed.")
    static let staleSettles = Self(
        name: "postrider_stale_settles_total",
        help: "Outcomes that came after their lease was lost. Each may mean that an event was sent twice.")
    package static let unrecordedOutcomes = Self(
        name: "postrider_unrecorded_outcomes",
        help: "Outcomes that this process keeps until the database has recorded them.")
    static let lostOutcomes = Self(
        name: "postrider_lost_outcomes_total",
        help: "Outcomes given up because the process had to end or the database refused them. Each event is sent again."
    )
    static let deadLetters = Self(
        name: "postrider_dead_letters_total", help: "Deliveries that became dead letters.")
    // Found by a survey every 15 s, or more rarely where it takes long. Of all endpoints.
    package static let endpoints = Self(
        name: "postrider_endpoints", help: "Endpoints by state, in the whole database.")
    package static let failingEndpoints = Self(
        name: "postrider_failing_endpoints",
        help: "Active endpoints that have failed for a minute or longer without a success.")
    package static let worstEndpoints = Self(
        name: "postrider_worst_endpoints_failing_seconds",
        help: "For how long endpoints have failed without a success: the five that have for longest.")
    package static let lateEndpoints = Self(
        name: "postrider_late_endpoints",
        help: "Active endpoints with a delivery that has been due for a minute or longer.")
    package static let owedDeliveries = Self(
        name: "postrider_owed_deliveries",
        help: """
            Deliveries that have not ended, by status, in the whole database. Each endpoint is counted up to a limit, see \
            postrider_counts_capped.
            """)
    package static let countsCapped = Self(
        name: "postrider_counts_capped",
        help:
            "1 while some endpoint has more deliveries or dead letters than are counted of it, so that sums mean at least."
    )
    package static let blockedKeys = Self(
        name: "postrider_blocked_keys",
        help: "Ordering keys of which events have waited behind a failed one for a minute or longer.")
    package static let oldestBlocked = Self(
        name: "postrider_oldest_blocked_seconds",
        help: "Age of the oldest event that waits behind a failed one of its ordering key.")
    package static let longestFailure = Self(
        name: "postrider_longest_failing_seconds",
        help: "For how long the endpoint has failed without a success that has for longest; 0 when none fails.")
    package static let longestPause = Self(
        name: "postrider_longest_pause_seconds",
        help: "For how long the endpoint has been paused that has been for longest.")
    package static let deadLettersKept = Self(
        name: "postrider_dead_letters_kept",
        help: "Dead letters that wait for an operator. Each endpoint is counted up to a limit.")
    package static let inboxRows = Self(
        name: "postrider_inbox_rows",
        help:
            "What was received and is not processed, by status, in the whole database. Each source is counted up to 10,000."
    )
    package static let oldestInboxRow = Self(
        name: "postrider_oldest_inbox_row_seconds",
        help: "For how long the row of the inbox has been due that has been longest; 0 when none is.")
    package static let expectations = Self(
        name: "postrider_expectations",
        help: "Callbacks that are waited for, asked for, or missed, by state. Each state is counted up to 10,000.")
    package static let failingDuties = Self(
        name: "postrider_failing_duties",
        help: "Duties of housekeeping that fail again and again, or have not been done for long.")
    package static let surveyAge = Self(
        name: "postrider_survey_age_seconds", help: "How long ago the gauges of the whole database were counted.")
    package static let lookAge = Self(
        name: "postrider_look_age_seconds", help: "How long ago the database last said what is due.")
    static let dutyFailures = Self(
        name: "postrider_duty_failures_total", help: "Duties of housekeeping that failed in this process, by duty.")
    package static let databaseReconnects = Self(
        name: "postrider_database_reconnects_total", help: "Database connections made again after one was lost.")
    package static let unready = Self(
        name: "postrider_unready", help: "1 while the reason keeps this process from being ready, otherwise 0.")
    package static let logLinesDropped = Self(
        name: "postrider_log_lines_dropped_total",
        help: "Log lines dropped because standard error was not read in time.")
    package static let buildInfo = Self(
        name: "postrider_build_info", help: "Always 1; the version is in the label.")

    /// All of the above, for a registry.
    package static let postrider: [Self] = [
        claims, claimedDeliveries, missedLanes, deliveries, endpointChanges, attemptFailures, attemptDuration,
        deliveryLag, heldBack,
        failures, inFlight, inFlightBytes, maxInFlight, suspectLanes, settles, staleSettles, unrecordedOutcomes,
        lostOutcomes,
        deadLetters, dutyFailures, databaseReconnects, unready, logLinesDropped, buildInfo, endpoints, failingEndpoints,
        worstEndpoints, lateEndpoints, owedDeliveries, countsCapped, blockedKeys, oldestBlocked, longestFailure,
        longestPause,
        deadLettersKept, failingDuties, surveyAge, lookAge,
        inboxRows, oldestInboxRow,
        expectations,
    ]
}
