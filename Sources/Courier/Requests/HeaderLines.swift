import Outbox

/// The header lines of one request, checked as they are appended and stored without an allocation for each.
///
/// A line that could change how the request is framed, or smuggle another line in, is not stored: `refusal` says which,
/// and the courier sends nothing. Headers are checked when they are configured as well; this is the last wall.
package struct HeaderLines: Sendable {
    /// The most lines that one request carries.
    package static let maximumLines = 128
    /// The most bytes that the lines of one request take together.
    package static let maximumBytes = 64 * 1024

    /// The first line that was refused, named by its header, if there was one.
    package private(set) var refusal: String?

    /// The lines in libcurl's notation: pieces, each ended by a zero byte.
    ///
    /// Lines that follow each other stand in one piece, with the line ends of HTTP between them. libcurl sends a piece as it
    /// is, and for each header that it might add by itself it looks through all pieces: with one a line, that is a hundred
    /// comparisons of strings a request.
    private(set) var bytes: [UInt8] = []
    /// Where each piece begins in `bytes`.
    private(set) var starts: [Int] = []
    /// Whether another line may follow in the last piece.
    private var isOpen = false

    package init() {}

    package private(set) var count = 0

    /// Appends the line `name: value`.
    ///
    /// - Parameters:
    ///   - name: a token of RFC 9110, section 5.6.2, and none of the names that only the courier may set.
    ///   - value: visible ASCII, spaces and tabs.
    package mutating func append(_ name: String, _ value: String) {
        var value = value
        value.withUTF8 { value in unsafe append(name, value) }
    }

    /// Appends the line `name: value`, the value as bytes: visible ASCII, spaces and tabs.
    package mutating func append(_ name: String, bytes value: [UInt8]) {
        unsafe value.withUnsafeBufferPointer { value in unsafe append(name, value) }
    }

    private mutating func append(_ name: String, _ value: UnsafeBufferPointer<UInt8>) {
        var name = name
        name.withUTF8 { name in unsafe append(name, value) }
    }

    private mutating func append(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        let length = name.count + value.count + 4
        let fits = count < Self.maximumLines && bytes.count + length <= Self.maximumBytes
        let kind = unsafe Self.kind(of: value)
        guard fits, kind != .forbidden, unsafe Self.isName(name) else {
            unsafe refusal = refusal ?? String(decoding: name.prefix(64).filter(\.isTokenCharacter), as: UTF8.self)
            return
        }
        beginLine(alone: kind == .blank)
        unsafe bytes.append(contentsOf: name)
        if kind == .blank {
            // libcurl takes "Name:" for an order to leave the header out, and "Name;" for an empty value.
            bytes.append(0x3B)
        } else {
            bytes.append(0x3A)
            bytes.append(0x20)
            unsafe bytes.append(contentsOf: value)
        }
        bytes.append(0)
    }

    /// Tells libcurl not to send `name`, a header that it would add by itself.
    mutating func suppress(_ name: String) {
        beginLine(alone: true)
        bytes.append(contentsOf: name.utf8)
        bytes.append(0x3A)
        bytes.append(0)
    }

    /// - Parameter alone: libcurl must see it, so it gets a piece of its own.
    private mutating func beginLine(alone: Bool) {
        count += 1
        if isOpen && !alone {
            bytes[bytes.count - 1] = 0x0D
            bytes.append(0x0A)
        } else {
            starts.append(bytes.count)
        }
        isOpen = !alone
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        count = 0
        isOpen = false
        refusal = nil
    }

    private enum ValueKind {
        case visible
        /// Nothing but spaces and tabs, or nothing at all.
        case blank
        case forbidden
    }

    private static func kind(of value: UnsafeBufferPointer<UInt8>) -> ValueKind {
        guard unsafe value.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }) else { return .forbidden }
        return unsafe value.allSatisfy { $0 == 0x20 || $0 == 0x09 } ? .blank : .visible
    }

    private static func isName(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe !name.isEmpty && name.allSatisfy(\.isTokenCharacter)
            && !ReservedHeader.isForCourierAlone(Span(_unsafeElements: name))
    }
}

extension HeaderLines {
    /// The lines in libcurl's notation, each ended by a newline. For tests.
    package var text: String {
        String(decoding: bytes.filter { $0 != 0x0D }.map { $0 == 0 ? 0x0A : $0 }, as: UTF8.self)
    }
}
