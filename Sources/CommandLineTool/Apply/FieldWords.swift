/// How the words of a field become the value of an option of `endpoint add`, as the parser of command lines would read them.
struct FieldWords: Sendable {
    /// Writes the value; false where the words are none.
    let write: @Sendable ([String], inout EndpointOptions) -> Bool

    /// Of a field without an option.
    static let none = FieldWords { _, _ in true }

    /// Of a field with one word.
    static func word<Value>(
        _ option: any WritableKeyPath<EndpointOptions, Value?> & Sendable,
        _ read: @escaping @Sendable (String) throws -> Value?
    ) -> FieldWords {
        FieldWords { words, options in
            guard words.count == 1, let word = words.first, let value = try? read(word) else { return false }
            options[keyPath: option] = value
            return true
        }
    }

    /// Of a field with one word that is taken as it is.
    static func text(_ option: any WritableKeyPath<EndpointOptions, String?> & Sendable) -> FieldWords {
        word(option) { $0 }
    }

    /// Of a field whose option is repeated.
    static func list(_ option: any WritableKeyPath<EndpointOptions, [String]> & Sendable) -> FieldWords {
        FieldWords { words, options in
            options[keyPath: option] = words
            return true
        }
    }
}
