/// The name of a setting in the environment and in the configuration file. ``WorkerConfiguration`` says what each means.
package enum ConfigurationKey: String, CaseIterable, Sendable {
    /// The path of the configuration file; only in the environment.
    case configurationFile = "POSTRIDER_CONFIG"
    case databaseURL = "POSTRIDER_DATABASE_URL"
    case apiDatabaseURL = "POSTRIDER_API_DATABASE_URL"
    case healthListen = "POSTRIDER_HEALTH_LISTEN"
    case maxInFlight = "POSTRIDER_MAX_IN_FLIGHT"
    case maxInFlightBytes = "POSTRIDER_MAX_IN_FLIGHT_BYTES"
    case allowedNetworks = "POSTRIDER_ALLOWED_NETWORKS"
    case allowHTTP = "POSTRIDER_ALLOW_HTTP"
    case leaseSlack = "POSTRIDER_LEASE_SLACK"
    case drainTimeout = "POSTRIDER_DRAIN_TIMEOUT"
    case logLevel = "POSTRIDER_LOG_LEVEL"
    case logFormat = "POSTRIDER_LOG_FORMAT"
    case secretKeyFile = "POSTRIDER_SECRET_KEY_FILE"
    case proxy = "POSTRIDER_PROXY"

    /// What every key starts with. A variable that starts so and is no key is taken for a typing error.
    package static let prefix = "POSTRIDER_"
}

/// Where settings come from: the environment first, then the file that `POSTRIDER_CONFIG` names.
///
/// Making one already refuses unknown keys, so that a typing error never means a silent default.
package struct ConfigurationSources: Sendable {
    private let environment: [String: String]
    private let file: ConfigurationFile?

    /// The most bytes that a value may have.
    static let longestValue = 8192

    /// Takes the settings out of `environment`, and out of the file it names.
    ///
    /// - Throws: for an unknown `POSTRIDER_*` key in either, and for a file that cannot be read.
    package init(environment: [String: String]) throws(ConfigurationError) {
        let file: ConfigurationFile?
        if let path = environment[ConfigurationKey.configurationFile.rawValue] {
            file = try ConfigurationFile(readingFrom: path)
        } else {
            file = nil
        }
        try self.init(environment: environment, file: file)
    }

    init(environment: [String: String], file: ConfigurationFile?) throws(ConfigurationError) {
        // Sorted, so that the same mistakes always give the same line.
        for (name, value) in environment.sorted(by: { $0.key < $1.key })
        where name.uppercased().hasPrefix(ConfigurationKey.prefix) {
            guard ConfigurationKey(rawValue: name) != nil || ServiceVariable.isOne(name: name, value: value) else {
                throw Self.unknown(name, in: Self.environmentName)
            }
        }
        if let file {
            for (name, entry) in file.entries.sorted(by: { $0.value.line < $1.value.line }) {
                let place = file.place(line: entry.line)
                guard let key = ConfigurationKey(rawValue: name) else { throw Self.unknown(name, in: place) }
                guard key != .configurationFile else {
                    throw ConfigurationError(
                        .unknownKey, key: name, source: place, rule: "may be set only in the environment")
                }
            }
        }
        self.environment = environment.filter { ConfigurationKey(rawValue: $0.key) != nil }
        self.file = file
    }

    /// Nil when the setting is set nowhere.
    func text(of key: ConfigurationKey) -> String? {
        environment[key.rawValue] ?? file?.entries[key.rawValue]?.value
    }

    /// Where a setting comes from, for messages.
    func place(of key: ConfigurationKey) -> String? {
        guard environment[key.rawValue] == nil else { return Self.environmentName }
        return file.flatMap { file in file.entries[key.rawValue].map { file.place(line: $0.line) } }
    }

    /// Names that differ in more letters than this are not slips.
    private static let slips = 4
    private static let environmentName = "the environment"

    private static func unknown(_ name: String, in place: String) -> ConfigurationError {
        let keys = ConfigurationKey.allCases.map(\.rawValue)
        let meant = Spelling.nearest(to: name.uppercased(), among: keys, within: slips)
        let hint = meant.map { "; did you mean \($0)?" } ?? ""
        return ConfigurationError(.unknownKey, key: name, source: place, rule: "is not a setting of Postrider" + hint)
    }
}
