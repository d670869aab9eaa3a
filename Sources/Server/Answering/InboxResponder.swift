import Inbox
import Logging
import Metrics
import Outbox
import Telemetry
import Webhooks

/// Answers requests to the inbox. What can be refused without the database is refused before it is asked, and what can be
/// refused without the body before it is read.
struct InboxResponder: Sendable {
    let book: SourceBook
    let queue: CommitQueue
    let connections: Connections
    let metrics: InboxMetrics
    let log: Logger
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    /// What became of a request, and of which source.
    struct Outcome: Sendable {
        var answer: Answer
        /// Its name; nil where there is none of the name that was asked for.
        var source: String?
        var refusal: Refusal?
    }

    /// Tells what was refused. To be called once for each request.
    func count(_ outcome: Outcome) {
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
    enum Verdict {
        case finished(Outcome)
        /// The body has to be read.
        case open(OpenRequest)
    }

    /// A request whose head was let in.
    struct OpenRequest: Sendable {
        let request: IncomingRequest
        let source: Source
        /// Who sends, as far as it is known.
        let sender: IPAddress?
        /// What is to be held against the body.
        let proof: RequestProof
    }

    func judge(_ head: IncomingRequest) -> Verdict {
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
        do throws(WebhookVerificationError) {
            let proof = try source.verifier.proof(in: head.headers, now: now())
            return .open(OpenRequest(request: head, source: source, sender: sender, proof: proof))
        } catch {
            return refuse(Refusal(error.code), source)
        }
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
    enum Admission: Sendable {
        case finished(Outcome)
        case store(ReceivedWebhook)
    }

    func refused(_ refusal: Refusal, _ source: Source) -> Outcome {
        Outcome(
            answer: .refused(
                refusal, scheme: source.verifier.scheme,
                wait: refusal == .rateLimited ? book.wait(source, now: .now) : nil),
            source: source.name, refusal: refusal)
    }

    /// Verifies a request, and says what is to be stored of it.
    func admit(_ body: [UInt8], _ open: OpenRequest) -> Admission {
        let (head, source) = (open.request, open.source)
        do throws(Refusal) {
            let verified: VerifiedRequest
            do throws(WebhookVerificationError) {
                verified = try open.proof.verify(body: body)
            } catch {
                throw Refusal(error.code)
            }
            if let handshake = Handshake.slack(scheme: source.verifier.scheme, body: body) {
                return .finished(Outcome(answer: .handshake(handshake), source: source.name))
            }
            let facts = try WebhookFacts(of: source, verified: verified, headers: head.headers, body: body)
            guard book.take(source, now: .now) == nil else { throw .rateLimited }
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
    ) -> Outcome {
        switch result {
        case .failure(let refusal): return refused(refusal, source)
        case .success(let receipt):
            guard let id = receipt.inboxID else { return refused(.unknownSource, source) }
            metrics.stored(source.name, isNew: receipt.isNew)
            metrics.answerDuration.recordNanoseconds((ContinuousClock.now - began).nanoseconds)
            return Outcome(answer: .stored(id, isNew: receipt.isNew), source: source.name)
        }
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000) }
}
