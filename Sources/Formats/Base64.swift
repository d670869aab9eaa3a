/// Base64 with the standard alphabet (RFC 4648 section 4), on bytes: signing needs no Foundation.
package enum Base64 {
    /// With padding.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        Array(bytes).withUnsafeBytes { append($0, to: &text) }
        return String(decoding: text, as: UTF8.self)
    }

    /// With padding. On plain memory, because it runs for every request: over any sequence, each byte would cost a call.
    package static func append(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: (bytes.count + 2) / 3 * 4) { digits in
            var place = 0
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let count = min(3, bytes.count - start)
                var group: UInt32 = 0
                for index in 0..<3 {
                    group = unsafe group << 8 | (index < count ? UInt32(bytes[start + index]) : 0)
                }
                for index in 0..<4 {
                    unsafe digits[place] = index <= count ? character(group >> (18 - 6 * UInt32(index))) : padding
                    place += 1
                }
            }
            unsafe text.append(contentsOf: UnsafeBufferPointer(digits))
        }
    }

    /// The padding may be missing altogether, as Python's library allows. Half of the padding, other alphabets, white space
    /// and stray bits at the end are refused, so that no two texts with padding mean the same bytes.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        let digits = text.prefix { $0 != padding }
        let pads = text.dropFirst(digits.count)
        let missing = (4 - digits.count % 4) % 4
        guard missing != 3, pads.allSatisfy({ $0 == padding }), pads.isEmpty || pads.count == missing else {
            return nil
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 4 * 3 + 2)
        var buffer: UInt32 = 0
        var bits = 0
        for digit in digits {
            guard let value = value(digit) else { return nil }
            buffer = buffer << 6 | value
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> bits))
                buffer &= (1 << bits) - 1
            }
        }
        return buffer == 0 ? bytes : nil
    }

    private static let padding = UInt8(ascii: "=")

    private static func character(_ value: UInt32) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: value & 0x3f)
        switch value {
        case ..<26: return UInt8(ascii: "A") + value
        case ..<52: return UInt8(ascii: "a") + value - 26
        case ..<62: return UInt8(ascii: "0") + value - 52
        case 62: return UInt8(ascii: "+")
        default: return UInt8(ascii: "/")
        }
    }

    private static func value(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a") + 26)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0") + 52)
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
