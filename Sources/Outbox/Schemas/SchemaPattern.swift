/// A regular expression of a schema. It looks at scalars, as JSON Schema asks for, and finds a match anywhere.
struct SchemaPattern {
    private let regex: Regex<AnyRegexOutput>

    /// nil when it is no regular expression that is understood.
    init?(_ text: String) {
        guard let regex = try? Regex(text) else { return nil }
        self.regex = regex.matchingSemantics(.unicodeScalar).asciiOnlyCharacterClasses()
    }

    func matches(_ text: String) -> Bool { text.firstMatch(of: regex) != nil }
}
