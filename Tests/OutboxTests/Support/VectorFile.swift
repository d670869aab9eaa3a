import Foundation
import Testing

/// A file of test cases, one a line: input, tab, what is expected. Lines that begin with `# ` are comments.
struct VectorFile {
    struct Case: CustomTestStringConvertible, Sendable {
        let input: String
        let expected: String

        var testDescription: String { "\(input.debugDescription) → \(expected)" }
    }

    struct Malformed: Error {
        let line: String
    }

    let cases: [Case]

    /// - Parameter count: at least so many cases must be there, so that a file that went missing fails.
    init(_ name: String, atLeast count: Int) throws {
        let folder = Bundle.module.resourceURL?.appendingPathComponent("Vectors")
        guard let file = folder?.appendingPathComponent(name) else { throw Malformed(line: name) }
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        cases = try lines.filter { !$0.hasPrefix("# ") }.map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count == 2 else { throw Malformed(line: String(line)) }
            return Case(input: Self.unescape(String(fields[0])), expected: Self.unescape(String(fields[1])))
        }
        guard cases.count >= count else { throw Malformed(line: "\(name) holds \(cases.count) cases") }
    }

    private static func unescape(_ text: String) -> String {
        let plain = [
            "\\r": "\r", "\\n": "\n", "\\t": "\t", "\\0": "\0", "\\u{7f}": "\u{7f}", "\\u{1}": "\u{1}",
            "\\u{e9}": "\u{e9}",
        ]
        return text.components(separatedBy: "\\\\").map { part in
            plain.reduce(part) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
        }.joined(separator: "\\")
    }
}
