import OutboxStore

/// How a command ended, by the numbers of BSD's `sysexits.h`.
package enum CommandStatus: Int32, Sendable {
    case done = 0
    /// Any other failure.
    case failure = 1
    /// The command line breaks a rule (`EX_USAGE`).
    case usage = 64
    /// Data that was given breaks a rule (`EX_DATAERR`).
    case badData = 65
    /// The database cannot be reached (`EX_UNAVAILABLE`).
    case databaseUnavailable = 69
    /// The configuration cannot be used (`EX_CONFIG`).
    case configuration = 78
}

/// Why a command did not do what it was asked to do.
package struct CommandError: Error, Sendable, CustomStringConvertible {
    package let status: CommandStatus
    /// One line for a person, safe to show. Parts from outside are escaped when it is printed.
    package let message: String

    package init(_ status: CommandStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    package var description: String { message }

    /// No endpoint has this name, or it was removed.
    static func unknownEndpoint(_ endpoint: EndpointReference) -> CommandError {
        let tenant = endpoint.tenant.map { $0.isEmpty ? " without a tenant" : " of tenant '\($0)'" } ?? ""
        return CommandError(
            .badData, "there is no endpoint named '\(endpoint.name)'\(tenant); postrider endpoint list shows all")
    }

    /// Endpoints of several tenants have this name.
    static func ambiguousEndpoint(_ endpoint: EndpointReference) -> CommandError {
        CommandError(.badData, "several tenants have an endpoint named '\(endpoint.name)': give its --tenant")
    }

    /// No source has this name, or it was removed.
    static func unknownSource(_ name: String) -> CommandError {
        CommandError(.badData, "there is no source named '\(name)'; postrider source list shows all")
    }
}

/// The printed results already say what is wrong: the process exits with 1 and prints no more.
struct Unsuccessful: Error {}
