import FoundationEssentials
import Telemetry

/// What a command says: results on standard output, as text or as JSON, and remarks on standard error.
struct Output: Sendable {
    /// Whether results are JSON.
    let isJSON: Bool
    private let context: CommandContext

    /// How many columns text may take when standard output is no terminal.
    static let defaultWidth = 80

    init(_ options: OutputOptions, in context: CommandContext) {
        isJSON = options.json
        self.context = context
    }

    /// How many columns text may take.
    var width: Int { context.terminalWidth ?? Self.defaultWidth }

    /// On standard output, escaped.
    func line(_ text: String, _ tone: Tone = .plain) {
        let text = PrintableText(text).description
        context.writeOutput((context.isColoured ? tone.paint(text) : text) + "\n")
    }

    /// Lines that were escaped already, on standard output.
    func lines(_ lines: [String]) {
        for line in lines { context.writeOutput(line + "\n") }
    }

    /// A table on standard output; its cells are escaped.
    func table(_ table: Table) { lines(tableLines(table)) }

    /// The lines of a table as they are printed.
    func tableLines(_ table: Table) -> [String] { table.lines(width: width, isColoured: context.isColoured) }

    /// How many lines of a terminal a line takes. Escape sequences count too: rather too many than too few.
    func linesOnScreen(_ text: String) -> Int { max(1, (DisplayWidth.of(text) + width - 1) / width) }

    /// A line that was prepared before.
    func styled(_ styled: StyledLine) {
        if styled.isReady { lines([styled.text]) } else { line(styled.text, styled.tone) }
    }

    /// A line for each name with its value, the values below each other. A name without a value is left out.
    func fields(_ fields: [(name: String, value: String?)]) {
        let known = fields.filter { $0.value != nil }
        let width = known.map { DisplayWidth.of($0.name) }.max() ?? 0
        for (name, value) in known {
            let padding = String(repeating: " ", count: width - DisplayWidth.of(name) + 2)
            line("\(name)\(padding)\(value ?? "")")
        }
    }

    /// One JSON value on a line of standard output, with its keys sorted and in snake_case. A key without a value is left out.
    func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(value)
        context.writeOutput(String(decoding: data, as: UTF8.self) + "\n")
    }

    /// The rows of a list: as JSON, or as a table. The remark at the end says that the list may not be complete.
    func list<Row>(
        _ rows: [Row], limit: Int32?, json: @autoclosure () -> some Encodable, table: @autoclosure () -> Table,
        ifEmpty remark: String
    ) throws {
        guard !isJSON else { return try self.json(json()) }
        guard !rows.isEmpty else { return self.remark(remark) }
        self.table(table())
        if let limit, rows.count == Int(limit) { self.remark("There may be more; --limit lists more.") }
    }

    /// How to get the next page; nothing where there is none.
    func more(before last: (some CustomStringConvertible)?) {
        guard let last, !isJSON else { return }
        remark("There may be more: --before \(last) lists what is older, --limit more at once.")
    }

    /// On standard error, escaped.
    func remark(_ text: String) {
        context.writeError(PrintableText(text).description + "\n")
    }
}

/// A line that is not printed yet, so that lines can be counted before.
struct StyledLine: Equatable {
    let text: String
    var tone = Tone.plain
    /// Whether it is escaped and coloured already.
    var isReady = false

    init(_ text: String, _ tone: Tone = .plain) {
        self.text = text
        self.tone = tone
    }

    init(ready text: String) {
        self.text = text
        isReady = true
    }
}

/// What a word means to a person who looks for problems. Colour only repeats what the word says.
enum Tone: Sendable {
    case good, warning, bad, plain

    /// The tone of a word of state, as tables and findings use them.
    init(_ word: String) {
        self =
            switch word {
            case "delivered", "active", "working", "ok": .good
            case "retrying", "held", "blocked", "paused", "verifying", "draining", "expired", "no_subscriber", "retry",
                "stale",
                "warning":
                .warning
            case "dead", "disabled", "failing", "gone", "failure", "failed": .bad
            default: .plain
            }
    }

    /// `text` with the escape sequences of ECMA-48 that colour it (SGR 32, 33, 31).
    func paint(_ text: String) -> String {
        switch self {
        case .good: "\u{1b}[32m\(text)\u{1b}[0m"
        case .warning: "\u{1b}[33m\(text)\u{1b}[0m"
        case .bad: "\u{1b}[31m\(text)\u{1b}[0m"
        case .plain: text
        }
    }
}
