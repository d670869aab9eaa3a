/// The method of the requests to an endpoint.
package enum RequestMethod: String, CaseIterable, Sendable {
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"

    /// - Parameter word: the value of `--method`.
    package init(word: String) throws(InvalidText) {
        guard let method = Self(rawValue: word) else {
            throw InvalidText(.method, "\(Excerpt(word)) is not a method for webhooks; use POST, PUT or PATCH")
        }
        self = method
    }
}
