import Postgres

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
        for line in Folded.lines(text, width: min(width, Self.widest), first: "", rest: "") { write(line + "\n") }
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
        var table = Table(
            result.columns.indices.map { column in
                let isNumeric = result.rows.allSatisfy { $0[column].map { Double($0) != nil } ?? true }
                return isNumeric ? .number(result.columns[column]) : .text(result.columns[column])
            })
        for row in result.rows { table.add(row.map { $0 ?? "" }) }
        write("\n")
        for line in table.lines(width: columns) { write(Self.indentation + line + "\n") }
    }
}
