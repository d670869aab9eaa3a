/// Which statements a server keeps for one connection, each under a name: it reads and plans them once instead of each time, which is a
/// tenth of what it does for a worker.
///
/// Only where no pooler may hand the next statement to another server process. PostgreSQL tells a client the number of its process, and
/// a pooler that shares processes tells it a number of its own (PgBouncer a random one). So the server is asked once, by the first
/// statement that is worth a name; where the two differ, nothing gets one. Confined to the connection's queue.
///
/// A pooler that tells the number of a process and shares it all the same is not found so. Then a process may know a name from
/// another client. So a name has a digest of the statement in it: what has the same name is the same statement.
final class StatementNames {
    /// What is to be done to send a statement.
    enum Step: Hashable {
        /// It goes out without a name.
        case plain
        /// As before, behind ``question``.
        case ask
        /// The server is to keep it under this name, and runs it.
        case keep(String)
        /// The server has it under this name.
        case use(String)
    }

    /// The most statements that are kept for a connection: each holds some ten KiB in the server.
    static let most = 16
    /// Asks which process runs it.
    static let question = "SELECT pg_catalog.pg_backend_pid()"

    /// Whether each statement reaches the process that the connection was made to; nil until it is known.
    private var isAlone: Bool?
    private var names: [String: String] = [:]
    /// How many names were given: none is given twice.
    private var given = 0

    /// What to do with a statement that is sent often.
    ///
    /// - Parameter types: of its parameters, by the server's numbers.
    func step(for sql: String, types: [UInt32]) -> Step {
        switch isAlone {
        case nil: return .ask
        case false?: return .plain
        case true?: break
        }
        if let name = names[sql] { return .use(name) }
        guard given < Self.most else { return .plain }
        given += 1
        return .keep("postrider_\(given)_\(Self.digest(sql, types))")
    }

    /// FNV-1a of a statement, 64 bits in hexadecimal: the same in each process, and another one for another text or other types.
    private static func digest(_ sql: String, _ types: [UInt32]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func take(_ value: UInt64) { hash = (hash ^ value) &* 0x100_0000_01B3 }
        for byte in sql.utf8 { take(UInt64(byte)) }
        for type in types { take(UInt64(type)) }
        return String(hash, radix: 16)
    }

    /// What the server answered to ``question``, and what it had said when the connection was made.
    func learned(process: Int32, saidBefore: Int32) {
        isAlone = process == saidBefore
    }

    /// The server has taken a statement.
    func kept(_ sql: String, as name: String) {
        names[sql] = name
    }

    /// The server has refused to run what it keeps: it knows the name no more, or what the statement returns has changed.
    func refused(_ sql: String) {
        names[sql] = nil
    }
}
