import NIOHTTP1
package import Outbox

/// The head of a request.
package struct RequestHead: Sendable {
    package let method: String
    /// As it came.
    package let target: String
    package let path: Substring
    package let query: Substring
    /// In the order in which they came, their names in lower case; a name may stand there twice.
    package let headers: [(name: String, value: String)]
    /// The other end of the connection.
    package let peer: IPAddress?
    /// Whether its sender wants the connection to end with the answer.
    let closes: Bool

    init(_ head: HTTPRequestHead, peer: IPAddress?) {
        method = head.method.rawValue
        target = head.uri
        let parts = RequestURI(target)
        (path, query) = (parts.path, parts.query)
        headers = head.headers.map { (name: $0.name.lowercased(), value: $0.value) }
        self.peer = peer
        closes = !head.isKeepAlive
    }

    /// The first value of a header, whose name is given in lower case.
    package func value(of name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    /// All values of a header, whose name is given in lower case.
    package func values(of name: String) -> [String] {
        headers.filter { $0.name == name }.map(\.value)
    }

    /// How long the body is, where the head says so.
    package var contentLength: Int? { value(of: "content-length").flatMap { Int($0) } }

    /// Whether its sender waits for permission to send the body.
    var expectsContinue: Bool { value(of: "expect")?.lowercased() == "100-continue" }

    /// Whether what follows the head has a known length that is no more than this, and comes without being asked for.
    func isShort(_ most: Int) -> Bool {
        !expectsContinue && value(of: "transfer-encoding") == nil && contentLength ?? 0 <= most
    }
}
