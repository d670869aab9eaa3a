import Doors
import Inbox
import Logging
import Metrics
import Outbox
import Telemetry
import Webhooks

/// Answers requests to the inbox. What can be refused without the database is refused before it is asked, and what can be
/// refused without the body before it is read.
struct InboxResponder: Doorkeeper {
    let book: SourceBook
    let queue: CommitQueue
    let metrics: InboxMetrics
    let log: Logger
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    func refused(_ refusal: Refusal, _ source: Source) -> Answer {
        refused(
            refusal, of: source.name, source.verifier.scheme,
            wait: refusal == .rateLimited ? book.wait(source, now: .now) : nil)
    }

    /// Tells what is refused. To be called once for each such request.
    ///
    /// - Parameters:
    ///   - name: of the source; nil where there is none of the name that was asked for.
    ///   - scheme: of the source, for what a 401 has to say.
    ///   - wait: for how long a 429 asks.
    private func refused(
        _ refusal: Refusal, of name: String? = nil, _ scheme: SourceScheme? = nil, wait: Duration? = nil
    ) -> Answer {
        metrics.refused(name, reason: refusal.rawValue)
        log.log(
            .notice, "a request was refused",
            with: [
                .source: "\(name ?? "")", .reason: "\(refusal.rawValue)",
            ])
        return .refused(refusal, scheme: scheme, wait: wait)
    }
}

// MARK: - The head

extension InboxResponder {
    func judge(_ head: RequestHead) -> Verdict {
        guard let name = head.sourceName else { return .finished(refused(.notFound)) }
        guard ["POST", "GET", "OPTIONS"].contains(head.method) else { return .finished(refused(.methodNotAllowed)) }
        switch book.find(name) {
        case .source(let source):
            do throws(Refusal) {
                return try judge(head, to: source)
            } catch {
                return .finished(refused(error, source))
            }
        case .unusable: return .finished(refused(.sourceUnusable, of: name))
        case .unknown: return .finished(refused(.unknownSource))
        case .notRead: return .finished(refused(.databaseUnavailable))
        }
    }

    private func judge(_ head: RequestHead, to source: Source) throws(Refusal) -> Verdict {
        let sender = head.peer.flatMap {
            ForwardedAddresses.sender(peer: $0, headers: head.headers, trusted: source.proxies)
        }
        guard source.allows(sender) else { throw .network }
        guard source.rateLimit == nil || book.wait(source, now: .now) == nil else { throw .rateLimited }
        guard head.method == "POST" else {
            guard let answer = try handshake(head, source) else { throw .methodNotAllowed }
            return .finished(.handshake(answer))
        }
        if let encoding = head.value(of: "content-encoding"), encoding.lowercased() != "identity" {
            throw .contentEncoding
        }
        if let length = head.contentLength, length > source.maxBody { throw .bodyTooLarge }
        do throws(WebhookVerificationError) {
            let proof = try source.verifier.proof(in: head.headers, now: now())
            return .open(
                OpenInboxRequest(responder: self, head: head, source: source, sender: sender, proof: proof))
        } catch {
            throw Refusal(error.code)
        }
    }

    private func handshake(_ head: RequestHead, _ source: Source) throws(Refusal) -> Handshake? {
        guard head.method == "OPTIONS" else {
            return try Handshake.meta(query: String(head.query), verifier: source.verifier)
        }
        return head.value(of: "webhook-request-origin").flatMap { origin in
            Handshake.cloudEvents(origin: origin, rate: head.value(of: "webhook-request-rate"), limit: source.rateLimit)
        }
    }
}

// MARK: - The body

extension InboxResponder {
    enum Admission: Sendable {
        case finished(Answer)
        case store(ReceivedWebhook)
    }

    /// Verifies a request, and says what is to be stored of it.
    func admit(_ body: [UInt8], _ open: OpenInboxRequest) -> Admission {
        let (head, source) = (open.head, open.source)
        do throws(Refusal) {
            let verified: VerifiedRequest
            do throws(WebhookVerificationError) {
                verified = try open.proof.verify(body: body)
            } catch {
                throw Refusal(error.code)
            }
            if let handshake = Handshake.slack(scheme: source.verifier.scheme, body: body) {
                return .finished(.handshake(handshake))
            }
            let facts = try WebhookFacts(of: source, verified: verified, headers: head.headers, body: body)
            guard source.rateLimit == nil || book.take(source, now: .now) == nil else { throw .rateLimited }
            return .store(
                ReceivedWebhook(
                    sourceID: source.id, webhookID: facts.id, eventType: facts.eventType,
                    correlation: facts.correlation,
                    contentType: head.value(of: "content-type"), headers: head.keptHeaders, body: body,
                    remoteAddress: (open.sender ?? head.peer).map { "\($0.unmapped)" } ?? ""))
        } catch {
            return .finished(refused(error, source))
        }
    }

    /// What is answered to a request that was stored, or could not be.
    ///
    /// - Parameter began: when its body had come to its end.
    func settled(
        _ result: Result<Receipt, Refusal>, for source: Source, since began: ContinuousClock.Instant
    ) -> Answer {
        switch result {
        case .failure(let refusal): return refused(refusal, source)
        case .success(let receipt):
            guard let id = receipt.inboxID else { return refused(.unknownSource, source) }
            metrics.stored(source.name, isNew: receipt.isNew)
            metrics.answerDuration.recordNanoseconds((ContinuousClock.now - began).nanoseconds)
            return .stored(id, isNew: receipt.isNew)
        }
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000) }
}
