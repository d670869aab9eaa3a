/// Text that would break a terminal, a line or a table that does not look out.
enum Hostile {
    /// As a value in SQL or JSON: colours, a bell, a line break, reversed text, a C1 control.
    static let text = "\u{1b}[31mred\u{7}\nline\u{202e}esrever\u{9b}2J🙂"
    /// A name of 200 characters, the longest there may be.
    static let longName = String(repeating: "日", count: 199) + "🙂"
}
