import Outbox
import Testing

@Suite("What becomes of a delivery")
struct DeliveryDecisionTests {
    private let policy: RetryPolicy

    init() throws {
        policy = try RetryPolicy(schedule: try RetrySchedule(entries: [.seconds(10), .seconds(3_600)]))
    }

    @Test("every status", arguments: -1...1_001)
    func statuses(status: Int) {
        let again = DeliveryDecision.Outcome.retry(after: .seconds(10))
        let decision = decide(.answered(status: status, retryAfter: []))
        switch status {
        case 200...299: #expect(decision.outcome == .delivered && decision.errorCode == nil)
        case 410: #expect(decision.outcome == .gone && decision.errorCode == .httpStatus)
        case 300...399: #expect(decision.outcome == again && decision.errorCode == .redirect)
        case 100...999: #expect(decision.outcome == again && decision.errorCode == .httpStatus)
        default: #expect(decision.outcome == again && decision.errorCode == .protocolError)
        }
    }

    @Test("a status that the database cannot keep is nil", arguments: [-200, 0, 99, 1_000, 65_536, Int.max, Int.min])
    func storedStatus(status: Int) {
        #expect(DeliveryObservation.answered(status: status, retryAfter: []).httpStatus == nil)
        #expect(DeliveryObservation.answered(status: 999, retryAfter: []).httpStatus == 999)
        #expect(DeliveryObservation.failed(.timeout, detail: "").httpStatus == nil)
    }

    @Test("every failure", arguments: ErrorCode.allCases)
    func failures(code: ErrorCode) {
        let decision = decide(.failed(code, detail: ""))
        #expect(decision.errorCode == (code == .proxyError ? nil : code))
        switch code {
        // No attempt.
        case .proxyError: #expect(decision.outcome == .released)
        case .invalidURL: #expect(decision.outcome == .dead(.invalidURL))
        case .invalidHeaders: #expect(decision.outcome == .dead(.invalidHeaders))
        case .invalidEndpoint: #expect(decision.outcome == .dead(.invalidEndpoint))
        case .invalidEvent: #expect(decision.outcome == .dead(.invalidEvent))
        case .eventMissing: #expect(decision.outcome == .dead(.eventMissing))
        default: #expect(decision.outcome == .retry(after: .seconds(10)))
        }
    }

    @Test("the last attempt")
    func lastAttempt() throws {
        #expect(policy.maxAttempts == 3)
        #expect(decide(.failed(.timeout, detail: ""), attempt: 2).outcome == .retry(after: .seconds(3_600)))
        #expect(decide(.failed(.timeout, detail: ""), attempt: 3).outcome == .dead(.attemptsExhausted))
        #expect(decide(.failed(.timeout, detail: ""), attempt: 4).outcome == .dead(.attemptsExhausted))
        #expect(decide(.answered(status: 200, retryAfter: []), attempt: 3).outcome == .delivered)
        #expect(decide(.answered(status: 410, retryAfter: []), attempt: 3).outcome == .gone)
    }

