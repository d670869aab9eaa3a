import Settings

/// How long ago something was, in one unit: `now`, `3m ago`, `in 2h`.
enum Age {
    /// A negative length lies in the future.
    static func text(_ age: Duration) -> String {
        let seconds = age.components.seconds
        guard seconds != 0 else { return "now" }
        let length = unit(seconds.magnitude)
        return seconds > 0 ? "\(length) ago" : "in \(length)"
    }

    /// The largest unit that fits, rounded down.
    private static func unit(_ seconds: UInt64) -> String {
        switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m"
        case ..<86_400: "\(seconds / 3600)h"
        default: "\(seconds / 86_400)d"
        }
    }
}

/// How long something has been waiting, in the two largest units: `850ms`, `3m 20s`.
enum Lag {
    /// Milliseconds only below a second, where there is no larger unit.
    static func text(_ duration: Duration) -> String {
        duration < .seconds(1)
            ? DurationText.short(duration) : DurationText.short(.seconds(duration.components.seconds))
    }
}

/// Lengths of time in JSON.
enum Seconds {
    /// To the millisecond.
    static func number(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return (Double(seconds) * 1000 + (Double(attoseconds) / 1e15).rounded()) / 1000
    }
}

/// A count that may have stopped at a limit.
enum CappedCount {
    /// With `+` behind it when counting stopped early: there may be more.
    static func text(_ count: Int64, isCapped: Bool) -> String {
        isCapped && count > 0 ? "\(count)+" : "\(count)"
    }

    /// In a sentence: `1 delivery`, `100000+ deliveries`.
    static func deliveries(_ count: Int64, isCapped: Bool) -> String {
        isCapped ? "\(text(count, isCapped: true)) deliveries" : Plural.deliveries(count)
    }

    static func deadLetters(_ count: Int64, isCapped: Bool) -> String {
        isCapped ? "\(text(count, isCapped: true)) dead letters" : Plural.deadLetters(count)
    }
}

/// Counted things in a sentence.
enum Plural {
    static func deliveries(_ count: some BinaryInteger) -> String { count == 1 ? "1 delivery" : "\(count) deliveries" }

    static func deadLetters(_ count: some BinaryInteger) -> String {
        count == 1 ? "1 dead letter" : "\(count) dead letters"
    }

    /// Of a word that takes an s.
    static func of(_ word: String, _ count: some BinaryInteger) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }
}
