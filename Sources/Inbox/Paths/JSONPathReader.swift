import Formats

/// Finds values at paths while it walks over a JSON text once (RFC 8259), strictly, without a tree and without recursion: what
/// it costs is bounded by the length of the text.
///
/// Of two members with one name the last counts, as for PostgreSQL's `jsonb`, JavaScript and Python. A path leads to a string,
/// a number or a truth value; a number stays as it was written.
struct JSONPathReader {
    enum Failure: Error, Equatable {
        /// The text is not JSON.
        case notJSON
        /// It is nested more deeply than ``mostDepth``.
        case tooDeep
    }

    /// How deeply a body may be nested. Deeper ones are nothing that a sender means.
    static let mostDepth = 512

    private struct Container {
        let isObject: Bool
        /// How many elements have begun.
        var count = 0
    }

    private let bytes: [UInt8]
    private let paths: [[ValuePath.Step]]
    private var place = 0
    private var containers: [Container] = []
    /// Of each path, how many of its steps the open containers are on.
    private var steps: [Int]
    /// The paths that the value which comes next is on.
    private var next: [Int] = []
    private var found: [String?]

    /// Reads all of the text.
    ///
    /// - Returns: of each path the value, or nil where there is none.
    static func read(_ bytes: [UInt8], at paths: [[ValuePath.Step]]) throws(Failure) -> [String?] {
        var reader = JSONPathReader(bytes, paths)
        try reader.run()
        return reader.found
    }

    private init(_ bytes: [UInt8], _ paths: [[ValuePath.Step]]) {
        self.bytes = bytes
        self.paths = paths
        steps = paths.map { _ in 0 }
        found = paths.map { _ in nil }
    }

    private mutating func run() throws(Failure) {
        skipSpace()
        try value()
        while let container = containers.last {
            skipSpace()
            if take(container.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                close()
                continue
            }
            if container.count > 0 {
                guard take(UInt8(ascii: ",")) else { throw .notJSON }
                skipSpace()
            }
            if container.isObject {
                try name()
            } else {
                notePlace(container.count)
            }
            containers[containers.count - 1].count += 1
            skipSpace()
            try value()
        }
        skipSpace()
        guard place == bytes.count else { throw .notJSON }
    }

    // MARK: - On the way

    /// The value that comes next is on the paths of which `step` is the next step.
    private mutating func note(_ isStep: (ValuePath.Step) -> Bool) {
        let depth = containers.count
        next.removeAll(keepingCapacity: true)
        for (index, path) in paths.enumerated()
        where steps[index] == depth - 1 && path.count >= depth && isStep(path[depth - 1]) {
            found[index] = nil
            next.append(index)
        }
    }

    private mutating func notePlace(_ number: Int) {
        note { $0 == .element(number) }
    }

    private mutating func name() throws(Failure) {
        let (text, hasEscapes) = try string()
        skipSpace()
        guard take(UInt8(ascii: ":")) else { throw .notJSON }
        let unescaped = hasEscapes ? try Self.content(text, hasEscapes) : nil
        note { step in
            guard case .member(let name) = step else { return false }
            guard let unescaped else { return text.dropFirst().dropLast().elementsEqual(name.utf8) }
            return unescaped.utf8.elementsEqual(name.utf8)
        }
    }

    private mutating func open(isObject: Bool) throws(Failure) {
        guard containers.count < Self.mostDepth else { throw .tooDeep }
        for index in next where paths[index].count > containers.count { steps[index] = containers.count }
        next.removeAll(keepingCapacity: true)
        containers.append(Container(isObject: isObject))
    }

    private mutating func close() {
        containers.removeLast()
        let depth = containers.count
        guard depth > 0 else { return }
        for index in steps.indices where steps[index] == depth { steps[index] = depth - 1 }
    }

    private mutating func keep(_ text: @autoclosure () throws(Failure) -> String) throws(Failure) {
        let depth = containers.count
        guard next.contains(where: { paths[$0].count == depth }) else { return }
        let value = try text()
        for index in next where paths[index].count == depth { found[index] = value }
    }

    // MARK: - Values

    private mutating func value() throws(Failure) {
        switch byte {
        case UInt8(ascii: "{"):
            place += 1
            try open(isObject: true)
        case UInt8(ascii: "["):
            place += 1
            try open(isObject: false)
        case UInt8(ascii: "\""):
            let (text, hasEscapes) = try string()
            try keep(try Self.content(text, hasEscapes))
        case UInt8(ascii: "t"): try word("true", isKept: true)
        case UInt8(ascii: "f"): try word("false", isKept: true)
        case UInt8(ascii: "n"): try word("null", isKept: false)
        default: try number()
        }
    }

    private mutating func word(_ word: String, isKept: Bool) throws(Failure) {
        for letter in word.utf8 {
            guard take(letter) else { throw .notJSON }
        }
        if isKept { try keep(word) }
    }

    private mutating func number() throws(Failure) {
        let start = place
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "-")) { _ = take(UInt8(ascii: "+")) }
            try digits()
        }
        let text = bytes[start..<place]
        try keep(String(decoding: text, as: UTF8.self))
    }

    private mutating func digits() throws(Failure) {
        let start = place
        while let byte, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { place += 1 }
        guard place > start else { throw .notJSON }
    }

    /// The literal that begins here, with its quotation marks, and whether there are escapes in it.
    private mutating func string() throws(Failure) -> (ArraySlice<UInt8>, hasEscapes: Bool) {
        let start = place
        guard take(UInt8(ascii: "\"")) else { throw .notJSON }
        var hasEscapes = false
        while true {
            skipPlain()
            guard let byte else { throw .notJSON }
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return (bytes[start..<place], hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try escape()
            default: throw .notJSON
            }
        }
    }

    /// Most of a body is the inside of strings: it is walked over in one go, without a change of this value for each byte.
    private mutating func skipPlain() {
        let bytes = bytes
        var next = place
        while next < bytes.count, bytes[next] >= 0x20, bytes[next] != UInt8(ascii: "\""),
            bytes[next] != UInt8(ascii: "\\")
        {
            next += 1
        }
        place = next
    }

    private mutating func escape() throws(Failure) {
        guard let kind = byte else { throw .notJSON }
        place += 1
        guard kind == UInt8(ascii: "u") else {
            guard "\"\\/bfnrt".utf8.contains(kind) else { throw .notJSON }
            return
        }
        guard place + 4 <= bytes.count, Hexadecimal.decode(bytes[place..<(place + 4)]) != nil else { throw .notJSON }
        place += 4
    }

    /// What a literal says.
    private static func content(_ literal: ArraySlice<UInt8>, _ hasEscapes: Bool) throws(Failure) -> String {
        if !hasEscapes {
            guard let text = String(validating: literal.dropFirst().dropLast(), as: UTF8.self) else { throw .notJSON }
            return text
        }
        guard case .string(let text)? = try? JSONParser.parse(Array(literal)) else { throw .notJSON }
        return text
    }

    private var byte: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func take(_ wanted: UInt8) -> Bool {
        guard byte == wanted else { return false }
        place += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
    }
}
