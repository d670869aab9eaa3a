import OutboxStore

/// Decides which server a worker works on: one at a time, and never one that it has left. No I/O.
///
/// An old primary that is started again without a fence takes connections too. A worker that goes back to it sends what the new one
/// has sent already.
struct ServerAgreement {
    enum Verdict: Equatable {
        /// It is the server of the other connections.
        case agreed
        /// It is the next one: the other connections must follow.
        case moved
        /// The worker has left it.
        case refused
    }

    /// How many left servers are remembered; a worker that has moved more often than that may go back to the first.
    static let memory = 16

    private struct Place: Hashable {
        let cluster: Int64
        let database: Int64

        init(_ identity: ServerIdentity) {
            cluster = identity.cluster
            database = identity.database
        }
    }

    private(set) var current: ServerIdentity?
    private var left: [Place] = []

    mutating func judge(_ server: ServerIdentity) -> Verdict {
        // Nothing can be written on a standby, so no harm comes of it.
        guard let timeline = server.timeline else { return .agreed }
        guard let current, let known = current.timeline else {
            self.current = server
            return .agreed
        }
        guard server != current else { return .agreed }
        if Place(server) == Place(current) {
            guard timeline > known else { return .refused }
        } else {
            guard !left.contains(Place(server)) else { return .refused }
            left = left.suffix(Self.memory - 1) + [Place(current)]
        }
        self.current = server
        return .moved
    }
}
