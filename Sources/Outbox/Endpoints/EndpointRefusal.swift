/// Why the policy of this installation refuses a well-formed endpoint URL.
package struct EndpointRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules.
    package enum Code: String, CaseIterable, Sendable {
        /// `http://` is not allowed here.
        case http
        /// The literal address lies in a blocked network.
        case address
        /// The name means this machine, a private network or a cloud's metadata service.
        case name
        /// The port belongs to a service that does not speak HTTP, or is a system port other than 80 and 443.
        case port
    }

    /// The rule.
    package let code: Code
    /// One line for a person. It quotes host and port only.
    package let message: String

    /// The message.
    package var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
