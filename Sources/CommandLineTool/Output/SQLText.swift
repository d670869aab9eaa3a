/// A text as a literal of SQL.
struct SQLText: CustomStringConvertible {
    let description: String

    init(_ text: String) {
        description = "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }
}
