/// Lengths of time for reading at a glance: `now`, `3m ago`, `in 2h`.
enum Age {
    /// How long ago something was; a negative length lies in the future.
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
