/// Judges requests by their heads.
package protocol Doorkeeper: Sendable {
    /// Is called on the event loop of the connection, so that what is refused costs no switch to another thread. It must not wait.
    func judge(_ head: RequestHead) -> Verdict
}

/// What becomes of a request by its head.
package enum Verdict: Sendable {
    /// It is answered, and its body is not read on.
    case finished(Answer)
    case open(any OpenRequest)
}

/// A request whose head was let in, and whose body is to be read.
package protocol OpenRequest: Sendable {
    /// The longest body.
    var mostBodyBytes: Int { get }

    /// Answers, when the whole body has come. Is called once, on the event loop of the connection, and must not wait.
    ///
    /// - Parameter give: to be called once, from any thread.
    func answer(_ body: BodyPieces, _ give: @escaping @Sendable (Answer) -> Void)

    /// Answers in place of ``answer(_:_:)`` when the body does not come to its end.
    func refuse(_ fault: BodyFault) -> Answer
}

/// Why a body is not read to its end.
package enum BodyFault: Sendable {
    case tooLarge
    /// The bodies of all connections hold too much.
    case noRoom
    /// The connection ended within it: there is no one to answer.
    case incomplete
}
