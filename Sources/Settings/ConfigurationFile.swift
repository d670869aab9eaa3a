/// The file named by `POSTRIDER_CONFIG`: `KEY=VALUE` lines, blank lines, and `#` comments on lines of their own.
///
/// A value is the rest of its line without the white space around it. In `"…"` a backslash escapes `"`, `\`, `n` and `t`;
/// in `'…'` every character stands for itself. A quote must end the line.
struct ConfigurationFile: Sendable {
    /// One setting and the line it is on, counted from 1.
    struct Entry: Equatable, Sendable {
        var value: String
        var line: Int
    }

    /// The most bytes that a configuration file may have.
    static let sizeLimit = 64 * 1024

    let path: String
    private(set) var entries: [String: Entry] = [:]

    /// Reads the file at `path`.
    init(readingFrom path: String) throws(ConfigurationError) {
        let content: BoundedFile
        do {
            content = try BoundedFile(path: path, limit: Self.sizeLimit)
        } catch {
            throw ConfigurationError(
                .unreadableFile, key: ConfigurationKey.configurationFile.rawValue,
                source: "the environment", rule: "names a file that \(error.reason)")
        }
        guard let text = String(validating: content.bytes, as: UTF8.self) else {
            throw ConfigurationError(
                .malformedFile, source: "file \(path)", rule: "the configuration file is not UTF-8")
        }
        try self.init(path: path, text: text)
    }

    /// Parses `text` as the content of the file at `path`.
    init(path: String, text: String) throws(ConfigurationError) {
        self.path = path
        var number = 0
        for rawLine in text.split(separator: /\r\n|\n/, omittingEmptySubsequences: false) {
            number += 1
            let line = rawLine.trimmingBlanks()
            guard let first = line.first, first != "#" else { continue }
            try add(line, number: number)
        }
    }

    /// Where the setting on `line` stands, for messages.
    func place(line: Int) -> String {
        "file \(path), line \(line)"
    }

    private mutating func add(_ line: Substring, number: Int) throws(ConfigurationError) {
        func malformed(_ rule: String, key: String? = nil) -> ConfigurationError {
            ConfigurationError(.malformedFile, key: key, source: place(line: number), rule: rule)
        }
        guard let equals = line.firstIndex(of: "=") else { throw malformed("a line must be KEY=VALUE") }
        let key = String(line[..<equals].trimmingBlanks())
        guard !key.isEmpty, key.utf8.allSatisfy(Self.isKeyByte) else {
            throw malformed("the name before = may hold only letters, digits and _")
        }
        guard entries[key] == nil else { throw malformed("is set twice", key: key) }
        switch Self.unquote(line[line.index(after: equals)...].trimmingBlanks()) {
        case .success(let value): entries[key] = Entry(value: value, line: number)
        case .failure(let failure): throw malformed(failure.rule, key: key)
        }
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private struct QuotingFailure: Error {
        let rule: String
    }

    private static func unquote(_ text: Substring) -> Result<String, QuotingFailure> {
        guard let quote = text.first, quote == "\"" || quote == "'" else {
            // A password may hold ` #`: guessing would either cut it or keep a comment.
            return text.contains(/[ \t]#/)
                ? .failure(QuotingFailure(rule: "must be in quotes, since it holds a # after a blank"))
                : .success(String(text))
        }
        var value = ""
        var rest = text.dropFirst()
        while let character = rest.popFirst() {
            if character == quote {
                return rest.isEmpty
                    ? .success(value) : .failure(QuotingFailure(rule: "has text after the closing quote"))
            }
            guard character == "\\", quote == "\"" else {
                value.append(character)
                continue
            }
            switch rest.popFirst() {
            case "\"": value.append("\"")
            case "\\": value.append("\\")
            case "n": value.append("\n")
            case "t": value.append("\t")
            default: return .failure(QuotingFailure(rule: "has a backslash before a character that needs none"))
            }
        }
        return .failure(QuotingFailure(rule: "has no closing quote"))
    }
}

extension Substring {
    /// The text without the spaces and tabs around it. Nothing else counts as blank.
    fileprivate func trimmingBlanks() -> Substring {
        guard let start = firstIndex(where: { $0 != " " && $0 != "\t" }),
            let end = lastIndex(where: { $0 != " " && $0 != "\t" })
        else { return "" }
        return self[start...end]
    }
}
