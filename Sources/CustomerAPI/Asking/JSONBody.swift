import Formats

/// The object that a request holds, read strictly: each name once, no name that is unknown.
struct JSONBody {
    private let members: [JSONMember]
    private let bytes: [UInt8]

    init(_ bytes: [UInt8], allowing names: Set<String>) throws(APIProblem) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(bytes)
        } catch {
            throw APIProblem(
                .invalidJSON, "the body is not JSON in UTF-8, or nested too deeply, at byte \(error.offset)")
        }
        guard case .object(let members) = value else {
            throw APIProblem(.invalid, "the body must be an object")
        }
        guard !Self.repeats(value) else {
            throw APIProblem(.invalidJSON, "an object of the body has a name twice")
        }
        for member in members where !names.contains(member.name) {
            throw .unknown(.invalid, member.name, among: names)
        }
        self.members = members
        self.bytes = bytes
    }

    /// Of two members with one name readers take one or the other.
    private static func repeats(_ value: JSONValue) -> Bool {
        switch value {
        case .object(let members):
            var names: Set<[UInt8]> = []
            return members.contains { !names.insert(Array($0.name.utf8)).inserted || repeats($0.value) }
        case .array(let values): return values.contains(where: repeats)
        default: return false
        }
    }

    private func value(_ name: String) -> JSONValue? { members.first { $0.has(name) }?.value }

    func has(_ name: String) -> Bool { value(name) != nil }

    /// A text; nil where it is not there.
    ///
    /// - Parameter takesNull: whether null says the same as nothing.
    func text(_ name: String, takesNull: Bool = false) throws(APIProblem) -> String? {
        guard let value = value(name) else { return nil }
        if takesNull, case .null = value { return nil }
        guard case .string(let text) = value, !text.utf8.contains(0) else {
            throw APIProblem(.invalid, "\(name) must be a text without zero characters", field: name)
        }
        return text
    }

    func requiredText(_ name: String) throws(APIProblem) -> String {
        guard let text = try text(name) else { throw APIProblem(.invalid, "\(name) must be given", field: name) }
        return text
    }

    /// Texts in an array; nil where there is none.
    func texts(_ name: String) throws(APIProblem) -> [String]? {
        guard let value = value(name) else { return nil }
        guard case .array(let values) = value else {
            throw APIProblem(.invalid, "\(name) must be an array of texts", field: name)
        }
        var texts: [String] = []
        for value in values {
            guard case .string(let text) = value, !text.utf8.contains(0) else {
                throw APIProblem(.invalid, "\(name) must be an array of texts", field: name)
            }
            texts.append(text)
        }
        return texts
    }

    /// A value as the bytes that were written; nil where it is not there.
    func written(_ name: String) -> String? {
        JSONText(bytes).value(at: [name]).map { String(decoding: $0.written, as: UTF8.self) }
    }
}
