import Outbox

/// What decides about the deliveries of an endpoint before they are sent: its filter, its transform, or both.
struct Shaping: Hashable, Sendable {
    /// An SQL/JSON path predicate.
    let filter: String?
    /// A function, as SQL writes its name.
    let transform: String?

    /// Nil where there is neither.
    init?(filter: String?, transform: String?) {
        guard filter != nil || transform != nil else { return nil }
        self.filter = filter
        self.transform = transform
    }

    /// What an attempt fails with that took too long. Of the two a filter seldom does.
    var errorCode: ErrorCode { transform == nil ? .filterError : .transformError }
}
