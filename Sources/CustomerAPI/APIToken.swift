import Crypto
import Formats

/// What a customer proves themselves with: `prt_` and 32 random bytes in Base64url. Only ``hash`` is ever stored.
package struct APIToken: Sendable {
    package static let randomByteCount = 32

    private static let prefix = "prt_"
    private static let digitCount = 43

    /// The token itself, for the one time that it is shown.
    package let revealed: String

    /// - Parameter bytes: ``randomByteCount`` of a cryptographic source.
    package init(bytes: [UInt8]) {
        revealed =
            Self.prefix
            + Base64.encode(bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// - Parameter authorization: the value of the header.
    /// - Returns: nil where it bears no token of this form: the database need not be asked.
    package init?(authorization: String) {
        let parts = authorization.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let digits = parts[1].utf8.dropFirst(Self.prefix.utf8.count)
        guard parts[1].hasPrefix(Self.prefix), digits.count == Self.digitCount,
            digits.allSatisfy(Self.isDigit)
        else { return nil }
        revealed = String(parts[1])
    }

    package var hash: [UInt8] { Array(SHA256.hash(data: Array(revealed.utf8))) }

    private static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension APIToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Never the token.
    package var description: String { "\(Self.prefix)…" }
    /// Never the token.
    package var debugDescription: String { description }
    /// Never the token.
    package var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
