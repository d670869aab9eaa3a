/// How a receiver is asked whether it wants what is sent to it, before anything is.
package enum Verification: String, CaseIterable, Sendable {
    /// It is not asked.
    case none
    /// A signed request whose answer must hold a random text of it.
    case challenge
    /// The handshake of CloudEvents: OPTIONS, and the sender's name in the answer.
    case cloudevents
}
