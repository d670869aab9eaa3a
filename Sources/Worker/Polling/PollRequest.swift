import Courier
import Outbox

/// Asks for what a callback did not tell: a GET by all the rules of a delivery.
final class PollRequest: SideRequest {
    /// How long the exchange may take. Longer, and mute ones keep others waiting; shorter, and slow ones never answer.
    static let timeout = Duration.seconds(10)
    /// How much of an answer is kept: no courier reads more. What is longer is no answer.
    static let mostBytes = 64 * 1024

    let route: CourierRoute
    let body = RequestBody([])
    let mustStartBefore: ContinuousClock.Instant
    let passesOthers = false
    let keptBytes = PollRequest.mostBytes
    let end: @Sendable (CourierResult) -> [CourierResult]
    private let headers: HeaderFields

    init(
        along route: CourierRoute, headers: HeaderFields, mustStartBefore: ContinuousClock.Instant,
        end: @escaping @Sendable (CourierResult) -> [CourierResult]
    ) {
        self.route = route
        self.headers = headers
        self.mustStartBefore = mustStartBefore
        self.end = end
    }

    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal) {
        if !headers.fields.contains(where: { $0.canonicalName == "accept" }) {
            lines.append("accept", "application/json")
        }
        for field in headers.fields { lines.append(field.name, field.value) }
    }
}
