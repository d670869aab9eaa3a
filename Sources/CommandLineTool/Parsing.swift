import ArgumentParser
import Outbox

/// Arguments that are more than text: what cannot be read at all is a mistake of usage.
enum Parsing {
    /// A length of time, such as `15s`.
    static func duration(_ text: String) throws -> Duration {
        do {
            return try DurationText.parse(text)
        } catch {
            throw ValidationError(error.message)
        }
    }

    /// Lengths of time joined by commas, such as `5s,5m`.
    static func durations(_ text: String) throws -> [Duration] {
        let parts = text.split(separator: ",", maxSplits: Limits.scheduleEntries, omittingEmptySubsequences: false)
        return try parts.map { try duration(String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())) }
    }
}
