import Foundation
import Testing

/// A file of vectors: a line each, its fields apart by tabs.
enum TabVectors {
    static func read(_ name: String, fields count: Int) throws -> [[String]] {
        let folder = try #require(Bundle.module.resourceURL).appendingPathComponent("Vectors")
        let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
        return try text.split(separator: "\n").filter { !$0.hasPrefix("# ") }.map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            try #require(fields.count == count, "\(line)")
            return fields
        }
    }
}
