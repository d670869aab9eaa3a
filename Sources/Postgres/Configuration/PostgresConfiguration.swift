/// Where the database is and how this client behaves towards it.
///
/// The connection string is libpq's: a URI, a list of `key=value`, or none for libpq's own `PG*` variables. Several hosts
/// may be named, with `target_session_attrs`.
package struct PostgresConfiguration: Sendable {
    /// The most calls that may wait for one connection. More fail at once, with ``PostgresError/Code/tooManyWaiting``:
    /// too small a number refuses bursts, too large a one lets memory and delays grow unseen.
    package var waitingLimit = 1024

    /// How long a connection may take to come back after a statement was cancelled, before it is closed.
    package var cancelGrace: Duration = .seconds(2)

    /// Finds the addresses of a host.
    var resolve: @Sendable (String) async -> [String] = HostAddresses.of

    /// The servers to try, in order.
    let attempts: [ConnectAttempt]

    /// How long each server may take to accept us; libpq's `connect_timeout`.
    let connectTimeout: Duration?

    /// What must appear in no text: passwords.
    private let secrets: [String]

    /// Reads a connection string.
    ///
    /// - Parameters:
    ///   - connectionString: a libpq URI or list of `key=value`. `nil`: libpq's `PG*` environment variables alone.
    ///   - applicationName: what `pg_stat_activity` shows, unless the connection string or `PGAPPNAME` says otherwise.
    /// - Throws: code ``PostgresError/Code/invalidConfiguration``; the message holds no part of the password.
    package init(_ connectionString: String? = nil, applicationName: String = "postgres-client") throws(PostgresError) {
        let text = connectionString ?? ""
        try Self.refuseUnencodedPassword(in: text)
        let given = try ConnectionOption.parse(text)
        let defaults = given["service"].map(ConnectionOption.defaults(ofService:)) ?? ConnectionOption.defaults()
        try Self.refuseUnusableValues(in: given)
        self.connectTimeout = try Self.connectTimeout(given["connect_timeout"] ?? defaults["connect_timeout"])
        self.secrets = Self.secretKeywords.compactMap { given[$0] ?? defaults[$0] }
        let completed = Self.completed(given, beside: defaults, applicationName: applicationName)
        self.attempts = ConnectAttempt.all(for: completed, beside: defaults)
    }

    private static let secretKeywords = ["password", "sslpassword"]

    /// What we set where neither the connection string nor the environment does, in seconds and milliseconds as libpq
    /// has it. A server that vanishes without a word is noticed after about ten seconds.
    private static let ownDefaults = [
        ConnectionOption(keyword: "keepalives_idle", value: "5"),
        ConnectionOption(keyword: "keepalives_interval", value: "2"),
        ConnectionOption(keyword: "keepalives_count", value: "3"),
        ConnectionOption(keyword: "tcp_user_timeout", value: "10000"),
    ]

    /// libpq leaves `connect_timeout` to a program that connects without blocking, as this one does. Zero means no limit.
    private static func connectTimeout(_ text: String?) throws(PostgresError) -> Duration? {
        guard let text else { return .seconds(3) }
        guard let seconds = Int(text), seconds <= 86_400 else {
            throw .malformed("connect_timeout is not a number of seconds")
        }
        return seconds > 0 ? .seconds(seconds) : nil
    }

    /// What libpq says at each attempt to connect alone, where it looks like a database that is away.
    private static func refuseUnusableValues(in given: [ConnectionOption]) throws(PostgresError) {
        for port in (given["port"] ?? "").split(separator: ",")
        where !(Int(port).map { (1...65_535).contains($0) } ?? false) {
            throw .malformed("port is not a number from 1 to 65535")
        }
        for (keyword, words) in words {
            guard let value = given[keyword], !value.isEmpty, !words.contains(value) else { continue }
            throw .malformed("\(keyword) must be one of \(words.joined(separator: ", "))")
        }
    }

    private static let words = [
        ("sslmode", ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
        ("target_session_attrs", ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]),
        ("channel_binding", ["disable", "prefer", "require"]), ("gssencmode", ["disable", "prefer", "require"]),
    ]

    private static func completed(
        _ given: [ConnectionOption], beside defaults: [ConnectionOption], applicationName: String
    ) -> [ConnectionOption] {
        var options = given
        for option in ownDefaults where options[option.keyword] == nil && defaults[option.keyword] == nil {
            options.append(option)
        }
        if options["fallback_application_name"] == nil {
            options = options.setting("fallback_application_name", to: applicationName)
        }
        // Text is decoded as UTF-8, even where the environment prefers another encoding.
        return options.setting("client_encoding", to: "UTF8")
    }

    /// Refuses a URI whose password holds `/` or `@` unencoded: libpq would take the rest of it for a host, a port or a
    /// database, and name it in messages.
    private static func refuseUnencodedPassword(in text: String) throws(PostgresError) {
        guard let scheme = ["postgresql://", "postgres://"].first(where: text.hasPrefix) else { return }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        let path = rest.dropFirst(authority.count).prefix { $0 != "?" }
        let signs = authority.count { $0 == "@" }
        guard signs <= 1, !path.contains("@") else {
            throw .malformed("an @ too many; write @ / : ? # % in a user name or password as %40 %2F %3A %3F %23 %25")
        }
    }
}

extension PostgresConfiguration {
    /// Takes passwords out of a text.
    func redacted(_ text: String) -> String {
        var text = text
        for secret in secrets where secret.count > 2 {
            text = text.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "…")
        }
        return text
    }
}

extension PostgresConfiguration: CustomStringConvertible, CustomReflectable {
    /// Which databases are tried, in order. Never the password.
    package var description: String { attempts.map(\.place).joined(separator: ", or ") }

    /// What ``description`` says and nothing more, so that `dump` prints no password either.
    package var customMirror: Mirror { Mirror(self, children: ["places": description]) }
}
