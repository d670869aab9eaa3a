import Postgres
import Telemetry

/// Prints the demo: headings, sentences, what a person would type, and tables.
struct Narrator: Sendable {
    let width: Int
    let write: @Sendable (String) -> Void

    private static let indentation = "    "
    /// Longer lines are hard to read, however wide the terminal is.
    private static let widest = 80

    func heading(_ text: String) {
        write("\n\n\(text)\n\(String(repeating: "-", count: text.count))\n")
    }

    /// A paragraph, broken into lines.
    func says(_ text: String) {
        write("\n")
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > min(width, Self.widest) {
                write(line + "\n")
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        write(line + "\n")
    }

    /// What a person would type, or the text of a request. Lines that are too long continue below.
    func types(_ text: String) {
        write("\n")
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var rest = line
            repeat {
                let piece = rest.prefix(columns)
                rest = rest.dropFirst(columns)
                write(piece.isEmpty ? "\n" : Self.indentation + piece + "\n")
            } while !rest.isEmpty
        }
    }

    /// A command for a shell. A long one continues on the next line, after a backslash.
    func types(command words: [String]) {
        var lines = ["$"]
        for word in words {
            if lines[lines.count - 1].count + word.count + 3 > columns {
                lines[lines.count - 1] += " \\"
                lines.append("     ")
            }
            lines[lines.count - 1] += " " + word
        }
        types(lines.joined(separator: "\n"))
    }

    /// What a command printed.
    func prints(_ text: String) {
        for line in text.split(separator: "\n") { write(Self.indentation + line + "\n") }
    }

    /// How many columns are left beside the indentation.
    var columns: Int { max(20, min(width, Self.widest) - Self.indentation.count) }

    /// What a query found.
    func shows(_ result: PostgresTable) {
        write("\n")
        let isNumeric = result.columns.indices.map { column in
            result.rows.allSatisfy { $0[column].map { Double($0) != nil } ?? true }
        }
        var lines = [result.columns] + result.rows.map { $0.map { PrintableText($0 ?? "", limit: 200).description } }
        let widths = result.columns.indices.map { column in lines.map { DisplayWidth.of($0[column]) }.max() ?? 0 }
        lines.insert(widths.map { String(repeating: "-", count: $0) }, at: 1)
        for line in lines {
            let cells = line.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - DisplayWidth.of(line[column]))
                return isNumeric[column] ? padding + line[column] : line[column] + padding
            }
            var text = cells.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            write(Self.indentation + DisplayWidth.truncate(text, to: columns) + "\n")
        }
    }
}
