import ArgumentParser
import Outbox
import Settings

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
        do {
            return try DurationText.parseList(text, limit: Limits.scheduleEntries)
        } catch {
            throw ValidationError(error.message)
        }
    }
}
