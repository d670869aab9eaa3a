/// The marks of anchors and aliases in a YAML file, `&` and `*`, which the parser is not to see: it would compare keys with all that aliases
/// in them stand for, which no limit on its result could stop.
///
/// Two characters that the file does not have take their place. Where a plain value then begins with one, it was an anchor or an alias;
/// anywhere else the mark meant nothing, and is put back.
struct AnchorMarks {
    static let rule = "anchors and aliases are not read; a text that begins with & or * needs quotes"

    private let anchor: Unicode.Scalar
    private let alias: Unicode.Scalar

    /// Of private use: they are in hardly any file.
    private static let places: ClosedRange<UInt32> = 0xE000...0xF8FF

    init(for text: String) throws(FileFault) {
        let used = Set(text.unicodeScalars.lazy.map(\.value).filter { Self.places.contains($0) })
        // Nor as an escape, \u and the number.
        let escapes = text.utf8.contains(UInt8(ascii: "\\")) ? text.lowercased() : ""
        let free = Self.places.lazy.filter { !used.contains($0) && !escapes.contains(String($0, radix: 16)) }.prefix(2)
            .compactMap { Unicode.Scalar($0) }
        guard free.count == 2, let anchor = free.first, let alias = free.last else {
            throw FileFault("it has too many characters of private use")
        }
        self.anchor = anchor
        self.alias = alias
    }

    /// The text without its marks.
    func hidden(in text: String) -> String { replaced(in: text, ["&": anchor, "*": alias]) }

    /// With its marks again.
    func shown(_ text: String) -> String { replaced(in: text, [anchor: "&", alias: "*"]) }

    /// A value as the file has it.
    func text(_ text: String, isPlain: Bool, line: Int) throws(FileFault) -> String {
        guard let first = text.unicodeScalars.first, isPlain, first == anchor || first == alias else {
            return shown(text)
        }
        throw FileFault(Self.rule, line: line)
    }

    private func replaced(in text: String, _ other: [Unicode.Scalar: Unicode.Scalar]) -> String {
        var replaced = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { replaced.append(other[scalar] ?? scalar) }
        return String(replaced)
    }
}
