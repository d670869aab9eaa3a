import CustomerAPI
import Doors

/// A request to the API whose head was let in.
struct OpenAPIRequest: OpenRequest {
    let responder: APIResponder
    let asked: APIHead
    /// What its token's budget said, which is to be told of its end.
    let verdict: TokenBudget.Verdict
    let began: ContinuousClock.Instant

    var mostBodyBytes: Int { APIResponder.mostBodyBytes }

    func answer(_ body: BodyPieces, _ give: @escaping @Sendable (Answer) -> Void) {
        Task { give(await responder.answer(self, body.joined())) }
    }

    func refuse(_ fault: BodyFault) -> Answer {
        let problem: APIProblem =
            switch fault {
            case .tooLarge: .tooLarge
            case .noRoom: APIProblem(.unavailable, "too many bodies are held", retryAfter: APIProblem.usualWait)
            case .incomplete: APIProblem(.incompleteBody, "the connection ended within the body")
            }
        return responder.answer(self, problem)
    }
}

extension APIProblem {
    static var tooLarge: APIProblem {
        APIProblem(.bodyTooLarge, "a body has at most \(APIResponder.mostBodyBytes) bytes")
    }
}
