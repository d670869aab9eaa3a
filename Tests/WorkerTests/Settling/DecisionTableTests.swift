import Outbox
import Testing

@testable import Courier
@testable import OutboxStore
@testable import Worker

/// What becomes of a delivery, seen from outside: what goes into the worker, and what it records. At most 3 attempts, waits of
/// 1 s and 2 s.
@Suite struct DecisionTableTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let what: Cause
        var attempt: Int16 = 1
        var expiresIn: Duration?
        var random = 0.5
        let expected: String

        init(
            _ what: Cause, attempt: Int16 = 1, expiresIn: Duration? = nil, random: Double = 0.5, _ expected: String
        ) {
            self.what = what
            self.attempt = attempt
            self.expiresIn = expiresIn
            self.random = random
            self.expected = expected
        }

        var testDescription: String { "\(what), attempt \(attempt): \(expected)" }
    }

    enum Cause: Sendable {
        case result(CourierOutcome)
        case endpoint(EndpointRecord)
        case noEndpoint
        case noEvent
        case cancelled
        /// What a filter or a transform said.
        case shaped(DeliveryObservation)

        static func status(_ status: Int, retryAfter: String...) -> Self {
            .result(.answered(CourierAnswer(status: status, retryAfter: retryAfter)))
        }

        static func failed(_ code: ErrorCode) -> Self { .result(.failed(code, detail: "why")) }
    }

    static let answers = [
        Row(.status(200), "delivered 200"), Row(.status(299), attempt: 3, "delivered 299"),
        Row(.status(204, retryAfter: "120"), expiresIn: .zero, "delivered 204"),
        Row(.status(301), "retry 1.0 redirect 301 'the endpoint answered 301'"),
        Row(.status(404), "retry 1.0 http_status 404 'the endpoint answered 404'"),
        Row(.status(500), attempt: 2, "retry 2.0 http_status 500 'the endpoint answered 500'"),
        Row(.status(500), attempt: 3, "dead attempts_exhausted http_status 500 'the endpoint answered 500'"),
        Row(.status(500), attempt: 4, "dead attempts_exhausted http_status 500 'the endpoint answered 500'"),
        Row(.status(500), random: 0, "retry 0.8 http_status 500 'the endpoint answered 500'"),
        Row(.status(500), random: 1, "retry 1.2 http_status 500 'the endpoint answered 500'"),
        Row(.status(410), "gone http_status 410 'the endpoint answered 410'"),
        Row(.status(410), attempt: 3, expiresIn: .zero, "gone http_status 410 'the endpoint answered 410'"),
        Row(.status(0), "retry 1.0 protocol_error 'the endpoint answered 0'"),
        Row(.status(1000), "retry 1.0 protocol_error 'the endpoint answered 1000'"),
        Row(.status(503, retryAfter: "120"), "retry 120.0 http_status 503 'the endpoint answered 503'"),
        Row(.status(503, retryAfter: "7", "9"), "retry 9.0 http_status 503 'the endpoint answered 503'"),
        Row(.status(503, retryAfter: "0"), "retry 1.0 http_status 503 'the endpoint answered 503'"),
        Row(.status(302, retryAfter: "999999999"), "retry 86400.0 redirect 302 'the endpoint answered 302'"),
        Row(
            .status(503, retryAfter: "120"), attempt: 3,
            "dead attempts_exhausted http_status 503 'the endpoint answered 503'"),
        Row(
            .status(503, retryAfter: "120"), expiresIn: .seconds(30),
            "retry 30.0 http_status 503 'the endpoint answered 503'"),
        Row(
            .status(500), expiresIn: .milliseconds(300), "retry 0.3 http_status 500 'the endpoint answered 500'"),
        Row(.status(500), expiresIn: .seconds(-3), "retry 0.0 http_status 500 'the endpoint answered 500'"),
    ]

    /// After these no later attempt can end otherwise.
    private static let final: [ErrorCode] = [
        .invalidURL, .invalidHeaders, .invalidEndpoint, .invalidEvent, .eventMissing,
    ]

    static let failures =
        ErrorCode.allCases.filter { !final.contains($0) && $0 != .proxyError }.flatMap { code in
            [
                Row(.failed(code), "retry 1.0 \(code.rawValue) 'why'"),
                Row(.failed(code), attempt: 3, "dead attempts_exhausted \(code.rawValue) 'why'"),
            ]
        } + [
            Row(.failed(.invalidURL), "dead invalid_url invalid_url 'why'"),
            Row(.failed(.proxyError), attempt: 3, "released 'why'"),
            Row(.failed(.invalidURL), attempt: 3, "dead invalid_url invalid_url 'why'"),
            Row(.failed(.invalidEvent), "dead invalid_event invalid_event 'why'"),
            Row(.failed(.eventMissing), "dead event_missing event_missing 'why'"),
            Row(.failed(.timeout), expiresIn: .seconds(1), "retry 1.0 timeout 'why'"),
            Row(.failed(.timeout), expiresIn: .milliseconds(300), "retry 0.3 timeout 'why'"),
        ]

    static let stops = [
        Row(.result(.interrupted), "retry 0.0 internal_error 'the worker was stopped before the answer was in'"),
        Row(
            .result(.interrupted), attempt: 2, expiresIn: .seconds(-1), random: 0,
            "retry 0.0 internal_error 'the worker was stopped before the answer was in'"),
        Row(
            .result(.interrupted), attempt: 3,
            "dead attempts_exhausted internal_error 'the worker was stopped before the answer was in'"),
        Row(.result(.notSent(.tooLate)), "released"), Row(.result(.notSent(.cancelled)), attempt: 3, "released"),
    ]

    private static let metadata = "https://169.254.169.254/latest/"
    private static let blocked =
        "169.254.169.254 lies in a blocked network (link_local); POSTRIDER_ALLOWED_NETWORKS can allow its network"
    private static let short = "a signing secret has 24 to 64 bytes, not 0"

    static let unsent = [
        Row(.endpoint(Samples.record(url: metadata)), "dead blocked_address blocked_address '\(blocked)'"),
        Row(
            .endpoint(Samples.record(url: "https://metadata.google.internal/")), attempt: 2,
            "dead blocked_address blocked_address 'metadata.google.internal is a cloud's metadata service'"),
        Row(
            .endpoint(Samples.record(url: "https://example.com:22/")), attempt: 3,
            "dead invalid_url invalid_url 'port 22 is not allowed: below 1024 only 80 and 443 are'"),
        Row(
            .endpoint(Samples.record(headers: ["no colon"])),
            "dead invalid_headers invalid_headers "
                + "'headers of the endpoint: a header is written like 'Name: value'; there is no colon'"),
        Row(
            .endpoint(Samples.record(format: "protobuf")), attempt: 2,
            "dead invalid_endpoint invalid_endpoint 'payload_format is not one that this version knows'"),
        Row(
            .endpoint(Samples.record(maxAttempts: 0)), attempt: 9, expiresIn: .zero,
            "dead invalid_endpoint invalid_endpoint '0 attempts are not between 1 and 1000'"),
        // What another worker may be able to send is no attempt.
        Row(.endpoint(Samples.record(secrets: ["sealed:v1:k1:AA"])), "released"),
        Row(.endpoint(Samples.record(secrets: ["sealed:v1:k1:AA"])), attempt: 3, "released"),
        Row(.endpoint(Samples.record(url: "http://example.com/")), "released"),
        Row(.endpoint(Samples.record(url: "http://example.com/")), attempt: 3, "released"),
        // A forbidden address that another worker may be allowed to dial is tried again.
        Row(
            .endpoint(Samples.record(url: "https://10.0.0.1/")),
            "retry 1.0 blocked_address '10.0.0.1 lies in a blocked network (private); "
                + "POSTRIDER_ALLOWED_NETWORKS can allow its network'"),
        Row(
            .endpoint(Samples.record(url: "https://localhost/")), attempt: 2,
            "retry 2.0 blocked_address 'localhost means this machine; "
                + "POSTRIDER_ALLOWED_NETWORKS=127.0.0.0/8 allows it when developing'"),
        Row(
            .endpoint(Samples.record(url: "https://127.0.0.1/")), attempt: 3,
            "dead attempts_exhausted blocked_address '127.0.0.1 lies in a blocked network (loopback); "
                + "POSTRIDER_ALLOWED_NETWORKS can allow its network'"),
        Row(
            .endpoint(Samples.record()), attempt: .max,
            "dead attempts_exhausted internal_error "
                + "'the delivery has used up its attempt numbers; publish the event again'"),
        Row(.endpoint(Samples.record(secrets: ["whsec_"])), "retry 1.0 secret_unavailable '\(short)'"),
        Row(
            .endpoint(Samples.record(secrets: ["whsec_"])), attempt: 2, expiresIn: .milliseconds(1),
            "retry 2.0 secret_unavailable '\(short)'"),
        Row(
            .endpoint(Samples.record(secrets: ["whsec_"])), attempt: 3,
            "dead attempts_exhausted secret_unavailable '\(short)'"),
        Row(
            .endpoint(Samples.record(secrets: [])),
            "retry 1.0 secret_unavailable 'there is no secret to sign with'"),
        Row(.noEvent, "dead event_missing event_missing 'the event is gone'"),
        Row(.noEvent, attempt: 3, "dead event_missing event_missing 'the event is gone'"),
        Row(.noEndpoint, "released"), Row(.noEndpoint, attempt: 9, "released"),
        Row(.cancelled, attempt: 2, "released"), Row(.cancelled, attempt: 9, expiresIn: .zero, "released"),
        Row(.endpoint(Samples.record()), expiresIn: .zero, "expired 'expires_at had passed'"),
        Row(.endpoint(Samples.record(url: "")), attempt: 3, expiresIn: .zero, "expired 'expires_at had passed'"),
    ]

    static let shaped = [
        Row(.shaped(.filtered("the filter is not true")), "filtered the filter is not true"),
        Row(.shaped(.filtered("no")), attempt: 3, "filtered no"),
        Row(.shaped(.filtered("no")), attempt: 4, "spent"),
        Row(.shaped(.filtered("no")), expiresIn: .zero, "expired 'expires_at had passed'"),
        Row(.shaped(.failed(.transformError, detail: "why")), "retry 1.0 transform_error 'why'"),
        Row(
            .shaped(.failed(.filterError, detail: "why")), attempt: 3,
            "dead attempts_exhausted filter_error 'why'"),
    ]

    /// The workers of the last attempts never reported; and an address that is refused at the last attempt.
    static let lastOnes = [
        Row(
            .endpoint(Samples.record()), attempt: 4, "spent"),
        Row(
            .endpoint(Samples.record(url: "")), attempt: 9, expiresIn: .zero, "spent"),
        Row(
            .noEvent, attempt: 4, "spent"),
        Row(
            .endpoint(Samples.record(url: metadata)), attempt: 3,
            "dead blocked_address blocked_address '\(blocked)'"),
    ]

    @Test(arguments: answers + failures + stops + unsent + shaped + lastOnes)
    func becomes(_ row: Row) throws {
        let settlement =
            switch row.what {
            case .result(let outcome): try read(outcome, row)
            case .endpoint(let record): build(row, endpoint: record)
            case .noEndpoint: build(row, endpoint: nil)
            case .noEvent: build(row, events: [])
            case .cancelled: build(row, base: -1)
            case .shaped(let seen): build(row, seen: [Samples.delivery().eventKey: seen])
            }
        #expect(try Self.text(#require(settlement)) == row.expected)
    }

    private func read(_ outcome: CourierOutcome, _ row: Row) throws -> Settlement {
        let endpoint = Samples.endpoint()
        let now = ContinuousClock.now
        let outgoing = OutgoingDelivery(
            Samples.delivery(attempt: row.attempt), to: endpoint, settings: try endpoint.settings.get(),
            event: try EventHeaders(Samples.event()), body: RequestBody([]), mustStartBefore: now,
            expiresAt: row.expiresIn.map { now + $0 })
        let result = CourierResult(request: outgoing, startedAt: now, outcome: outcome)
        var texts = AddressText()
        return OutcomeReader().read(
            result, of: outgoing, now: now, wallClock: 1_000_000, random: row.random, texts: &texts)
    }

    private func build(
        _ row: Row, endpoint: EndpointRecord? = Samples.record(), events: [StoredEvent]? = nil, base: Int16 = 0,
        seen: [EventKey: DeliveryObservation] = [:]
    ) -> Settlement? {
        let built = DeliveryBuilder(leaseSlack: .seconds(15)).build(
            [Samples.delivery(attempt: row.attempt, base: base)],
            events: events ?? [Samples.event(expiresIn: row.expiresIn)], seen: seen,
            endpoints: endpoint.map { Samples.cache(Samples.endpoint($0)) } ?? EndpointCache(),
            claimRequestedAt: .now, now: .now, wallClock: 1_000_000)
        return built.requests.isEmpty && built.settled.count == 1 ? built.settled[0] : nil
    }

    /// What is recorded, in a line: outcome, wait in seconds, reason, error code, status, and the error in words.
    private static func text(_ settlement: Settlement) -> String {
        let outcome =
            switch settlement.outcome {
            case .delivered: "delivered"
            case .retry(let wait): "retry \(wait / .seconds(1))"
            case .dead(let reason): "dead \(reason.rawValue)"
            case .gone: "gone"
            case .disabled: "disabled"
            case .expired: "expired"
            case .filtered(let why): "filtered \(why)"
            case .released: "released"
            case .spent: "spent"
            }
        let words = settlement.error ?? (settlement.outcome == .expired ? settlement.outcome.reason : nil)
        let parts = [
            outcome, settlement.errorCode?.rawValue, settlement.httpStatus.map { "\($0)" }, words.map { "'\($0)'" },
        ]
        return parts.compactMap { $0 }.joined(separator: " ")
    }
}
