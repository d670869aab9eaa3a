import Courier
import Outbox

/// A host of one or more endpoints, and the result of connecting to it.
struct HostReach: Sendable {
    /// Host and port.
    let place: String
    /// An endpoint that is there.
    let endpoint: String
    let reach: Reach
}
