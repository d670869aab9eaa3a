/// Why a text is not JSON.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where, counted in bytes from 0.
    package let offset: Int
    package var description: String { "it is not JSON at byte \(offset)" }
}

/// Reads a JSON text, strictly as RFC 8259 has it.
package struct JSONParser {
    /// What is nested more deeply is refused: each level takes a part of the stack.
    private static let mostDepth = 128
    /// Exponents beyond this are cut: no such number differs from another in any way that matters.
    private static let mostExponent = 1_000_000_000

    private let bytes: [UInt8]
    private var position = 0

    package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes: bytes)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.error }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var error: JSONError { JSONError(offset: position) }
    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func require(_ word: StaticString) throws(JSONError) {
        for byte in "\(word)".utf8 {
            guard take(byte) else { throw error }
        }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth < Self.mostDepth else { throw error }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try require("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try require("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try require("null")
            return .null
        default: return .number(try number())
        }
    }

    private mutating func object(_ depth: Int) throws(JSONError) -> JSONValue {
        position += 1
        var members: [JSONMember] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object([]) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error }
            members.append(JSONMember(name: name, value: try value(depth: depth + 1)))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw error }
        return .object(members)
    }

    private mutating func array(_ depth: Int) throws(JSONError) -> JSONValue {
        position += 1
        var values: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array([]) }
        repeat {
            values.append(try value(depth: depth + 1))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw error }
        return .array(values)
    }

    private mutating func digits(into all: inout [UInt8]) throws(JSONError) {
        let first = position
        while let byte = next, (0x30...0x39).contains(byte) {
            all.append(byte - 0x30)
            position += 1
        }
        guard position > first else { throw error }
    }

    private mutating func number() throws(JSONError) -> JSONNumber {
        let isNegative = take(UInt8(ascii: "-"))
        var all: [UInt8] = []
        let isZero = next == UInt8(ascii: "0")
        try digits(into: &all)
        guard !isZero || all.count == 1 else { throw error }
        var power = 0
        if take(UInt8(ascii: ".")) {
            let whole = all.count
            try digits(into: &all)
            power = whole - all.count
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            let isDown = take(UInt8(ascii: "-"))
            if !isDown { _ = take(UInt8(ascii: "+")) }
            var written: [UInt8] = []
            try digits(into: &written)
            let size = written.reduce(0) { min($0 * 10 + Int($1), Self.mostExponent) }
            power += isDown ? -size : size
        }
        return JSONNumber(isNegative: isNegative, digits: all, exponent: power)
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw error }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0x00..<0x20: throw error
            default: text.append(byte)
            }
        }
        throw error
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = next else { throw error }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var units = [try unit()]
            // A pair stands for one character; half a pair is read as U+FFFD.
            if UTF16.isLeadSurrogate(units[0]), position + 1 < bytes.count, next == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                units.append(try unit())
            }
            text += Array(String(decoding: units, as: UTF16.self).utf8)
        default: throw error
        }
    }

    private mutating func unit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw error }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}
