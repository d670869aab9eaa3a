import Inbox
import NIOHTTP1
import Outbox

/// The head of a request, as far as the inbox looks at it.
struct IncomingRequest: Sendable {
    let method: String
    /// The name in the path `/in/NAME`; nil for any other path.
    let sourceName: String?
    /// What stands behind the question mark.
    let query: String
    /// In the order in which they came, their names in lower case; a name may stand there twice.
    let headers: [(name: String, value: String)]
    /// The other end of the connection.
    let peer: IPAddress?

    private static let prefix = "/in/"
    /// What is a secret by itself is not kept, nor what says only how the server was found.
    private static let droppedHeaders: Set<String> = ["authorization", "cookie", "host", "proxy-authorization"]

    init(_ head: HTTPRequestHead, peer: IPAddress?) {
        method = head.method.rawValue
        let target = Self.origin(of: head.uri)
        let path = target.prefix { $0 != "?" }
        query = String(target.dropFirst(path.count + 1))
        sourceName =
            path.hasPrefix(Self.prefix)
            ? PercentCoding.decode(path.dropFirst(Self.prefix.count)).flatMap { bytes in
                bytes.isEmpty ? nil : String(validating: bytes, as: UTF8.self)
            } : nil
        headers = head.headers.map { (name: $0.name.lowercased(), value: $0.value) }
        self.peer = peer
    }

    /// Path and query of a target, of one in absolute form too (RFC 9112 section 3.2.2).
    private static func origin(of target: String) -> Substring {
        guard target.utf8.first != UInt8(ascii: "/") else { return target[...] }
        let parts = target.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[1].isEmpty, ["http:", "https:"].contains(parts[0].lowercased()) else {
            return target[...]
        }
        return target[target.index(before: parts[3].startIndex)...]
    }

    /// The first value of a header, whose name is given in lower case.
    func value(of name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    /// How long the body is, where the head says so.
    var contentLength: Int? { value(of: "content-length").flatMap { Int($0) } }

    /// Whether its sender waits for permission to send the body.
    var expectsContinue: Bool { value(of: "expect")?.lowercased() == "100-continue" }

    /// Whether its sender wants the connection to end with the answer.
    var closes: Bool { value(of: "connection")?.lowercased() == "close" }

    /// Whether what follows the head has a known length that is no more than this, and comes without being asked for.
    func isShort(_ most: Int) -> Bool {
        !expectsContinue && value(of: "transfer-encoding") == nil && contentLength ?? 0 <= most
    }

    var keptHeaders: ReceivedHeaders {
        ReceivedHeaders(headers.filter { !Self.droppedHeaders.contains($0.name) })
    }
}
