import CoreMetrics
import Courier
import Formats
import Logging
import Outbox
import OutboxStore
import Postgres
import Synchronization
import Telemetry

/// What the desk asks of the database.
protocol VerificationStore: LoopStore {
    /// Endpoints whose receivers this worker alone is to ask now.
    func takeVerifications(_ limit: Int32) async throws(PostgresError) -> [DueVerification]
    func loadEndpoints(_ ids: [Int32]) async throws(PostgresError) -> [EndpointRecord]
    /// Returns the state of the endpoint; nil when the answer means nothing any more.
    func end(_ verification: VerificationEnd) async throws(PostgresError) -> String?
}

/// Asks receivers whether they agree to be sent to, and records what they say. The housekeeper turns it; the couriers ask, several at
/// once, so that a mute receiver keeps no other one waiting.
final class VerificationDesk: Sendable {
    /// How many receivers one worker asks at once. Fewer, and a crowd of mute ones delays the others.
    static let limit = 64
    /// How often it looks for receivers to ask.
    static let pause = Duration.seconds(1)

    /// What is asked about. An endpoint that was changed in the meantime is asked again, and the old answer says nothing of it.
    private struct Key: Hashable {
        let endpoint: Int32
        let revision: Int32

        init(_ record: EndpointRecord) {
            endpoint = record.id
            revision = record.revision
        }
    }

    /// A question that is out, or whose answer is not recorded yet.
    private struct Question: Sendable {
        let key: Key
        let name: String
        let refusals: Int
        var answer: VerificationAnswer?
    }

    private let parts: WorkerParts
    private let couriers: any RequestTaker
    private let random: @Sendable () -> Double
    private let randomBytes: @Sendable (Int) -> [UInt8]
    private let questions = Mutex<[Key: Question]>([:])
    /// Called when an answer is in.
    private let answered = Mutex<@Sendable () -> Void>({})

    init(
        _ parts: WorkerParts, couriers: any RequestTaker, random: @escaping @Sendable () -> Double,
        randomBytes: @escaping @Sendable (Int) -> [UInt8]
    ) {
        self.parts = parts
        self.couriers = couriers
        self.random = random
        self.randomBytes = randomBytes
    }

    /// - Parameter action: what is called when an answer is in.
    func whenAnswered(_ action: @escaping @Sendable () -> Void) { answered.withLock { $0 = action } }

    /// Whether an answer waits to be recorded.
    var hasAnswers: Bool { questions.withLock { $0.values.contains { $0.answer != nil } } }

    /// Records the answers that are in, and asks who is to be asked. Returns how many that were.
    func turn(_ store: any VerificationStore) async throws(PostgresError) -> Int32? {
        try await record(store)
        let room = Self.limit - questions.withLock { $0.count }
        guard room > 0, mayAsk else { return 0 }
        let due = try await store.takeVerifications(Int32(room))
        guard !due.isEmpty else { return 0 }
        let (records, unreadable) = try await Halving.read(due.map(\.endpoint)) { ids throws(PostgresError) in
            try await store.loadEndpoints(ids)
        }
        let refusals = Dictionary(due.map { ($0.endpoint, Int($0.refusals)) }) { first, _ in first }
        for record in records { ask(record, refusals: refusals[record.id] ?? 0) }
        for (id, why) in unreadable {
            parts.log.log(
                .warning, "an endpoint's receiver could not be asked",
                with: [.endpoint: "\(id)", .error: "\(why.message)"])
        }
        return Int32(clamping: due.count)
    }

    /// Not while the worker ends, its clock is off, or the proxy fails.
    private var mayAsk: Bool {
        !parts.state.isDraining && parts.state.mayClaim && (parts.proxy?.room(parts.time.now) ?? .max) > 0
    }

    // MARK: Asking

