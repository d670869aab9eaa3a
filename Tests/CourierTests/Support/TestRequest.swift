import Courier
import Outbox

/// A request with a number, so that results can be told apart.
final class TestRequest: CourierRequest {
    let route: CourierRoute
    let body: RequestBody
    let mustStartBefore: ContinuousClock.Instant
    let passesOthers: Bool
    let number: Int
    private let headers: [(String, String)]
    /// Thrown once headers were appended.
    private let refusal: RequestRefusal?

    init(
        _ route: CourierRoute, number: Int = 0, body: [UInt8] = Array("hello".utf8), headers: [(String, String)] = [],
        refusal: RequestRefusal? = nil, mustStartBefore: ContinuousClock.Instant = .now + .seconds(3600),
        passesOthers: Bool = false
    ) {
        self.route = route
        self.number = number
        self.body = RequestBody(body)
        self.headers = headers
        self.refusal = refusal
        self.mustStartBefore = mustStartBefore
        self.passesOthers = passesOthers
    }

    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal) {
        lines.append("webhook-timestamp", String(unixTime))
        for (name, value) in headers { lines.append(name, value) }
        if let refusal { throw refusal }
    }
}
