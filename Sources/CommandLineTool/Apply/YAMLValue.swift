import Yams

/// A value of a YAML file, and where it stands. JSON is YAML too.
struct YAMLValue {
    enum Content {
        case text(String)
        /// Nothing, or `null`.
        case nothing
        case list([YAMLValue])
        case map([Entry])
    }

    struct Entry {
        let key: String
        let line: Int
        let value: YAMLValue
    }

    let content: Content
    /// From 1.
    let line: Int

    /// Some ten thousand endpoints with all that can be said of them.
    static let sizeLimit = 4 << 20
    /// How deep lists and maps may stand in each other; a file of endpoints has five.
    private static let depthLimit = 8

    /// Reads one document; nil for an empty one.
    ///
    /// There are no anchors and aliases: ten lines of them can stand for a billion values, and what a reader sees is not what counts.
    static func read(_ bytes: [UInt8]) throws(FileFault) -> YAMLValue? {
        guard bytes.count <= sizeLimit else { throw FileFault("it has more than \(sizeLimit) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw FileFault("it is not UTF-8") }
        let marks = try AnchorMarks(for: text)
        do {
            // No rules for types: what a word means is for the key to say.
            return try Yams.compose(yaml: marks.hidden(in: text), .basic, .default, .utf8)
                .map { try YAMLValue($0, marks, depth: 1) }
        } catch let error as YamlError {
            throw fault(error, marks, bytes)
        } catch let error as FileFault {
            throw error
        } catch {
            throw FileFault("it cannot be read")
        }
    }

    private init(_ node: Node, _ marks: AnchorMarks, depth: Int) throws(FileFault) {
        let line = node.mark?.line ?? 1
        self.line = line
        guard depth <= Self.depthLimit else {
            throw FileFault("lists and maps stand more than \(Self.depthLimit) deep in each other", line: line)
        }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain
            content =
                isPlain && Self.nothing.contains(scalar.string)
                ? .nothing : .text(try marks.text(scalar.string, isPlain: isPlain, line: line))
        case .sequence(let sequence):
            var list: [YAMLValue] = []
            for node in sequence { list.append(try YAMLValue(node, marks, depth: depth + 1)) }
            content = .list(list)
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else { throw FileFault("a key must be a word", line: line) }
                let place = name.mark?.line ?? line
                entries.append(
                    Entry(
                        key: try marks.text(name.string, isPlain: name.style == .plain, line: place), line: place,
                        value: try YAMLValue(value, marks, depth: depth + 1)))
            }
            content = .map(entries)
        case .alias:
            throw FileFault(AnchorMarks.rule, line: line)
        }
    }

    /// How YAML writes that there is no value.
    static let nothing: Set<String> = ["", "~", "null", "Null", "NULL"]

    /// In our words: those of the library quote the file.
    private static func fault(_ error: YamlError, _ marks: AnchorMarks, _ bytes: [UInt8]) -> FileFault {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            FileFault("it is not YAML: \(problem)", line: mark.line)
        case .reader(let problem, let offset, _, _):
            FileFault(
                "it is not YAML: \(problem)",
                line: offset.map { bytes.prefix($0).reduce(into: 1) { $0 += $1 == UInt8(ascii: "\n") ? 1 : 0 } })
        case .duplicatedKeysInMapping(let keys, let context):
            FileFault("it is there twice", line: context.mark.line, key: keys.first.map(marks.shown))
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            FileFault("it cannot be read")
        }
    }
}
