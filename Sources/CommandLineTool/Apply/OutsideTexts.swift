import Settings

/// Reads what a file of endpoints names and does not hold: secrets, and values of headers.
struct OutsideTexts {
    let environment: [String: String]
    /// Paths begin there.
    let folder: String

    /// A header, or a secret with line breaks around it.
    private static let sizeLimit = 8192

    /// The text without white space at its end, which editors and `echo` leave there.
    func read(_ text: EndpointEntry.OutsideText) throws(FileFault) -> String {
        let found: String
        switch text.place {
        case .environment(let name):
            guard let value = environment[name] else {
                throw FileFault("the environment variable \(name) is not set", line: text.line, key: text.key)
            }
            found = value
        case .file(let path):
            do {
                let bytes = try BoundedFile(path: path.hasPrefix("/") ? path : folder + path, limit: Self.sizeLimit)
                    .bytes
                found = String(decoding: bytes, as: UTF8.self)
            } catch {
                throw FileFault("the file \(path) \(error.reason)", line: text.line, key: text.key)
            }
        }
        return String(found.reversed().drop { $0.isWhitespace }.reversed())
    }
}
