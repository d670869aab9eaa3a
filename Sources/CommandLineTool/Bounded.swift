/// Numbers and lengths from the command line, held to their bounds.
enum Bounded {
    /// The value, or an error that names the option and its bounds.
    static func check<Value: Comparable>(
        _ value: Value, of option: String, in bounds: ClosedRange<Value>, _ show: (Value) -> String = { "\($0)" }
    ) throws(CommandError) -> Value {
        guard bounds.contains(value) else {
            throw CommandError(
                .badData, "\(option) must be from \(show(bounds.lowerBound)) to \(show(bounds.upperBound))")
        }
        return value
    }

    /// What `--limit` may be.
    static let limits = 1...10_000

    /// How many rows a list may have.
    static func limit(_ value: Int) throws(CommandError) -> Int32 {
        Int32(clamping: try check(value, of: "--limit", in: limits))
    }
}
