/// What one check of `doctor` found.
struct Finding: Encodable, Equatable {
    enum Level: String, Encodable {
        case ok, warning, failure
    }

    /// What was looked at, as one or two words that stay the same.
    let check: String
    let level: Level
    /// What was found, with the figure.
    let finding: String
    /// What to do about it: a command, a statement or a setting.
    let remedy: String?

    static func ok(_ check: String, _ finding: String) -> Finding {
        Finding(check: check, level: .ok, finding: finding, remedy: nil)
    }

    static func warning(_ check: String, _ finding: String, _ remedy: String) -> Finding {
        Finding(check: check, level: .warning, finding: finding, remedy: remedy)
    }

    static func failure(_ check: String, _ finding: String, _ remedy: String) -> Finding {
        Finding(check: check, level: .failure, finding: finding, remedy: remedy)
    }
}
