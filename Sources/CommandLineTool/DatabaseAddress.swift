import Settings
import Telemetry

/// Where libpq is told to look for the database, and what told it.
struct DatabaseAddress: Sendable {
    /// The places that may name the database. The first one that does wins.
    enum Source: Hashable, Sendable {
        /// `--database-url`.
        case option
        /// `POSTRIDER_DATABASE_URL`, of the environment or the configuration file.
        case setting
        /// `DATABASE_URL`, which many platforms set for every program.
        case common
        /// The `PG*` variables with these names, which libpq reads by itself.
        case variables([String])
        case nothing
    }

    let source: Source
    /// May hold a password. Nil where libpq finds the database by itself.
    let text: Redacted<String>?

    /// The variable that is read only where nothing else says anything.
    static let commonVariable = "DATABASE_URL"

    init(option: Redacted<String>?, setting: Redacted<String>?, environment: [String: String]) {
        if let option {
            (source, text) = (.option, option)
        } else if let setting {
            (source, text) = (.setting, setting)
        } else if case let names = Self.libpqVariables(environment), !names.isEmpty {
            (source, text) = (.variables(names), nil)
        } else if let url = environment[Self.commonVariable], !url.isEmpty {
            (source, text) = (.common, Redacted(url))
        } else {
            (source, text) = (.nothing, nil)
        }
    }

    /// The variables of libpq that are set. An empty one says nothing.
    private static func libpqVariables(_ environment: [String: String]) -> [String] {
        environment.filter { $0.key.hasPrefix("PG") && !$0.value.isEmpty }.keys.sorted()
    }
}

extension DatabaseAddress.Source {
    /// A sentence for errors that have to do with the connection.
    var sentence: String {
        switch self {
        case .option: "The address is that of --database-url."
        case .setting: "The address is that of POSTRIDER_DATABASE_URL."
        case .common: "The address is that of DATABASE_URL; --database-url and POSTRIDER_DATABASE_URL go before it."
        case .variables(let names): "The address is that of libpq's variables (\(names.joined(separator: ", ")))."
        case .nothing: "No address is given; --database-url or POSTRIDER_DATABASE_URL gives one."
        }
    }
}