    @Test("Retry-After makes the wait longer, never shorter, and has a cap")
    func retryAfter() {
        for status in [302, 400, 429, 503] {
            #expect(decide(.answered(status: status, retryAfter: ["120"])).outcome == .retry(after: .seconds(120)))
            #expect(decide(.answered(status: status, retryAfter: ["1"])).outcome == .retry(after: .seconds(10)))
            #expect(
                decide(.answered(status: status, retryAfter: ["999999999"])).outcome == .retry(after: Limits.retryAfter)
            )
            #expect(decide(.answered(status: status, retryAfter: ["1e300"])).outcome == .retry(after: .seconds(10)))
        }
        #expect(decide(.answered(status: 200, retryAfter: ["120"])).outcome == .delivered)
    }

    @Test("an event that expires before the next attempt ends when it expires")
    func expiry() {
        let failure = DeliveryObservation.failed(.timeout, detail: "")
        #expect(decide(failure, expiresIn: .seconds(11)).outcome == .retry(after: .seconds(10)))
        #expect(decide(failure, expiresIn: .seconds(10)).outcome == .retry(after: .seconds(10)))
        #expect(decide(failure, expiresIn: .seconds(3)).outcome == .retry(after: .seconds(3)))
        #expect(decide(failure, expiresIn: .seconds(-3)).outcome == .retry(after: .zero))
        #expect(decide(failure, attempt: 3, expiresIn: .seconds(3)).outcome == .dead(.attemptsExhausted))
        #expect(
            decide(.answered(status: 503, retryAfter: ["60"]), expiresIn: .seconds(30)).outcome
                == .retry(after: .seconds(30)))
    }

    @Test("a worker that was stopped: due again at once, unless it was the last attempt")
    func interrupted() {
        for attempt in 1...2 {
            for expiresIn in [nil, Duration.seconds(-3), .seconds(3)] {
                let decision = decide(.interrupted, attempt: attempt, expiresIn: expiresIn)
                #expect(decision.outcome == .retry(after: .zero))
                #expect(decision.errorCode == .internalError)
            }
        }
        #expect(decide(.interrupted, attempt: 3).outcome == .dead(.attemptsExhausted))
    }

    @Test("what was not sent, was cancelled or has expired is no attempt", arguments: 1...4)
    func noAttempt(attempt: Int) {
        for (seen, outcome) in [
            (DeliveryObservation.notSent, DeliveryDecision.Outcome.released), (.cancelled, .released),
            (.heldBack, .released), (.expired, .expired),
        ] {
            let decision = decide(seen, attempt: attempt, expiresIn: .zero)
            #expect(decision.outcome == outcome)
            #expect(decision.errorCode == nil)
            #expect(seen.message == nil && seen.httpStatus == nil)
        }
    }

    @Test("an endpoint that cannot be sent to", arguments: SendingObstacle.Kind.allCases)
    func unsendable(kind: SendingObstacle.Kind) {
        let seen = DeliveryObservation.unsendable(SendingObstacle(kind, "why"))
        let decision = decide(seen, attempt: 2, expiresIn: .zero, random: 0)
        #expect(seen.message == "why")
        switch kind {
        case .invalidURL:
            #expect(decision.outcome == .dead(.invalidURL) && decision.errorCode == .invalidURL)
        case .invalidHeaders:
            #expect(decision.outcome == .dead(.invalidHeaders) && decision.errorCode == .invalidHeaders)
        case .invalidEndpoint:
            #expect(decision.outcome == .dead(.invalidEndpoint) && decision.errorCode == .invalidEndpoint)
        case .invalidEvent:
            #expect(decision.outcome == .dead(.invalidEvent) && decision.errorCode == .invalidEvent)
        case .blockedAddress:
            #expect(decision.outcome == .dead(.blockedAddress) && decision.errorCode == .blockedAddress)
            #expect(decide(seen, attempt: 3).outcome == .dead(.blockedAddress))
        case .secretUnavailable, .keyMissing:
            #expect(decision.outcome == .retry(after: .seconds(3_600)) && decision.errorCode == .secretUnavailable)
            #expect(decide(seen, attempt: 3).outcome == .dead(.attemptsExhausted))
        }
    }

    @Test("an event that is gone", arguments: 1...4)
    func eventMissing(attempt: Int) {
        let decision = decide(.eventMissing, attempt: attempt)
        #expect(decision.outcome == .dead(.eventMissing) && decision.errorCode == .eventMissing)
    }

    @Test("no number is left for the attempt", arguments: 1...4)
    func numbersUsedUp(attempt: Int) {
        let decision = decide(.numbersUsedUp, attempt: attempt)
        #expect(decision.outcome == .dead(.attemptsExhausted) && decision.errorCode == .internalError)
    }

    @Test("workers that never reported")
    func neverReported() {
        let decision = decide(.noneLeft, attempt: 4)
        #expect(decision.outcome == .spent && decision.errorCode == nil)
    }

    @Test("a random number costs a system call, and is asked for only where a wait needs it")
    func randomness() {
        var asked = 0
        func random() -> Double {
            asked += 1
            return 0.5
        }
        for status in [200, 204, 410] {
            _ = DeliveryDecision(
                after: .answered(status: status, retryAfter: []), attempt: 1, policy: policy, now: 0, random: random())
        }
        #expect(asked == 0)
        _ = DeliveryDecision(
            after: .answered(status: 500, retryAfter: []), attempt: 1, policy: policy, now: 0, random: random())
        #expect(asked == 1)
    }

    private func decide(
        _ observation: DeliveryObservation, attempt: Int = 1, expiresIn: Duration? = nil, random: Double = 0.5
    ) -> DeliveryDecision {
        DeliveryDecision(
            after: observation, attempt: attempt, policy: policy, expiresIn: expiresIn, now: 784_111_777, random: random
        )
    }
}
