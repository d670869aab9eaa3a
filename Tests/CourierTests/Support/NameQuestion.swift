import Outbox

@testable import Courier

/// A question to a name server, as RFC 1035, section 4 writes it, and the answers that it can get.
struct NameQuestion {
    let id: [UInt8]
    let name: String
    let type: Int32
    private let text: [UInt8]

    init?(_ message: ArraySlice<UInt8>) {
        var rest = message.dropFirst(12)
        guard message.count > 16 else { return nil }
        var labels: [String] = []
        while let length = rest.popFirst(), length > 0, rest.count > Int(length) {
            labels.append(String(decoding: rest.prefix(Int(length)), as: UTF8.self))
            rest = rest.dropFirst(Int(length))
        }
        guard rest.count >= 4 else { return nil }
        type = Int32(rest[rest.startIndex]) << 8 | Int32(rest[rest.startIndex + 1])
        text = Array(message[(message.startIndex + 12)..<(rest.startIndex + 4)])
        id = Array(message.prefix(2))
        name = labels.joined(separator: ".").lowercased()
    }

    /// A question for a name, as if it had been sent.
    init(name: String, family: AddressFamily) {
        self.name = name
        id = [1, 2]
        type = family.recordType
        text = Self.encode(name) + [0, UInt8(family.recordType), 0, 1]
    }

    var noise: [UInt8] { id + [0x81, 0x80, 0, 1, 0, 1] }

    func reply(code: UInt8) -> [UInt8] {
        id + [0x81, 0x80 | code, 0, 1, 0, 0, 0, 0, 0, 0] + text
    }

    /// The addresses of the family that was asked for.
    ///
    /// - Parameter limit: the size from which on the answer says only that it was cut off.
    func reply(
        _ addresses: [IPAddress], timeToLive: UInt32, alias: (name: String, timeToLive: UInt32)? = nil,
        limit: Int? = nil
    ) -> [UInt8] {
        var records: [UInt8] = []
        var owner: [UInt8] = [0xC0, 12]
        if let alias {
            let name = Self.encode(alias.name)
            records += owner + [0, 5, 0, 1] + Self.bytes(alias.timeToLive) + [0, UInt8(name.count)] + name
            owner = name
        }
        let matching = addresses.map(\.octets).filter { ($0.count == 4) == (type == AddressFamily.v4.recordType) }
        for octets in matching {
            records += owner + [0, UInt8(type), 0, 1] + Self.bytes(timeToLive) + [0, UInt8(octets.count)] + octets
        }
        if let limit, records.count + text.count + 12 > limit {
            return id + [0x83, 0x80, 0, 1, 0, 0, 0, 0, 0, 0] + text
        }
        let count = matching.count + (alias == nil ? 0 : 1)
        return id + [0x81, 0x80, 0, 1, UInt8(count >> 8), UInt8(count & 0xFF), 0, 0, 0, 0] + text + records
    }

    private static func encode(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        [UInt8(number >> 24), UInt8(number >> 16 & 0xFF), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)]
    }
}
