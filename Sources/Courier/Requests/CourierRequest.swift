package import Outbox

/// One request to make: a POST along a route.
///
/// A class, so that the caller's own object travels through the courier and comes back in the result unchanged.
package protocol CourierRequest: AnyObject, Sendable {
    /// Where the request goes.
    var route: CourierRoute { get }
    /// What it carries.
    var body: RequestBody { get }
    /// The last instant at which the request may be sent; after it, nothing is. Past it, the lease might end before the
    /// answer is in, and another worker would send the same.
    var mustStartBefore: ContinuousClock.Instant { get }

    /// Appends the lines that belong to this request alone.
    ///
    /// Called on the courier's queue right before the request goes out, so that its timestamp and signature are fresh and
    /// the work of signing is spread over the couriers.
    /// - Parameters:
    ///   - unixTime: seconds since 1970.
    ///   - lines: where to append; empty.
    /// - Throws: when the request must not go out, because it cannot be signed for example. Its result says so, and
    ///   nothing is sent.
    func appendHeaders(atUnixTime unixTime: Int64, to lines: inout HeaderLines) throws(RequestRefusal)
}

/// Why a request cannot be made. Nothing of it was sent.
package struct RequestRefusal: Error, Hashable, Sendable {
    package let code: ErrorCode
    /// Short; holds no secret, no address and no part of the URL.
    package let detail: String

    package init(_ code: ErrorCode, _ detail: String) {
        self.code = code
        self.detail = detail
    }
}
