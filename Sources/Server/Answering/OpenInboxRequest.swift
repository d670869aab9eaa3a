import Dispatch
import Doors
import Inbox
import Outbox
import Webhooks

/// A request to the inbox whose head was let in.
struct OpenInboxRequest: OpenRequest {
    /// Larger bodies are not verified on the event loop: a megabyte takes a millisecond or two, in which no other connection of
    /// the loop is served. Smaller ones take less than going elsewhere and back.
    private static let mostOnLoop = 64 << 10
    /// One at a time, so that large bodies with wrong signatures never take more than one core.
    private static let largeBodies = DispatchQueue(label: "postrider.large-bodies")

    let responder: InboxResponder
    let head: RequestHead
    let source: Source
    /// Who sends, as far as it is known.
    let sender: IPAddress?
    /// What is to be held against the body.
    let proof: RequestProof

    var mostBodyBytes: Int { source.maxBody }

    func refuse(_ fault: BodyFault) -> Answer {
        let refusal: Refusal =
            switch fault {
            case .tooLarge: .bodyTooLarge
            case .noRoom: .queueFull
            case .incomplete: .incompleteBody
            }
        return responder.refused(refusal, source)
    }

    func answer(_ body: BodyPieces, _ give: @escaping @Sendable (Answer) -> Void) {
        guard body.count > Self.mostOnLoop else { return store(body, give) }
        Self.largeBodies.async { store(body, give) }
    }

    private func store(_ body: BodyPieces, _ give: @escaping @Sendable (Answer) -> Void) {
        switch responder.admit(body.joined(), self) {
        case .finished(let answer): give(answer)
        case .store(let webhook):
            let began = ContinuousClock.now
            responder.queue.add(webhook) { result in
                give(responder.settled(result, for: source, since: began))
            }
        }
    }
}
