internal import CLibPQ
internal import Glibc

/// Owns one `PGconn` and closes it.
///
/// libpq manual, 34.20 "Behavior in Threaded Programs": "no two threads attempt to manipulate the same PGconn object at the
/// same time". The handle cannot be copied, its only owner is a ``Wire``, whose only owner is a ``PostgresConnection``,
/// which touches it on its own serial queue alone.
@safe
struct ConnectionHandle: ~Copyable {
    private let pointer: OpaquePointer
    /// What the server keeps for this connection.
    let names = StatementNames()

    /// What libpq waits for while it connects.
    enum ConnectStep {
        case reading, writing, done, failed
    }

    /// Begins to connect. Resolving a host name blocks in here: never call it on a thread that others wait for.
    init(_ options: [ConnectionOption]) throws(PostgresError) {
        let keywords = unsafe options.map { unsafe strdup($0.keyword) }
        let values = unsafe options.map { unsafe strdup($0.value) }
        defer { unsafe (keywords + values).forEach { unsafe free($0) } }
        let started = unsafe PQconnectStartParams(
            (keywords + [nil]).map { unsafe UnsafePointer($0) }, (values + [nil]).map { unsafe UnsafePointer($0) }, 0)
        guard let started = unsafe started else {
            throw PostgresError(.connectFailed, "libpq has no memory for a connection")
        }
        unsafe self.pointer = unsafe started
        // A refusal carries its SQLSTATE only in verbose text: see ConnectFailure.
        unsafe _ = PQsetErrorVerbosity(pointer, PQERRORS_VERBOSE)
    }

    deinit {
        unsafe PQfinish(pointer)
    }

    var isBad: Bool { unsafe PQstatus(pointer) == CONNECTION_BAD }

    var socket: Int32 { unsafe PQsocket(pointer) }

    /// What libpq last complained about.
    var complaint: String { unsafe PQerrorMessage(pointer).map { unsafe String(cString: $0) } ?? "" }

    var needsPassword: Bool { unsafe PQconnectionNeedsPassword(pointer) != 0 }

    /// Whether a transaction is open, or the server is not known to be idle.
    var isInTransaction: Bool { unsafe PQtransactionStatus(pointer) != PQTRANS_IDLE }

    /// The settings that libpq uses.
    var options: [ConnectionOption] {
        let options = unsafe PQconninfo(pointer)
        defer { unsafe PQconninfoFree(options) }
        return unsafe options.map { unsafe ConnectionOption.collect($0) } ?? []
    }

    /// Goes on connecting; the socket may be another one afterwards.
    func connectPoll() -> ConnectStep {
        switch unsafe PQconnectPoll(pointer) {
        case PGRES_POLLING_READING: .reading
        case PGRES_POLLING_WRITING: .writing
        case PGRES_POLLING_OK: .done
        default: .failed
        }
    }

    /// From now on no call blocks.
    func becomeNonBlocking() -> Bool {
        unsafe PQsetErrorVerbosity(pointer, PQERRORS_DEFAULT)
        return unsafe PQsetnonblocking(pointer, 1) == 0
    }

    /// Sends the unnamed statement; rows come back in binary format, or as text.
    func send(_ sql: String, _ parameters: borrowing PostgresParameters, binary: Bool = true) throws(PostgresError) {
        let sent = unsafe try parameters.withPointers { count, types, values, lengths, formats in
            unsafe PQsendQueryParams(pointer, sql, count, types, values, lengths, formats, binary ? 1 : 0)
        }
        guard sent == 1 else { throw lost() }
    }

    /// Has the server keep a statement under a name.
    func keep(
        _ sql: String, as name: String, _ parameters: borrowing PostgresParameters
    ) throws(PostgresError) {
        let sent = unsafe try parameters.withPointers { count, types, _, _, _ in
            unsafe PQsendPrepare(pointer, name, sql, count, types)
        }
        guard sent == 1 else { throw lost() }
    }

    /// Sends what the server keeps under a name; rows come back in binary format.
    func send(named name: String, _ parameters: borrowing PostgresParameters) throws(PostgresError) {
        let sent = unsafe try parameters.withPointers { count, _, values, lengths, formats in
            unsafe PQsendQueryPrepared(pointer, name, count, values, lengths, formats, 1)
        }
        guard sent == 1 else { throw lost() }
    }

    /// The number of the process that serves this connection, as the server, or a pooler before it, said when it was made.
    var process: Int32 { unsafe PQbackendPID(pointer) }

    /// Sends several statements by the simple protocol.
    func send(script: String) throws(PostgresError) {
        guard unsafe PQsendQuery(pointer, script) == 1 else { throw lost() }
    }

    func enterPipeline() throws(PostgresError) {
        guard unsafe PQenterPipelineMode(pointer) == 1 else { throw lost() }
    }

    func syncPipeline() throws(PostgresError) {
        guard unsafe PQpipelineSync(pointer) == 1 else { throw lost() }
    }

    /// Back to one statement at a time; `false` when libpq says that results are missing.
    func leavePipeline() -> Bool {
        unsafe PQpipelineStatus(pointer) == PQ_PIPELINE_OFF || PQexitPipelineMode(pointer) == 1
    }

    /// Whether all is written: `nil` when the connection is broken.
    func flush() -> Bool? {
        switch unsafe PQflush(pointer) {
        case 0: true
        case 1: false
        default: nil
        }
    }

    /// Reads what has arrived; `false` when the connection is broken. What came before is still there to be read.
    func consumeInput() -> Bool { unsafe PQconsumeInput(pointer) == 1 }

    /// Whether the next result would have to be waited for.
    var isBusy: Bool { unsafe PQisBusy(pointer) == 1 }

    /// The next result; `nil` at the end of a statement.
    func nextResult() -> ResultHandle? {
        guard let result = unsafe PQgetResult(pointer) else { return nil }
        return unsafe ResultHandle(result)
    }

    /// What is needed to cancel the statement that runs.
    func cancelRequest() -> CancelRequest? {
        guard let cancel = unsafe PQgetCancel(pointer) else { return nil }
        return unsafe CancelRequest(cancel)
    }

    /// Has notices and warnings go to the log, which must live longer than this.
    func report(to log: NoticeLog) {
        let receive: PQnoticeReceiver = { log, result in
            guard let log = unsafe log, let result = unsafe result else { return }
            unsafe Unmanaged<NoticeLog>.fromOpaque(log).takeUnretainedValue().write(ResultHandle.report(result))
        }
        _ = unsafe PQsetNoticeReceiver(pointer, receive, Unmanaged.passUnretained(log).toOpaque())
    }

    /// The error for a connection that libpq has given up.
    func lost() -> PostgresError {
        let text = complaint
        return PostgresError(.connectionLost, text.isEmpty ? "the connection was lost" : text)
    }
}
