import Foundation
import Testing

/// A line of `Vectors/answers.tsv`: the bytes that a server sends, and what becomes of the request.
struct AnswerCase: CustomTestStringConvertible, Sendable {
    let bytes: [UInt8]
    let expected: String
    let testDescription: String

    private struct Malformed: Error {
        let line: String
    }

    static func all() throws -> [AnswerCase] {
        let file = URL(filePath: #filePath).appending(path: "../../Vectors/answers.tsv").standardized
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("# ") }
            .map(AnswerCase.init)
    }

    private init(line: Substring) throws {
        let fields = line.split(separator: "\t")
        guard fields.count == 2 else { throw Malformed(line: String(line)) }
        bytes = try Self.bytes(fields[0])
        expected = String(fields[1])
        testDescription = "\(fields[0].prefix(80)) → \(expected)"
    }

    private static func bytes(_ text: Substring) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "r"): bytes.append(0x0d)
            case UInt8(ascii: "n"): bytes.append(0x0a)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "x"):
                guard let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                    throw Malformed(line: String(text))
                }
                bytes.append(byte)
                rest = rest.dropFirst(2)
            default: throw Malformed(line: String(text))
            }
        }
        return bytes
    }
}
