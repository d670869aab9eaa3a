/// Which statements a server keeps for one connection, each under a name: it reads and plans them once instead of each time, which is a
/// tenth of what it does for a worker.
///
/// Only where no pooler may hand the next statement to another server process. PostgreSQL tells a client the number of its process, and
/// a pooler that shares processes tells it a number of its own (PgBouncer a random one). So the server is asked once, by the first
/// statement that is worth a name; where the two differ, nothing gets one. Confined to the connection's queue.
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
    func step(for sql: String) -> Step {
        switch isAlone {
        case nil: return .ask
        case false?: return .plain
        case true?: break
        }
        if let name = names[sql] { return .use(name) }
        guard given < Self.most else { return .plain }
        given += 1
        return .keep("postrider_\(given)")
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
