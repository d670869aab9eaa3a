package import Outbox

/// The method of a request.
package enum CourierMethod: String, Sendable {
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    /// Asks a receiver what it accepts; the body is empty.
    case options = "OPTIONS"
    /// Asks for what is there. It has no body.
    case get = "GET"

    package init(_ method: RequestMethod) {
        self =
            switch method {
            case .post: .post
            case .put: .put
            case .patch: .patch
            }
    }
}
