import Formats
import Synchronization

/// Decides how `postrider receive` answers: as the plan says, or as usual.
///
/// Usual is what the request deserves. When requests are passed on, what comes back is the answer to a good one.
final class Responder: Sendable {
    private let plan: AnswerPlan?
    private let forwarder: Forwarder?
    private let requests = Atomic(0)

    init(plan: AnswerPlan?, forwarder: Forwarder?) {
        self.plan = plan
        self.forwarder = forwarder
    }

    func reply(to request: ReceivedRequest) async -> Reply {
        let number = requests.wrappingAdd(1, ordering: .relaxed).oldValue
        if case .status(let status) = plan?.answer(after: number) { return Reply(status: status) }
        guard request.deservedStatus == 200 else { return Reply(status: request.deservedStatus) }
        guard let forwarder else { return Reply(status: 200, body: request.challenge ?? []) }
        return await forwarder.reply(to: request)
    }
}

extension ReceivedRequest {
    /// What the answer must hold to a sender who asks whether its events are wanted.
    fileprivate var challenge: [UInt8]? {
        guard headers["webhook-event-type"] == "postrider.verification" else { return nil }
        return JSONText(body).value(at: ["data", "challenge"]).map { Array($0.plainText.utf8) }
    }
}
