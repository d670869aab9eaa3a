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
        guard let forwarder, request.deservedStatus == 200 else { return Reply(status: request.deservedStatus) }
        return await forwarder.reply(to: request)
    }
}
