internal import Glibc

/// An address of type `inet`, as text: `192.0.2.1`, `2001:db8::/32`.
package struct PostgresInet: Hashable, Sendable {
    /// The address, with `/` and the length of the prefix where it is a network.
    package var text: String

    /// An address as text. A statement with text that is no address fails with ``PostgresError/Code/invalidParameter``.
    package init(_ text: String) {
        self.text = text
    }
}

extension PostgresInet: PostgresValue {
    /// `inet`
    package static var type: PostgresType { .inet }

    // src/backend/utils/adt/network.c: family, length of the prefix, whether it is a cidr, number of bytes, bytes.
    private static let family4: UInt8 = 2
    private static let family6: UInt8 = 3

    /// Family, prefix, address.
    package func encode(into buffer: inout PostgresBuffer) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let address = String(parts[0])
        let bytes = Self.parse(address, AF_INET, 4) ?? Self.parse(address, AF_INET6, 16)
        guard let bytes else { return buffer.fail("not an address of type inet") }
        let whole = bytes.count * 8
        guard let prefix = parts.count == 1 ? whole : Int(parts[1]), (0...whole).contains(prefix) else {
            return buffer.fail("not a network of type inet")
        }
        buffer.append([bytes.count == 4 ? Self.family4 : Self.family6, UInt8(truncatingIfNeeded: prefix), 0])
        buffer.append(UInt8(truncatingIfNeeded: bytes.count))
        buffer.append(bytes)
    }

    /// `inet`
    package static func decode(_ field: borrowing PostgresField) throws(PostgresError) -> PostgresInet {
        guard field.type == .inet else { throw field.mismatch(.inet) }
        let bytes = unsafe Array(try field.bytes())
        let isFour = bytes.first == family4
        guard bytes.count == (isFour ? 8 : 20) else { throw field.unexpected("has \(bytes.count) bytes") }
        guard let address = format(Array(bytes[4...]), isFour ? AF_INET : AF_INET6) else {
            throw field.unexpected("holds no address")
        }
        let prefix = Int(bytes[1])
        return PostgresInet(prefix == (isFour ? 32 : 128) ? address : "\(address)/\(prefix)")
    }

    private static func parse(_ text: String, _ family: Int32, _ size: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: size)
        return unsafe inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }

    private static func format(_ bytes: [UInt8], _ family: Int32) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            unsafe inet_ntop(family, bytes, text.baseAddress, socklen_t(INET6_ADDRSTRLEN)).map {
                unsafe String(cString: $0)
            }
        }
    }
}
