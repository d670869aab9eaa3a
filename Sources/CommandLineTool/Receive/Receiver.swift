import Doors
import Settings
import Webhooks

/// An endpoint for tests: it verifies requests, answers 200 or 401 or as it is told, and reports each request.
struct Receiver: Doorkeeper {
    let address: ListenAddress
    /// nil: signatures are not checked.
    let verifier: WebhookVerifier?
    let now: @Sendable () -> Double
    let tell: @Sendable (ReceivedRequest) -> Void
    /// Chooses the answer.
    var choose: @Sendable (ReceivedRequest) async -> Reply = { Reply(status: $0.deservedStatus) }
    /// How long each answer waits.
    var delay = Duration.zero

    /// The most bytes of a body that are accepted.
    static let bodyLimit = 1 << 20
    /// How long requests that have begun may take when its process is told to stop.
    private static let drainTime = Duration.seconds(1)

    /// Receives until the task is cancelled.
    /// - Parameter listening: called with the address once requests can come.
    func run(listening: @escaping @Sendable (ListenAddress) -> Void) async throws {
        let door: Door
        do throws(ListenError) {
            door = try Door(at: address, self, on: .one, drainTime: Self.drainTime, opened: listening)
        } catch {
            throw CommandError(
                .failure,
                error.isTaken
                    ? "another process already listens on \(address)"
                    : "cannot listen on \(address), which \(error.reason)")
        }
        try await door.run()
    }

    func judge(_ head: RequestHead) -> Verdict {
        guard head.contentLength ?? 0 <= Self.bodyLimit else { return .finished(Answer(status: 413, body: [])) }
        return .open(OpenReceipt(receiver: self, head: head))
    }

    fileprivate func answer(_ head: RequestHead, _ body: [UInt8]) async -> Answer {
        var received = ReceivedRequest(
            time: now(), method: head.method, path: head.target,
            headers: Dictionary(head.headers.map { ($0.name, $0.value) }) { "\($0), \($1)" },
            body: body, verification: verify(head.headers, body))
        let reply = await choose(received)
        received.answeredStatus = reply.status
        tell(received)
        if delay > .zero { try? await Task.sleep(for: delay) }
        var answer = Answer(status: reply.status, body: reply.body)
        answer.fields = reply.headers.map { (name: $0.key, value: $0.value) }
        if reply.status == 405 { answer.fields.append(("Allow", "POST")) }
        return answer
    }

    private func verify(_ fields: [(name: String, value: String)], _ body: [UInt8]) -> ReceivedRequest.Verification {
        guard let verifier else { return .unchecked }
        do {
            _ = try verifier.verify(headers: fields, body: body, now: Int64(exactly: now().rounded(.down)) ?? 0)
            return .verified
        } catch {
            return .refused(code: error.code.rawValue, message: error.message)
        }
    }
}

/// A request whose body is to be read.
private struct OpenReceipt: OpenRequest {
    let receiver: Receiver
    let head: RequestHead

    var mostBodyBytes: Int { Receiver.bodyLimit }

    func answer(_ body: BodyPieces, _ give: @escaping @Sendable (Answer) -> Void) {
        Task { give(await receiver.answer(head, body.joined())) }
    }

    func refuse(_ fault: BodyFault) -> Answer {
        switch fault {
        case .tooLarge: Answer(status: 413, body: [])
        case .noRoom: Answer(status: 503, body: [])
        case .incomplete: Answer(status: 408, body: [])
        }
    }
}
