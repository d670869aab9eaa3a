import Doors
import Inbox

extension RequestHead {
    private static let inboxPrefix = "/in/"
    /// What is a secret by itself is not kept, nor what says only how the server was found.
    private static let droppedHeaders: Set<String> = ["authorization", "cookie", "host", "proxy-authorization"]

    /// The name in the path `/in/NAME`; nil for any other path.
    var sourceName: String? {
        guard path.hasPrefix(Self.inboxPrefix),
            let bytes = PercentCoding.decode(path.dropFirst(Self.inboxPrefix.count)), !bytes.isEmpty
        else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// What is stored of the headers.
    var keptHeaders: ReceivedHeaders {
        ReceivedHeaders(headers.filter { !Self.droppedHeaders.contains($0.name) })
    }
}
