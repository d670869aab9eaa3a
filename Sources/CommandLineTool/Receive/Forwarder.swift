import Courier
import Outbox
import Synchronization

/// Passes requests on to another server, and gives back what it answers.
final class Forwarder: Sendable {
    /// How long the other server has for an answer: as long as an endpoint may have.
    static let patience = Limits.timeout.upperBound
    /// How many requests may be on their way at once. Further ones wait.
    private static let maximumInFlight = 64
    /// Bad Gateway (RFC 9110, section 15.6.3): no answer came back.
    private static let failureStatus = 502

    private let route: CourierRoute
    private let pool: CourierPool
    private let waiting: Waiting

    /// The requests on their way, each with the one who waits for its answer.
    private final class Waiting: Sendable {
        private let replies = Mutex<[ObjectIdentifier: CheckedContinuation<Reply, Never>]>([:])

        func add(_ request: ForwardedRequest, _ continuation: CheckedContinuation<Reply, Never>) {
            replies.withLock { $0[ObjectIdentifier(request)] = continuation }
        }

        func resume(_ result: CourierResult) {
            let continuation = replies.withLock { $0.removeValue(forKey: ObjectIdentifier(result.request)) }
            continuation?.resume(returning: Forwarder.reply(result.outcome))
        }
    }

    /// - Parameter url: where to; any address, because the person at this terminal names it.
    init(to url: EndpointURL) throws {
        route = CourierRoute(
            id: 0, revision: 0, url: url.absoluteString, host: url.host, port: url.port, timeout: Self.patience,
            connectTimeout: Self.patience, fixedHeaders: HeaderLines())
        var configuration = CourierConfiguration()
        configuration.couriers = 1
        configuration.maximumInFlight = Self.maximumInFlight
        let waiting = Waiting()
        self.waiting = waiting
        pool = try CourierPool(configuration: configuration, judge: { _ in true }) { batch in
            for result in batch { waiting.resume(result) }
        }
    }

    func reply(to request: ReceivedRequest) async -> Reply {
        let forwarded = ForwardedRequest(request, along: route)
        return await withCheckedContinuation { continuation in
            waiting.add(forwarded, continuation)
            pool.submit([forwarded])
        }
    }

    private static func reply(_ outcome: CourierOutcome) -> Reply {
        switch outcome {
        case .answered(let answer):
            var reply = Reply(status: answer.status, body: answer.bodyPrefix)
            reply.headers["Retry-After"] = answer.retryAfter.first
            reply.headers["Location"] = answer.location
            return reply
        case .failed(_, let detail):
            return Reply(status: failureStatus, body: Array("not passed on: \(detail)\n".utf8))
        case .notSent, .interrupted:
            return Reply(status: failureStatus, body: Array("not passed on\n".utf8))
        }
    }
}

/// A request as it came, on its way to another server.
private final class ForwardedRequest: CourierRequest {
    let route: CourierRoute
    let body: RequestBody
    let mustStartBefore: ContinuousClock.Instant
    let passesOthers = false

    private let headers: [(name: String, value: String)]

    init(_ request: ReceivedRequest, along route: CourierRoute) {
        self.route = route
        body = RequestBody(request.body)
        mustStartBefore = .now + Forwarder.patience
        // What belongs to the connection between two programs is not passed on (RFC 9110, section 7.6.1).
        headers = request.headers.filter { !ReservedHeader.isForCourierAlone($0.key.utf8.span) }
            .map { (name: $0.key, value: $0.value) }
    }

    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal) {
        for header in headers { lines.append(header.name, header.value) }
    }
}
