/// The rules for the name of a tenant: those of the database.
enum Tenant {
    /// The most bytes of a name.
    static let longest = 512

    /// The name, if the database would take it.
    static func check(_ tenant: String) throws(CommandError) -> String {
        guard tenant.utf8.count <= longest, !tenant.utf8.contains(0) else {
            throw CommandError(.badData, "--tenant must be at most \(longest) bytes, without a zero byte")
        }
        return tenant
    }
}
