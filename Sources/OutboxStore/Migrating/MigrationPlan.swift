/// What is to be applied, decided from what has been applied. No I/O.
struct MigrationPlan {
    /// A migration that the database has.
    struct Applied: Hashable, Sendable {
        var version: Int32
        var name: String
        var checksum: String
    }

    /// The migrations still to be applied, in order.
    let pending: [Migration]

    /// - Parameters:
    ///   - known: what this executable carries, in order.
    ///   - checksums: SHA-256 in lower-case hexadecimal of each of `known`.
    ///   - applied: what the database has, in order.
    init(known: [Migration], checksums: [String], applied: [Applied]) throws(MigrationError) {
        if let newer = applied.last, newer.version > (known.last?.version ?? 0) {
            throw MigrationError(
                .schemaNewer,
                "the schema is at version \(newer.version) (\(newer.name)), this postrider knows \(known.last?.version ?? 0): "
                    + "use a newer postrider")
        }
        for (index, done) in applied.enumerated() {
            guard index < known.count, known[index].version == done.version else {
                throw MigrationError(.gap, "the list of applied migrations has a gap before version \(done.version)")
            }
            guard checksums[index] == done.checksum else {
                throw MigrationError(
                    .changed,
                    "migration \(done.version) (\(done.name)) is not the one that was applied: its checksum differs. "
                        + "Use the postrider that applied it, or a release")
            }
        }
        pending = Array(known.dropFirst(applied.count))
    }
}

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
        /// The schema has no list of applied migrations any more.
        case noVersions
        /// The database is not encoded in UTF-8.
        case encoding
    }

    /// What stands in the way.
    package let code: Code
    /// One line for a person.
    package let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
