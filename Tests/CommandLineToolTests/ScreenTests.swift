import ArgumentParser
import Postgres
import TestSupport
import Testing

@testable import CommandLineTool
@testable import OutboxStore

/// Screens as a person meets them: with nothing, with a thousand rows, with names that ask for trouble.
@Suite struct ScreenTests {
    private static let widths = [80, 160]

    private static func endpoint(_ number: Int, name: String? = nil) -> EndpointOverview {
        EndpointOverview(
            name: name ?? "customer-\(number)", tenant: "", url: "https://hooks.customer-\(number).example/postrider",
            state: number % 7 == 3 ? "paused" : "active", stateReason: number % 7 == 3 ? "asked for by them" : nil,
            eventTypes: number % 2 == 0 ? ["*"] : ["order.*", "invoice.paid"], pending: Int64(number % 11),
            inFlight: Int64(number % 3), retrying: Int64(number % 5), held: number % 7 == 3 ? 12 : 0,
            deadLetters: Int64(number % 13 == 0 ? number : 0),
            oldestDueAge: number % 4 == 1 ? .milliseconds(1500 * number) : nil,
            consecutiveFailures: number == 6 ? 9 : 0, failingFor: number == 6 ? .seconds(9300) : nil,
            lastSuccessAt: nil, lastFailureAt: nil, lastHTTPStatus: number == 6 ? 401 : nil,
            lastErrorCode: number == 6 ? "http_status" : nil, lastError: number == 6 ? "bad signature" : nil,
            isCapped: number == 5)
    }

    private static let strange = [
        endpoint(1, name: String(repeating: "a-very-long-name-", count: 12).prefix(200).description),
        endpoint(2, name: "支払い 🙂 café"), endpoint(3, name: "evil\u{1b}[2J\nname"),
    ]

    private static func rows(_ endpoints: [EndpointOverview]) -> [CensusRow] {
        var census = Census()
        for endpoint in endpoints {
            census.endpoints += 1
            census.active += endpoint.state == "active" ? 1 : 0
            census.paused += endpoint.state == "paused" ? 1 : 0
            census.failing += endpoint.failingFor == nil ? 0 : 1
            census.forgotten += endpoint.held > 0 ? 1 : 0
            census.pending += endpoint.pending
            census.inFlight += endpoint.inFlight
            census.retrying += endpoint.retrying
            census.held += endpoint.held
            census.deadLetters += endpoint.deadLetters
            census.isCapped = census.isCapped || endpoint.isCapped
            if let age = endpoint.oldestDueAge, age > Census.patience {
                census.late += 1
                census.lateDeliveries += endpoint.pending + endpoint.retrying
                census.oldestDueAge = max(census.oldestDueAge ?? .zero, age)
            }
        }
        return endpoints.map { endpoint in
            let trouble: CensusRow.Trouble? =
                endpoint.failingFor != nil
                ? .failing
                : (endpoint.oldestDueAge ?? .zero) > Census.patience
                    ? .late : endpoint.deadLetters > 0 ? .dead : endpoint.held > 0 ? .paused : nil
            return CensusRow(census: census, endpoint: endpoint, trouble: trouble)
        }
        .sorted {
            ($0.trouble?.rawValue ?? 7, $1.endpoint.deadLetters, $0.endpoint.name)
                < ($1.trouble?.rawValue ?? 7, $0.endpoint.deadLetters, $1.endpoint.name)
        }
    }

    private static func snapshot(_ endpoints: [EndpointOverview]) -> StatusSnapshot {
        let worker = WorkerOverview(
            id: 1, name: "worker-7d9f8b6c4d-x2x9k:1", version: "0.1.0", startedAt: .infinity, silence: .seconds(2),
            inFlight: 3, isDraining: false, isAlive: true, madeAMinute: 1200, endedAMinute: 1500)
        let rows = rows(endpoints)
        return StatusSnapshot(
            events: .init(events: 100, lastHour: 42), census: rows.first?.census ?? Census(), endpoints: rows,
            workers: [worker], duties: [], schemaVersion: Migration.newest)
    }

    @Test(arguments: widths) func statusOfNothing(_ width: Int) throws {
        try Screen(name: "status-nothing", width: width).expect {
            try StatusScreen(snapshot: Self.snapshot([])).show(on: $0)
        }
    }

    @Test(arguments: widths) func statusOfAThousand(_ width: Int) throws {
        try Screen(name: "status-thousand", width: width).expect {
            try StatusScreen(snapshot: Self.snapshot((1...1000).map { Self.endpoint($0) })).show(on: $0)
        }
    }

    @Test(arguments: widths) func statusOfStrangeNames(_ width: Int) throws {
        try Screen(name: "status-strange", width: width).expect {
            try StatusScreen(snapshot: Self.snapshot(Self.strange)).show(on: $0)
        }
    }

    private static func letter(_ number: Int) -> DeadLetter {
        let type = number == 2 ? String(repeating: "segment.", count: 15) + "end" : "order.paid"
        return DeadLetter(
            id: Int64(10_000 - number), event: Int64(90_000 - number), webhookID: "evt_1", eventType: type, tenant: "",
            endpoint: strange[number % 3].name, attempts: 10, reason: "attempts_exhausted", lastHTTPStatus: 503,
            lastErrorCode: "http_status", lastError: "the endpoint answered 503", createdAt: .infinity,
            deadAt: .infinity, age: .seconds(number * 61))
    }

    @Test(arguments: widths) func deadLetters(_ width: Int) throws {
        let letters: [DeadLetter] = (1...1000).map { Self.letter($0) }
        try Screen(name: "dead-letters", width: width).expect { $0.table(.deadLetters(letters)) }
    }

    @Test(arguments: widths) func doctor(_ width: Int) throws {
        let findings: [Finding] = [
            .ok("configuration", "https only; public addresses only; new secrets are stored as they are"),
            .warning("workers", "no worker is running", "postrider worker"),
            .failure(
                "triggers",
                "outbox_3_fan_out is disabled on postrider.outbox, so new events are not processed correctly",
                "ALTER TABLE postrider.outbox ENABLE TRIGGER outbox_3_fan_out;"),
            .failure(
                "hosts", "例え.jp (endpoint \(Self.strange[0].name)) cannot be resolved: the name has no address",
                "postrider endpoint update a --url URL, or fix the name server"),
        ]
        try Screen(name: "doctor", width: width).expect { try DoctorCommand.parse([]).show(findings, $0) }
    }

    @Test(arguments: widths) func timeline(_ width: Int) throws {
        let attempt = AttemptRecord(
            endpoint: Self.strange[0].name, attempt: 3, startedAt: PostgresTimestamp(unixMicroseconds: 61_500_000),
            duration: .milliseconds(30), outcome: "retry", httpStatus: 503, errorCode: "http_status",
            error: "the endpoint answered 503",
            responseBody: "busy 🙂 " + String(repeating: "支払い", count: 40) + "\u{1b}[2J",
            requestURL: "https://a.example/", remoteAddress: "203.0.113.7",
            timings: Array(#"{"name_lookup_ms": 1.2, "connect_ms": 3.4, "tls_ms": 9.8, "first_byte_ms": 15.1}"#.utf8),
            worker: 7)
        let timeline = Timeline(since: PostgresTimestamp(unixMicroseconds: 1_000_000), width: width)
        try Screen(name: "timeline", width: width).expect {
            $0.lines(timeline.beginning("published 1970-01-01T00:00:01.000000Z, 2d ago; it matched 支払い 🙂 café"))
            $0.lines(timeline.lines(attempt))
        }
    }
}
