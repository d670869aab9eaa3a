import Foundation
import Testing

/// A value for one setting, and whether it is accepted: at every door, or at none.
struct RuleCase: Decodable, Sendable, CustomTestStringConvertible {
    /// As SQL names the argument or column; the command line's option has hyphens instead of underscores.
    let argument: String
    let value: Value
    let ok: Bool

    /// One text, or several where the argument is a list.
    enum Value: Decodable, Sendable {
        case one(String)
        case list([String])

        var texts: [String] {
            switch self {
            case .one(let text): [text]
            case .list(let list): list
            }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .one(RuleCase.expand(text))
                return
            }
            let list = try container.decode([String].self)
            // "#32" at the end: the one before it 32 times, <n> being the number.
            guard list.count == 2, list[1].hasPrefix("#"), let count = Int(list[1].dropFirst()) else {
                self = .list(list.map(RuleCase.expand))
                return
            }
            self = .list((1...count).map { RuleCase.expand(list[0].replacing("<n>", with: "\($0)")) })
        }
    }

    var testDescription: String {
        switch value {
        case .one(let text): "\(argument): \(text.debugDescription.prefix(100))"
        case .list(let list): "\(argument): \(list.debugDescription.prefix(100))"
        }
    }

    /// As PostgreSQL reads it from text.
    var sqlText: String {
        switch value {
        case .one(let text): text
        case .list(let list):
            "{"
                + list.map { "\"" + $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"" }
                .joined(separator: ",") + "}"
        }
    }

    /// The table, in its two parts.
    struct Table: Decodable {
        let endpoint: [RuleCase]
        let event: [RuleCase]

        static func read() throws -> Table {
            let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("cases.json")
            return try JSONDecoder().decode(Table.self, from: try Data(contentsOf: file))
        }
    }

    /// `<ab*3>` stands for `ababab`.
    private static func expand(_ text: String) -> String {
        var expanded = text
        while let match = expanded.firstMatch(of: /<([^<>]+?)\*(\d+)>/) {
            let repeated = String(repeating: String(match.1), count: Int(match.2) ?? 0)
            expanded.replaceSubrange(match.range, with: repeated)
        }
        return expanded
    }
}
