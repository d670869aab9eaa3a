import HTTPTypes
import HummingbirdCore
import Inbox
import Logging
import Metrics
import NIOCore
import Outbox
import Telemetry
import Webhooks

/// Answers requests to the inbox. What can be refused without the database is refused before it is asked, and what can be
/// refused without the body before it is read.
struct InboxResponder: DoorResponder {
    let book: SourceBook
    let queue: CommitQueue
    let connections: Connections
    let metrics: InboxMetrics
    let log: Logger
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    /// What became of a request, and of which source.
    private struct Outcome {
        var answer: Answer
        /// Its name; nil where there is none of the name that was asked for.
        var source: String?
        var refusal: Refusal?
    }

    @concurrent func respond(
        to request: Request, _ writer: consuming ResponseWriter, over channel: any Channel
    ) async throws {
        // It ended before its request was looked at.
        guard let connection = connections.find(channel) else { throw Closing() }
        defer { connections.release(connection) }
        let head = IncomingRequest(request.head, peer: channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) })
        var body = request.body.makeAsyncIterator()
        let outcome: Outcome
        switch judge(head) {
        case .finished(let done): outcome = done
        case .source(let source, let sender):
            if head.value(of: "expect")?.lowercased() == "100-continue" {
                try await writer.writeInformationalHead(HTTPResponse(status: .continue))
            }
            outcome = try await receive(head, from: sender, for: source, &body, over: connection)
        }
        count(outcome)
        try await connections.give(
            outcome.answer, isHead: head.method == "HEAD", over: connection, writer, &body)
    }

    private func count(_ outcome: Outcome) {
        guard let refusal = outcome.refusal else { return }
        metrics.refused(outcome.source, reason: refusal.rawValue)
        log.log(
            .notice, "a request was refused",
            with: [
                .source: "\(outcome.source ?? "")", .reason: "\(refusal.rawValue)",
            ])
    }
}

// MARK: - The head

extension InboxResponder {
    private enum Verdict {
        case finished(Outcome)
        /// The body has to be read; who sends, as far as it is known.
        case source(Source, IPAddress?)
    }

    private func judge(_ head: IncomingRequest) -> Verdict {
        func refuse(
            _ refusal: Refusal, _ source: Source? = nil, of name: String? = nil, wait: Duration? = nil
        ) -> Verdict {
            .finished(
                Outcome(
                    answer: .refused(refusal, scheme: source?.verifier.scheme, wait: wait),
                    source: source?.name ?? name,
                    refusal: refusal))
        }
        guard let name = head.sourceName else { return refuse(.notFound) }
        guard ["POST", "GET", "OPTIONS"].contains(head.method) else { return refuse(.methodNotAllowed) }
        let source: Source
        switch book.find(name) {
        case .source(let found): source = found
        case .unusable: return refuse(.sourceUnusable, of: name)
        case .unknown: return refuse(.unknownSource)
        case .notRead: return refuse(.databaseUnavailable)
        }
        let sender = head.peer.flatMap {
            ForwardedAddresses.sender(peer: $0, headers: head.headers, trusted: source.proxies)
        }
        guard source.allows(sender) else { return refuse(.network, source) }
        if let wait = book.wait(source, now: .now) { return refuse(.rateLimited, source, wait: wait) }
        guard head.method == "POST" else {
            do throws(Refusal) {
                guard let answer = try handshake(head, source) else { return refuse(.methodNotAllowed, source) }
                return .finished(Outcome(answer: .handshake(answer), source: source.name))
            } catch {
                return refuse(error, source)
            }
        }
        if let encoding = head.value(of: "content-encoding"), encoding.lowercased() != "identity" {
            return refuse(.contentEncoding, source)
        }
        if let length = head.contentLength, length > source.maxBody {
            return refuse(.bodyTooLarge, source)
        }
        return .source(source, sender)
    }

    private func handshake(_ head: IncomingRequest, _ source: Source) throws(Refusal) -> Handshake? {
        guard head.method == "OPTIONS" else { return try Handshake.meta(query: head.query, verifier: source.verifier) }
        return head.value(of: "webhook-request-origin").flatMap { origin in
            Handshake.cloudEvents(origin: origin, rate: head.value(of: "webhook-request-rate"), limit: source.rateLimit)
        }
    }
}

// MARK: - The body

extension InboxResponder {
    @concurrent private func receive(
        _ head: IncomingRequest, from sender: IPAddress?, for source: Source, _ body: inout RequestBody.AsyncIterator,
        over connection: Connection
    ) async throws -> Outcome {
        do {
            let bytes = try await read(&body, limit: source.maxBody, of: connection)
            let began = ContinuousClock.now
            let answer = try await store(bytes, head, from: sender, for: source)
            metrics.answerDuration.recordNanoseconds((ContinuousClock.now - began).nanoseconds)
            return Outcome(answer: answer, source: source.name)
        } catch let refusal as Refusal {
            return Outcome(
                answer: .refused(
                    refusal, scheme: source.verifier.scheme,
                    wait: refusal == .rateLimited ? book.wait(source, now: .now) : nil),
                source: source.name, refusal: refusal)
        }
    }

    @concurrent private func read(
        _ body: inout RequestBody.AsyncIterator, limit: Int, of connection: Connection
    ) async throws -> [UInt8] {
        do {
            return try await connections.read(&body, limit: limit, of: connection)
        } catch let fault as BodyFault {
            throw switch fault {
            case .tooLarge: Refusal.bodyTooLarge
            case .noRoom: Refusal.queueFull
            case .incomplete: Refusal.incompleteBody
            }
        }
    }

    private func store(
        _ body: [UInt8], _ head: IncomingRequest, from sender: IPAddress?, for source: Source
    ) async throws(Refusal) -> Answer {
        let verified: VerifiedRequest
        do throws(WebhookVerificationError) {
            verified = try source.verifier.verify(headers: head.headers, body: body, now: now())
        } catch {
            throw Refusal(error.code)
        }
        if let handshake = Handshake.slack(scheme: source.verifier.scheme, body: body) { return .handshake(handshake) }
        let facts = try WebhookFacts(of: source, verified: verified, headers: head.headers, body: body)
        guard book.take(source, now: .now) == nil else { throw .rateLimited }
        let receipt = try await queue.store(
            ReceivedWebhook(
                sourceID: source.id, webhookID: facts.id, eventType: facts.eventType, correlation: facts.correlation,
                contentType: head.value(of: "content-type"), headers: head.keptHeaders, body: body,
                remoteAddress: (sender ?? head.peer).map { "\($0.unmapped)" } ?? ""))
        guard let id = receipt.inboxID else { throw .unknownSource }
        metrics.stored(source.name, isNew: receipt.isNew)
        return .stored(id, isNew: receipt.isNew)
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000) }
}
