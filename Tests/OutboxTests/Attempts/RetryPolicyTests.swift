import Outbox
import Testing

@Suite("Retry policy")
struct RetryPolicyTests {
    private let policy: RetryPolicy

    init() throws {
        policy = try RetryPolicy(schedule: try RetrySchedule(entries: [.seconds(10), .seconds(3_600)]))
    }

    @Test("every status", arguments: -1...1_001)
    func statuses(status: Int) {
        let decision = decide(.answered(status: status, retryAfter: []))
        switch status {
        case 200...299: #expect(decision == AttemptDecision(verdict: .delivered, errorCode: nil))
        case 410:
            #expect(decision == AttemptDecision(verdict: .endpointGone(after: .seconds(10)), errorCode: .httpStatus))
        case 300...399: #expect(decision == AttemptDecision(verdict: .retry(after: .seconds(10)), errorCode: .redirect))
        case 100...999:
            #expect(decision == AttemptDecision(verdict: .retry(after: .seconds(10)), errorCode: .httpStatus))
        default: #expect(decision == AttemptDecision(verdict: .retry(after: .seconds(10)), errorCode: .protocolError))
        }
    }

    @Test("a status that the database cannot keep is nil", arguments: [-200, 0, 99, 1_000, 65_536, Int.max, Int.min])
    func storedStatus(status: Int) {
        #expect(AttemptObservation.answered(status: status, retryAfter: []).httpStatus == nil)
        #expect(AttemptObservation.answered(status: 999, retryAfter: []).httpStatus == 999)
        #expect(AttemptObservation.failed(.timeout, detail: "").httpStatus == nil)
    }

    @Test("every failure", arguments: ErrorCode.allCases)
    func failures(code: ErrorCode) {
        let decision = decide(.failed(code, detail: ""))
        #expect(decision.errorCode == code)
        switch code {
        case .invalidURL: #expect(decision.verdict == .dead(.invalidURL))
        case .eventMissing: #expect(decision.verdict == .dead(.eventMissing))
        default: #expect(decision.verdict == .retry(after: .seconds(10)))
        }
    }

    @Test("the last attempt")
    func lastAttempt() throws {
        #expect(policy.maxAttempts == 3)
        #expect(decide(.failed(.timeout, detail: ""), attempt: 2).verdict == .retry(after: .seconds(3_600)))
        #expect(decide(.failed(.timeout, detail: ""), attempt: 3).verdict == .dead(.attemptsExhausted))
        #expect(decide(.failed(.timeout, detail: ""), attempt: 4).verdict == .dead(.attemptsExhausted))
        #expect(decide(.answered(status: 200, retryAfter: []), attempt: 3).verdict == .delivered)
        #expect(
            decide(.answered(status: 410, retryAfter: []), attempt: 3).verdict == .endpointGone(after: .seconds(3_600)))
    }

    @Test("Retry-After makes the wait longer, never shorter, and has a cap")
    func retryAfter() {
        for status in [302, 400, 429, 503] {
            #expect(decide(.answered(status: status, retryAfter: ["120"])).verdict == .retry(after: .seconds(120)))
            #expect(decide(.answered(status: status, retryAfter: ["1"])).verdict == .retry(after: .seconds(10)))
            #expect(
                decide(.answered(status: status, retryAfter: ["999999999"])).verdict == .retry(after: Limits.retryAfter)
            )
            #expect(decide(.answered(status: status, retryAfter: ["1e300"])).verdict == .retry(after: .seconds(10)))
        }
        #expect(decide(.answered(status: 200, retryAfter: ["120"])).verdict == .delivered)
    }

    @Test("an event that expires before the next attempt ends when it expires")
    func expiry() {
        let failure = AttemptObservation.failed(.timeout, detail: "")
        #expect(decide(failure, expiresIn: .seconds(11)).verdict == .retry(after: .seconds(10)))
        #expect(decide(failure, expiresIn: .seconds(10)).verdict == .expires(after: .seconds(10)))
        #expect(decide(failure, expiresIn: .seconds(3)).verdict == .expires(after: .seconds(3)))
        #expect(decide(failure, expiresIn: .seconds(-3)).verdict == .expires(after: .zero))
        #expect(decide(failure, attempt: 3, expiresIn: .seconds(3)).verdict == .dead(.attemptsExhausted))
        #expect(
            decide(.answered(status: 503, retryAfter: ["60"]), expiresIn: .seconds(30)).verdict
                == .expires(after: .seconds(30)))
    }

    @Test("the number of attempts has limits", arguments: [Int.min, -1, 0, 1_001, Int.max])
    func attempts(count: Int) {
        #expect(throws: InvalidText.self) { try RetryPolicy(maxAttempts: count) }
    }

    private func decide(
        _ observation: AttemptObservation, attempt: Int = 1, expiresIn: Duration? = nil
    ) -> AttemptDecision {
        policy.decide(observation, attempt: attempt, expiresIn: expiresIn, now: 784_111_777, random: 0.5)
    }
}
