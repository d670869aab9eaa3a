/// Why a command ended without having done what it was asked for.
package struct CommandError: Error, Sendable, CustomStringConvertible {
    /// What the process exits with.
    package let status: CommandStatus
    /// One line for a person, safe to show. Parts from outside are escaped when it is printed.
    package let message: String

    /// Describes a failure.
    package init(_ status: CommandStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The message.
    package var description: String { message }
}

extension CommandError {
    /// There is no endpoint of this name, at least none that was not removed.
    static func unknownEndpoint(_ name: String) -> CommandError {
        CommandError(.badData, "there is no endpoint named '\(name)'; postrider endpoint list shows all")
    }
}
