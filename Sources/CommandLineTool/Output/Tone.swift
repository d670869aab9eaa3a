/// What a word means to a person who looks for trouble. Colour repeats it, and never says it alone.
enum Tone: Sendable {
    case good, warning, bad, plain

    /// The tone of a word of state, as tables and findings use them.
    init(_ word: String) {
        self =
            switch word {
            case "delivered", "active", "working", "ok": .good
            case "retrying", "held", "paused", "draining", "expired", "no_subscriber", "retry", "stale", "warning":
                .warning
            case "dead", "disabled", "gone", "failure", "failed": .bad
            default: .plain
            }
    }

    /// `text` with the escape sequences of ECMA-48 that colour it (SGR 32, 33, 31).
    func paint(_ text: String) -> String {
        switch self {
        case .good: "\u{1b}[32m\(text)\u{1b}[0m"
        case .warning: "\u{1b}[33m\(text)\u{1b}[0m"
        case .bad: "\u{1b}[31m\(text)\u{1b}[0m"
        case .plain: text
        }
    }
}
