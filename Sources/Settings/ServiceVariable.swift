import Outbox

/// A variable that Kubernetes sets in each container for each Service of its namespace, as Docker did for links.
///
/// A Service that is called `postrider`, or `postrider-…`, makes such variables with our prefix. They are no settings, and
/// neither are they typing errors.
/// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
enum ServiceVariable {
    private static let protocols = ["tcp", "udp", "sctp"]

    /// Whether the name and the value are such ones: `POSTRIDER_PORT=8080` is not, since that would be `tcp://10.0.0.11:8080`.
    static func isOne(name: String, value: String) -> Bool {
        if name.hasSuffix("_SERVICE_HOST") { return isHost(value) }
        // One for the first port, and one for each port with a name.
        if name.hasSuffix("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") { return isPort(value) }
        if name.contains("_PORT_"), let verdict = ofOnePort(name, value) { return verdict }
        return name.hasSuffix("_PORT") && isAddress(value)
    }

    /// `…_PORT_8080_TCP`, and its parts. Nil for another name.
    private static func ofOnePort(_ name: String, _ value: String) -> Bool? {
        for word in protocols {
            let end = "_\(word.uppercased())"
            if name.hasSuffix(end) { return isAddress(value) }
            if name.hasSuffix("\(end)_PROTO") { return value == word }
            if name.hasSuffix("\(end)_PORT") { return isPort(value) }
            if name.hasSuffix("\(end)_ADDR") { return isHost(value) }
        }
        return nil
    }

    private static func isHost(_ text: String) -> Bool { IPAddress(text) != nil }

    private static func isPort(_ text: String) -> Bool { UInt16(text) != nil }

    private static func isAddress(_ text: String) -> Bool { protocols.contains { text.hasPrefix("\($0)://") } }
}
