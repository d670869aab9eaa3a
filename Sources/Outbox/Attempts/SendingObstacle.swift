/// Why nothing can be sent: to an endpoint as it is stored, of an event as it is stored, or by this worker.
package struct SendingObstacle: Error, Hashable, Sendable {
    package enum Kind: Hashable, CaseIterable, Sendable {
        case invalidURL
        /// A header of the endpoint or of the event breaks a rule.
        case invalidHeaders
        /// The endpoint's row cannot be read, or a setting of it breaks a rule.
        case invalidEndpoint
        /// The event's row cannot be read, or a column of it breaks a rule.
        case invalidEvent
        /// The address policy forbids the address or the name in the URL.
        case blockedAddress
        /// A signing secret cannot be read, by no worker.
        case secretUnavailable
        /// A signing secret is sealed with a key that this process does not have.
        case keyMissing
    }

    package let kind: Kind
    /// One line for a person; never holds a secret.
    package let message: String
    /// Whether it lies with how this process was started, so that another worker may send what this one cannot.
    package let isOfThisProcess: Bool
    /// Whether the delivery waits for another worker, and no attempt is counted. Not for the sake of a forbidden address, which
    /// some enter on purpose: it is recorded with its reason and tried again, as if a name had resolved to it.
    package var isHeldBack: Bool { isOfThisProcess && kind != .blockedAddress }

    package init(_ kind: Kind, _ message: String, isOfThisProcess: Bool = false) {
        self.kind = kind
        self.message = message
        self.isOfThisProcess = isOfThisProcess || kind == .keyMissing
    }

    package var errorCode: ErrorCode {
        switch kind {
        case .invalidURL: .invalidURL
        case .invalidHeaders: .invalidHeaders
        case .invalidEndpoint: .invalidEndpoint
        case .invalidEvent: .invalidEvent
        case .blockedAddress: .blockedAddress
        case .secretUnavailable, .keyMissing: .secretUnavailable
        }
    }
}
