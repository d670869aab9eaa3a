import ArgumentParser
import FoundationEssentials
import Postgres
import Settings
import Webhooks

/// A time on the command line: a moment, or a length of time from the database's now.
enum Moment: Equatable {
    case at(PostgresTimestamp)
    case offset(Duration)

    /// Reads `2024-11-20T12:00:00Z` or `2h`.
    init(_ text: String) throws {
        if let duration = try? DurationText.parse(text) {
            self = .offset(duration)
            return
        }
        guard let date = Self.date(text),
            let microseconds = Int64(exactly: (date.timeIntervalSince1970 * 1e6).rounded())
        else {
            throw ValidationError("It must be like 2024-11-20T12:00:00Z, or a length of time like 15m, 2h or 1d.")
        }
        self = .at(PostgresTimestamp(unixMicroseconds: microseconds))
    }

    /// A length of time counts back from `now`.
    func ago(from now: PostgresTimestamp) -> PostgresTimestamp {
        switch self {
        case .at(let moment): moment
        case .offset(let length): now.advanced(by: .zero - length)
        }
    }

    /// A length of time counts from `now`.
    func ahead(of now: PostgresTimestamp) -> PostgresTimestamp {
        switch self {
        case .at(let moment): moment
        case .offset(let length): now.advanced(by: length)
        }
    }

    /// ISO 8601 with a time zone, with or without a fraction of a second.
    private static func date(_ text: String) -> Date? {
        guard text.utf8.count <= 40 else { return nil }
        let style = Date.ISO8601FormatStyle()
        return (try? style.parse(text))
            ?? (try? style.year().month().day().time(includingFractionalSeconds: true)
                .timeZone(separator: .omitted).parse(text))
    }
}

extension PostgresTimestamp: CustomStringConvertible {
    /// RFC 3339 in UTC, such as `2024-11-20T00:00:00.000000Z`; PostgreSQL's own words for the infinities.
    package var description: String {
        switch self {
        case .infinity: "infinity"
        case .negativeInfinity: "-infinity"
        default: EventTime(microseconds: unixMicroseconds ?? .max).description
        }
    }
}
