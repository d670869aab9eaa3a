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

    /// The lines in libcurl's notation, each ended by a zero byte.
    private(set) var bytes: [UInt8] = []
    /// Where each line begins in `bytes`.
    private(set) var starts: [Int] = []

    package init() {}

    package var count: Int { starts.count }

    /// Appends the line `name: value`.
    ///
    /// - Parameters:
    ///   - name: a token of RFC 9110, section 5.6.2, and none of the names that only the courier may set.
    ///   - value: visible ASCII, spaces and tabs.
    package mutating func append(_ name: String, _ value: String) {
        append(name, bytes: value.utf8)
    }

    /// Appends the line `name: value`, the value as bytes: visible ASCII, spaces and tabs.
    package mutating func append(_ name: String, bytes value: some Collection<UInt8>) {
        let length = name.utf8.count + value.count + 3
        let fits = starts.count < Self.maximumLines && bytes.count + length <= Self.maximumBytes
        guard fits, !name.isEmpty, name.utf8.allSatisfy(\.isTokenCharacter), !ReservedHeader.isForCourierAlone(name),
            value.allSatisfy(Self.isValueByte)
        else {
            refusal = refusal ?? String(decoding: name.utf8.prefix(64).filter(\.isTokenCharacter), as: UTF8.self)
            return
        }
        starts.append(bytes.count)
        bytes.append(contentsOf: name.utf8)
        if value.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
            // libcurl takes "Name:" for an order to leave the header out, and "Name;" for an empty value.
            bytes.append(0x3B)
        } else {
            bytes.append(0x3A)
            bytes.append(0x20)
            bytes.append(contentsOf: value)
        }
        bytes.append(0)
    }

    /// Tells libcurl not to send `name`, a header that it would add by itself.
    mutating func suppress(_ name: String) {
        starts.append(bytes.count)
        bytes.append(contentsOf: name.utf8)
        bytes.append(0x3A)
        bytes.append(0)
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        refusal = nil
    }

    private static func isValueByte(_ byte: UInt8) -> Bool {
        (0x20...0x7E).contains(byte) || byte == 0x09
    }
}

extension HeaderLines {
    /// The lines as libcurl gets them, each ended by a newline. For tests.
    package var text: String {
        String(decoding: bytes.map { $0 == 0 ? 0x0A : $0 }, as: UTF8.self)
    }
}
