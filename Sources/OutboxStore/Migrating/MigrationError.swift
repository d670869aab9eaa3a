/// Why a schema is not migrated. Nothing was changed.
package struct MigrationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What stands in the way.
    package enum Code: Hashable, Sendable {
        /// The schema was made by a newer postrider.
        case schemaNewer
        /// A migration that was applied differs from the one this executable carries.
        case changed
        /// The list of applied migrations is not a beginning of the known one.
        case gap
        /// There is a schema `postrider` that was not made by migrations.
        case foreignSchema
    }

    /// What stands in the way.
    package let code: Code
    /// One line for a person.
    package let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    package var description: String { message }
}
