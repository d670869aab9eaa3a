import ArgumentParser
import Outbox
import Settings

/// Reads arguments. A text that cannot be read at all is a mistake of usage.
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

    /// A word of a set, or an error that names the option and the set; nil for nil.
    static func word(_ word: String?, of option: String, among words: [String]) throws(CommandError) -> String? {
        guard let word else { return nil }
        guard words.contains(word) else {
            throw CommandError(.badData, "\(option) must be one of " + words.joined(separator: ", "))
        }
        return word
    }
}

/// The rules for the name of a tenant: those of the database.
enum Tenant {
    /// The most bytes of a name.
    static let longest = 512

    static func check(_ tenant: String) throws(CommandError) -> String {
        guard tenant.utf8.count <= longest, !tenant.utf8.contains(0) else {
            throw CommandError(.badData, "--tenant must be at most \(longest) bytes, without a zero byte")
        }
        return tenant
    }
}

extension ListenAddress {
    /// Reads the value of an option. Port 0 stands for any free port.
    static func option(_ text: String) throws -> ListenAddress {
        guard let address = ListenAddress(text, allowingAnyPort: true) else {
            throw ValidationError("It must be HOST:PORT; the host is an IP address (IPv6 in brackets).")
        }
        return address
    }
}
