import Outbox

/// One setting: its value, which begins as its default, its key, and the rule for the text of other values.
///
/// Texts are read strictly: ASCII only, and no blanks around them.
@propertyWrapper
package struct Setting<Value: Sendable>: Sendable {
    package var wrappedValue: Value
    private let key: ConfigurationKey
    /// Follows the key in an error message.
    private let rule: String
    private let parse: @Sendable (String) -> Value?

    init(
        wrappedValue: Value, _ key: ConfigurationKey, _ rule: String, _ parse: @escaping @Sendable (String) -> Value?
    ) {
        self.wrappedValue = wrappedValue
        self.key = key
        self.rule = rule
        self.parse = parse
    }

    /// A setting without a default.
    init<Wrapped>(_ key: ConfigurationKey, _ rule: String, _ parse: @escaping @Sendable (String) -> Wrapped?)
    where Value == Wrapped? {
        self.init(wrappedValue: nil, key, rule) { text in parse(text).map { .some($0) } }
    }

    /// Takes the value that is set, if there is one.
    mutating func read(from sources: ConfigurationSources) throws(ConfigurationError) {
        guard let text = sources.text(of: key) else { return }
        func invalid(_ rule: String) -> ConfigurationError {
            ConfigurationError(.invalidValue, key: key.rawValue, source: sources.place(of: key), rule: rule)
        }
        guard !text.isEmpty else { throw invalid("is empty; remove it to use the default") }
        guard text.utf8.count <= ConfigurationSources.longestValue else {
            throw invalid("has more than \(ConfigurationSources.longestValue) bytes")
        }
        guard !text.utf8.contains(0) else { throw invalid("holds a zero byte") }
        guard let value = parse(text) else { throw invalid(rule) }
        wrappedValue = value
    }
}

extension Setting where Value == Int {
    init(wrappedValue: Int, _ key: ConfigurationKey, count bounds: ClosedRange<Int>) {
        self.init(
            wrappedValue: wrappedValue, key,
            "must be a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
        ) { DecimalNumber.parse($0.utf8).flatMap { Int(exactly: $0) }.within(bounds) }
    }

    init(wrappedValue: Int, _ key: ConfigurationKey, bytes bounds: ClosedRange<Int>) {
        let (least, most) = (ByteSize.format(bounds.lowerBound), ByteSize.format(bounds.upperBound))
        self.init(
            wrappedValue: wrappedValue, key,
            "must be a size from \(least) to \(most), such as \(ByteSize.format(wrappedValue))"
        ) { ByteSize.parse($0).within(bounds) }
    }
}

extension Setting where Value == Duration {
    /// - Parameter reason: why there is such a rule.
    init(
        wrappedValue: Duration, _ key: ConfigurationKey, duration bounds: ClosedRange<Duration>,
        because reason: String? = nil
    ) {
        let (least, most) = (DurationText.format(bounds.lowerBound), DurationText.format(bounds.upperBound))
        self.init(
            wrappedValue: wrappedValue, key,
            "must be a duration from \(least) to \(most), such as \(DurationText.format(wrappedValue))"
                + (reason.map { ": \($0)" } ?? "")
        ) { (try? DurationText.parse($0)).within(bounds) }
    }
}

extension Optional where Wrapped: Comparable {
    fileprivate func within(_ bounds: ClosedRange<Wrapped>) -> Wrapped? { flatMap { bounds.contains($0) ? $0 : nil } }
}
