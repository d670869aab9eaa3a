import Telemetry

/// Rows and columns for a terminal. Cells are text of unknown origin: they are escaped, and cut when the width asks for it; but for
/// names, which people copy: what stands after one that is longer than its column goes on in the next line.
struct Table: Sendable {
    struct Column: Sendable {
        enum Turn: Int { case first, second, last }

        var title: String
        /// Whether cells stand at the right edge, as numbers should.
        var isNumeric = false
        /// Whether cells may be cut when the table is too wide. Identifiers that people copy should not be.
        var isCuttable = true
        /// The narrowest that it gets when it is cut.
        var narrowest = 6
        /// When it is cut: not before the columns of earlier turns are at their narrowest.
        var turn = Turn.second
        /// Whether a cell that is longer than the column is written whole all the same.
        var isWhole = false
        /// Whether its cells are words of state, which have a colour.
        var isState = false

        static func text(_ title: String) -> Self { Self(title: title) }
        static func identifier(_ title: String) -> Self { Self(title: title, isCuttable: false) }
        static func number(_ title: String) -> Self { Self(title: title, isNumeric: true, isCuttable: false) }
        /// A name that people copy: never cut. Its column gives way when no other can, and not to less than 16 columns.
        static func name(_ title: String) -> Self { Self(title: title, narrowest: 16, turn: .last, isWhole: true) }
        /// Cut before all others: its end matters least, and `endpoint show` has it whole.
        static func url(_ title: String) -> Self { Self(title: title, turn: .first) }
        static func state(_ title: String) -> Self { Self(title: title, isCuttable: false, isState: true) }
    }

    let columns: [Column]
    private(set) var rows: [[String]] = []

    /// The most scalars of a cell that are looked at.
    static let cellLimit = 500
    private static let gap = "  "
    /// The widest column of names: those that are longer, which few are, take no room from what stands beside them.
    private static let widestName = 40

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row. Missing cells are empty; a cell too many is left out.
    mutating func add(_ cells: String...) { add(cells) }

    mutating func add(_ cells: [String]) {
        let padded = cells + Array(repeating: "", count: max(0, columns.count - cells.count))
        rows.append(padded.prefix(columns.count).map { PrintableText($0, limit: Self.cellLimit).description })
    }

    /// The table as lines of at most `width` columns, unless names, and columns that may not be cut, need more.
    ///
    /// Colour comes last, because it must not count as width.
    func lines(width: Int, isColoured: Bool = false) -> [String] {
        let widths = fittedWidths(width)
        return ([columns.map(\.title)] + rows).enumerated().flatMap { number, cells in
            lines(of: cells, widths, isColoured: isColoured && number > 0)
        }
    }

    /// A row: one line, and one more after each name that is longer than its column.
    private func lines(of cells: [String], _ widths: [Int], isColoured: Bool) -> [String] {
        var lines: [String] = []
        var line = ""
        var offset = 0
        for (index, cell) in cells.enumerated() {
            let isLong = columns[index].isWhole && DisplayWidth.of(cell) > widths[index]
            let text = isLong ? cell : DisplayWidth.truncate(cell, to: widths[index])
            let padding = String(repeating: " ", count: max(0, widths[index] - DisplayWidth.of(text)))
            let shown = isColoured && columns[index].isState ? Tone(text).paint(text) : text
            line += columns[index].isNumeric ? padding + shown : shown + padding
            offset += widths[index] + Self.gap.count
            if isLong {
                lines.append(line)
                line = String(repeating: " ", count: offset)
            } else {
                line += Self.gap
            }
        }
        lines.append(line)
        // Nothing may be left for the line after a name at the end.
        return lines.map { String($0.reversed().drop { $0 == " " }.reversed()) }.enumerated()
            .filter { $0.offset == 0 || !$0.element.isEmpty }.map(\.element)
    }

    /// Takes columns away from the widest column that may be cut, one at a time and turn by turn, until the table fits.
    private func fittedWidths(_ available: Int) -> [Int] {
        var widths = columns.indices.map { index in
            let widest = rows.reduce(DisplayWidth.of(columns[index].title)) { max($0, DisplayWidth.of($1[index])) }
            return columns[index].isWhole ? min(widest, Self.widestName) : widest
        }
        var total = widths.reduce(0, +) + Self.gap.count * max(0, columns.count - 1)
        while total > available {
            let cuttable = columns.indices.filter { columns[$0].isCuttable && widths[$0] > columns[$0].narrowest }
            guard let turn = cuttable.map({ columns[$0].turn.rawValue }).min() else { break }
            let theirs = cuttable.filter { columns[$0].turn.rawValue == turn }
            guard let widest = theirs.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            total -= 1
        }
        return widths
    }
}
