import Foundation
import Testing

@testable import CommandLineTool

/// How a command ended and what it wrote.
struct Outcome {
    let status: CommandStatus
    let output: String
    let error: String

    /// The one JSON object on standard output.
    func json(sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: Any] {
        #expect(output.split(separator: "\n").count == 1, sourceLocation: sourceLocation)
        let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
        return try #require(value as? [String: Any], sourceLocation: sourceLocation)
    }

    /// The objects under a key.
    func objects(_ key: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> [[String: Any]] {
        try #require(try json(sourceLocation: sourceLocation)[key] as? [[String: Any]], sourceLocation: sourceLocation)
    }

    /// Whether nothing that was written can move a cursor or colour a terminal.
    var isHarmless: Bool {
        (output + error).unicodeScalars.allSatisfy {
            $0 == "\n" || !($0.value < 0x20 || (0x7F...0x9F).contains($0.value))
        }
    }
}
