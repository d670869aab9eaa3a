/// Every setting there is, by the name it has in the environment and in the configuration file.
package enum ConfigurationKey: String, CaseIterable, Sendable {
    /// The path of the configuration file; only in the environment.
    case configurationFile = "POSTRIDER_CONFIG"
    /// Where the database is.
    case databaseURL = "POSTRIDER_DATABASE_URL"
    /// Where health and metrics are served.
    case healthListen = "POSTRIDER_HEALTH_LISTEN"
    /// How many deliveries may be under way at once.
    case maxInFlight = "POSTRIDER_MAX_IN_FLIGHT"
    /// How many bytes of payload may be held at once.
    case maxInFlightBytes = "POSTRIDER_MAX_IN_FLIGHT_BYTES"
    /// The blocked networks that endpoints may live in all the same.
    case allowedNetworks = "POSTRIDER_ALLOWED_NETWORKS"
    /// Whether endpoints may be `http://`.
    case allowHTTP = "POSTRIDER_ALLOW_HTTP"
    /// How much longer than the endpoint's timeout a lease lasts.
    case leaseSlack = "POSTRIDER_LEASE_SLACK"
    /// How long SIGTERM waits for deliveries under way.
    case drainTimeout = "POSTRIDER_DRAIN_TIMEOUT"
    /// The least severe level that is logged.
    case logLevel = "POSTRIDER_LOG_LEVEL"
    /// How log lines are written.
    case logFormat = "POSTRIDER_LOG_FORMAT"
    /// The file with the keys that seal endpoint secrets.
    case secretKeyFile = "POSTRIDER_SECRET_KEY_FILE"

    /// What every key starts with. A variable that starts so and is no key is taken for a typing error.
    package static let prefix = "POSTRIDER_"

    /// The key that `name` was probably meant to be, if one is near enough to say so.
    static func nearest(to name: String) -> Self? {
        guard name.utf8.count <= longestSuggestible else { return nil }
        let candidates = allCases.map { (key: $0, distance: editDistance(name.uppercased(), $0.rawValue)) }
        guard let best = candidates.min(by: { $0.distance < $1.distance }), best.distance <= farthestSuggestion else {
            return nil
        }
        return best.key
    }

    /// Names longer than this get no suggestion: the comparison costs the product of the lengths.
    private static let longestSuggestible = 64
    private static let farthestSuggestion = 4

    /// The least number of characters to insert, delete or replace to get from `one` to `other` (Levenshtein).
    private static func editDistance(_ one: String, _ other: String) -> Int {
        let columns = Array(other.utf8)
        var previous = Array(0...columns.count)
        for (row, left) in one.utf8.enumerated() {
            var current = [row + 1]
            for (column, right) in columns.enumerated() {
                let replaced = previous[column] + (left == right ? 0 : 1)
                current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[columns.count]
    }
}
