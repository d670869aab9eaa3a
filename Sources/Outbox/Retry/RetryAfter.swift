/// What `Retry-After` headers ask for (RFC 9110 section 10.2.3): a number of seconds, or a date.
package enum RetryAfter {
    /// The wait that an answer asks for, at most ``Limits/retryAfter``; of several headers the longest counts.
    ///
    /// Nil when no value can be understood: signs, fractions, exponents, more digits than fit, garbage. A date in the
    /// past asks for no wait at all.
    ///
    /// - Parameters:
    ///   - values: the values of all `Retry-After` headers, as they came.
    ///   - now: the current time in seconds since 1970.
    package static func wait(_ values: [String], now: Int64) -> Duration? {
        values.prefix(maximumValues).compactMap { wait($0, now: now) }.max()
    }

    private static let maximumValues = 8

    private static func wait(_ value: String, now: Int64) -> Duration? {
        let text = Array(value.utf8.prefix(Limits.retryAfterBytes + 1))[...]
        guard text.count <= Limits.retryAfterBytes else { return nil }
        let bytes = text.trimmingBlanks
        if let seconds = DecimalNumber.parse(bytes) { return min(.seconds(seconds), Limits.retryAfter) }
        guard let date = HTTPDate.secondsSince1970(bytes, now: now) else { return nil }
        let (seconds, overflow) = date.subtractingReportingOverflow(now)
        guard !overflow, seconds > 0 else { return .zero }
        return min(.seconds(seconds), Limits.retryAfter)
    }
}
