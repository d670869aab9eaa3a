/// A value within JSON text (RFC 8259), found without building a tree: a number stays as it was written.
///
/// It expects JSON that the database has taken. In anything else it finds nothing, or something that is no value; it never
/// reads beyond the end, and nesting costs no stack.
package struct JSONText: Sendable {
    private let bytes: ArraySlice<UInt8>

    /// The text of one value, perhaps with white space around it.
    package init(_ bytes: some Sequence<UInt8>) {
        self.init(slice: Array(bytes)[...])
    }

    private init(slice: ArraySlice<UInt8>) {
        bytes = slice
    }

    /// The value at a path of names and, within arrays, places from 0. Of two members with one name the last counts, as for
    /// PostgreSQL's jsonb and for JavaScript.
    package func value(at path: some Sequence<String>) -> JSONText? {
        var value = self
        for step in path {
            guard let next = value.child(step) else { return nil }
            value = next
        }
        return value
    }

    /// The content of a string, nothing for null, and any other value as it was written.
    package var plainText: String {
        var scanner = Scanner(bytes)
        scanner.skipSpace()
        if scanner.next == UInt8(ascii: "\"") { return scanner.string() ?? "" }
        let written = scanner.value() ?? []
        return written.elementsEqual("null".utf8) ? "" : String(decoding: written, as: UTF8.self)
    }

    /// The value as it was written, without the white space around it.
    package var written: [UInt8] {
        var scanner = Scanner(bytes)
        scanner.skipSpace()
        return Array(scanner.value() ?? [])
    }

    private func child(_ step: String) -> JSONText? {
        var scanner = Scanner(bytes)
        scanner.skipSpace()
        if scanner.take(UInt8(ascii: "{")) { return member(step, &scanner) }
        guard scanner.take(UInt8(ascii: "[")), step.utf8.count <= 9, var place = Int(step), place >= 0 else {
            return nil
        }
        repeat {
            guard let element = scanner.value() else { return nil }
            if place == 0 { return JSONText(slice: element) }
            place -= 1
        } while scanner.takeAfterSpace(UInt8(ascii: ","))
        return nil
    }

    private func member(_ name: String, _ scanner: inout Scanner) -> JSONText? {
        var found: JSONText?
        repeat {
            scanner.skipSpace()
            guard let key = scanner.string(), scanner.takeAfterSpace(UInt8(ascii: ":")), let value = scanner.value()
            else { break }
            if key == name { found = JSONText(slice: value) }
        } while scanner.takeAfterSpace(UInt8(ascii: ","))
        return found
    }
}

/// Walks over JSON text from value to value.
private struct Scanner {
    private let bytes: ArraySlice<UInt8>
    private var place: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    var next: UInt8? { place < bytes.endIndex ? bytes[place] : nil }

    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        place += 1
        return true
    }

    mutating func takeAfterSpace(_ byte: UInt8) -> Bool {
        skipSpace()
        return take(byte)
    }

    mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { place += 1 }
    }

    /// The text of the value that begins here, of any kind.
    mutating func value() -> ArraySlice<UInt8>? {
        skipSpace()
        let start = place
        var depth = 0
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                guard skipString() else { return nil }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                place += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","):
                guard depth > 0 else { return place > start ? bytes[start..<place] : nil }
                if byte != UInt8(ascii: ",") { depth -= 1 }
                place += 1
            case 0x20, 0x09, 0x0A, 0x0D:
                guard depth > 0 else { return bytes[start..<place] }
                place += 1
            default: place += 1
            }
            if depth == 0, byte != UInt8(ascii: ","), isEndOfValue(byte) { return bytes[start..<place] }
        }
        return depth == 0 && place > start ? bytes[start..<place] : nil
    }

    private func isEndOfValue(_ last: UInt8) -> Bool {
        last == UInt8(ascii: "}") || last == UInt8(ascii: "]") || last == UInt8(ascii: "\"")
    }

    private mutating func skipString() -> Bool {
        place += 1
        while let byte = next {
            place += 1
            if byte == UInt8(ascii: "\"") { return true }
            if byte == UInt8(ascii: "\\"), next != nil { place += 1 }
        }
        return false
    }

    /// The content of the string that begins here.
    mutating func string() -> String? {
        let start = place
        guard next == UInt8(ascii: "\""), skipString() else { return nil }
        let inside = bytes[(start + 1)..<(place - 1)]
        guard inside.contains(UInt8(ascii: "\\")) else { return String(decoding: inside, as: UTF8.self) }
        return Self.unescaped(inside)
    }

    private static func unescaped(_ inside: ArraySlice<UInt8>) -> String {
        // As UTF-16, since escapes are: a lone half of a pair becomes the replacement character.
        var units: [UInt16] = []
        var plain: [UInt8] = []
        var rest = inside
        func flush() {
            units.append(contentsOf: String(decoding: plain, as: UTF8.self).utf16)
            plain = []
        }
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let kind = rest.popFirst() else {
                plain.append(byte)
                continue
            }
            switch kind {
            case UInt8(ascii: "n"): plain.append(0x0A)
            case UInt8(ascii: "t"): plain.append(0x09)
            case UInt8(ascii: "r"): plain.append(0x0D)
            case UInt8(ascii: "b"): plain.append(0x08)
            case UInt8(ascii: "f"): plain.append(0x0C)
            case UInt8(ascii: "u"):
                flush()
                let digits = rest.prefix(4)
                rest = rest.dropFirst(4)
                units.append(UInt16(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0xFFFD)
            default: plain.append(kind)
            }
        }
        flush()
        return String(decoding: units, as: UTF16.self)
    }
}