    private func ask(_ record: EndpointRecord, refusals: Int) {
        questions.withLock {
            $0[Key(record)] = Question(key: Key(record), name: record.name, refusals: refusals)
        }
        let settings: SendingSettings
        do throws(SendingObstacle) { settings = try parts.judge.settings(record) } catch {
            let why = "\(error.errorCode.rawValue): \(error.message)"
            return take(error.isHeldBack ? .notAsked(why) : .refused(why), of: record)
        }
        guard let source = settings.tokenSource else { return ask(record, settings, token: nil) }
        couriers.submit([
            TokenRequest(source, now: parts.time.now) { [self] result in
                switch TokenAnswer(result.outcome) {
                case .token(let text, _): ask(record, settings, token: text)
                case .refused(let why): take(.refused("\(ErrorCode.tokenFailure.rawValue): \(why)"), of: record)
                case .proxyFailed(let why): take(.notAsked("\(ErrorCode.proxyError.rawValue): \(why)"), of: record)
                case .notAsked: take(.notAsked("the worker stopped"), of: record)
                }
                return []
            }
        ])
    }

    private func ask(_ record: EndpointRecord, _ settings: SendingSettings, token: String?) {
        let verification = Verification(rawValue: record.verify) ?? .challenge
        let challenge = Hexadecimal.encode(randomBytes(16))
        let rate = record.rateLimit.flatMap { Int(exactly: ($0 * 60).rounded(.up)) }
        couriers.submit([
            VerificationRequest(
                verification, to: settings, challenge: challenge, token: token, requestsAMinute: rate,
                now: parts.time.now, wallClock: parts.wallClock()
            ) { [self] result in
                let origin = record.origin ?? ""
                take(
                    VerificationAnswer(result.outcome, to: verification, challenge: challenge, origin: origin),
                    of: record)
                return []
            }
        ])
    }

    private func take(_ answer: VerificationAnswer, of record: EndpointRecord) {
        questions.withLock { $0[Key(record)]?.answer = answer }
        answered.withLock { $0 }()
    }

    // MARK: Recording

    private func record(_ store: any VerificationStore) async throws(PostgresError) {
        for question in questions.withLock({ Array($0.values) }) {
            guard let answer = question.answer else { continue }
            try await record(answer, to: question, store)
        }
    }

    /// At the end: those who wait for an answer are asked by another worker, at once.
    func giveBack(_ store: any VerificationStore) async {
        for question in questions.withLock({ Array($0.values) }) {
            try? await record(question.answer ?? .notAsked("the worker stopped"), to: question, store, pause: .zero)
        }
    }

    private func record(
        _ answer: VerificationAnswer, to question: Question, _ store: any VerificationStore, pause: Duration? = nil
    ) async throws(PostgresError) {
        let end = end(question, answer, pause)
        let state: String?
        do throws(PostgresError) { state = try await store.end(end) } catch {
            // An operator holds the endpoint: it is told again in the next turn.
            guard error.sqlState == .lockNotAvailable else { throw error }
            return
        }
        questions.withLock { $0[question.key] = nil }
        tell(state, question, end)
    }

    private func end(_ question: Question, _ answer: VerificationAnswer, _ pause: Duration?) -> VerificationEnd {
        switch answer {
        case .agreed(let rate):
            VerificationEnd(endpoint: question.key.endpoint, revision: question.key.revision, rate: rate)
        case .refused(let why):
            VerificationEnd(
                endpoint: question.key.endpoint, revision: question.key.revision, why: why, counts: true,
                pause: pause ?? VerificationPause.wait(after: question.refusals, random: random()))
        case .notAsked(let why):
            VerificationEnd(
                endpoint: question.key.endpoint, revision: question.key.revision, why: why,
                pause: pause ?? VerificationPause.putOff)
        }
    }

    private func tell(_ state: String?, _ question: Question, _ end: VerificationEnd) {
        let data: [LogKey: Logger.MetadataValue] = [.endpoint: "\(question.name)", .error: "\(end.why ?? "")"]
        switch state {
        case "active":
            parts.log.log(.notice, "an endpoint's receiver has agreed", with: [.endpoint: "\(question.name)"])
        case "disabled":
            parts.log.log(.error, "an endpoint is disabled; its deliveries are held", with: data)
            parts.metrics.count(EndpointChange.disabled)
        case .some: parts.log.log(.warning, "an endpoint's receiver has not agreed yet", with: data)
        case nil: break
        }
    }
}
