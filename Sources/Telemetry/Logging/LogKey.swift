package import Logging

/// Every key that log metadata may have. Messages are constants; what varies stands under one of these.
package enum LogKey: String, CaseIterable, Sendable {
    /// An address that is listened on or dialled.
    case address
    /// The number of an attempt of one delivery, from 1.
    case attempt
    /// How many of the things that the message names.
    case count
    /// The number of a delivery.
    case deliveryID = "delivery.id"
    /// The name of an endpoint.
    case endpoint
    /// What went wrong, safe to show.
    case error
    /// What went wrong, as one word out of a closed set.
    case errorCode = "error.code"
    /// The number of an event.
    case eventID = "event.id"
    /// The number of an expectation.
    case expectation
    /// The loop or service concerned.
    case loop
    /// What became of something, as one word out of a closed set.
    case outcome
    /// The partition of a table.
    case partition
    /// Why, as one word out of a closed set.
    case reason
    /// The name of a source of webhooks.
    case source
    /// The SQLSTATE of a database error.
    case sqlState = "sqlstate"
    /// How many equal messages were left out before this one.
    case suppressed
    /// The version of Postrider.
    case version
    /// The worker process, by the name it has in the database.
    case worker
}

extension Logger {
    /// Logs a constant message with data under known keys. Neither is evaluated when the level is not logged.
    package func log(
        _ level: Logger.Level, _ message: @autoclosure () -> Logger.Message,
        with data: @autoclosure () -> [LogKey: Logger.MetadataValue]
    ) {
        guard level >= logLevel else { return }
        let data = data()
        log(
            level: level, message(),
            metadata: Dictionary(data.map { ($0.key.rawValue, $0.value) }) { first, _ in first })
    }
}
