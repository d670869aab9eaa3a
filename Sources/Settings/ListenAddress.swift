package import Outbox

/// An address and a port to listen on: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`.
///
/// Names other than `localhost` are not resolved: where a server listens must not depend on a name server.
package struct ListenAddress: Hashable, Sendable {
    /// `0.0.0.0` and `[::]` stand for all addresses.
    package let host: IPAddress
    /// Port 0, which lets the system choose, is not accepted in configuration.
    package let port: UInt16

    package init(host: IPAddress, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// A port of this machine that no other machine reaches.
    package static func loopback(port: UInt16) -> Self {
        Self(host: .v4(0x7f00_0001), port: port)
    }

    /// Reads `HOST:PORT`; nil when it is anything else.
    /// - Parameter allowingAnyPort: whether port 0 may stand for "any free port".
    package init?(_ text: String, allowingAnyPort: Bool = false) {
        guard let colon = text.lastIndex(of: ":"),
            let number = DecimalNumber.parse(text[text.index(after: colon)...].utf8),
            let port = UInt16(exactly: number), port > 0 || allowingAnyPort,
            let host = Self.host(text[..<colon])
        else { return nil }
        self.init(host: host, port: port)
    }

    private static func host(_ text: Substring) -> IPAddress? {
        guard text != "localhost" else { return .v4(0x7f00_0001) }
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]")
        switch IPAddress(String(isBracketed ? text.dropFirst().dropLast() : text)) {
        case .v4(let bits): return isBracketed ? nil : .v4(bits)
        case .v6(let high, let low): return isBracketed ? .v6(high: high, low: low) : nil
        case nil: return nil
        }
    }
}

extension ListenAddress: CustomStringConvertible {
    package var description: String {
        switch host {
        case .v4: "\(host):\(port)"
        case .v6: "[\(host)]:\(port)"
        }
    }
}
