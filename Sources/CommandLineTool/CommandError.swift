/// Why a command ended without having done what it was asked for.
public struct CommandError: Error, Sendable, CustomStringConvertible {
    /// What the process exits with.
    public let status: CommandStatus
    /// One line for a person, safe to show. Parts from outside are escaped when it is printed.
    public let message: String

    /// Describes a failure.
    public init(_ status: CommandStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The message.
    public var description: String { message }
}

extension CommandError {
    /// There is no endpoint of this name, at least none that was not removed.
    static func unknownEndpoint(_ name: String) -> CommandError {
        CommandError(.badData, "there is no endpoint named '\(name)'; postrider endpoint list shows all")
    }
}
