/// Why the policy of this installation refuses a well-formed endpoint URL.
public struct EndpointRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules.
    public enum Code: String, CaseIterable, Sendable {
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
    public let code: Code
    /// One line for a person. It quotes host and port only.
    public let message: String

    /// The message.
    public var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
