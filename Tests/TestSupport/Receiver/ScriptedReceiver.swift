import Foundation
import Glibc
import LocalPostgres
import Synchronization

/// An HTTP/1.1 server on 127.0.0.1 that does what a test tells it to, is strict about what it is sent, and keeps a log.
///
/// All connections share one thread, so that hundreds of hanging ones cost nothing.
package final class ScriptedReceiver: Sendable {
    /// The port it listens on.
    package let port: UInt16

    private let log: ReceiverLog
    private let stopping: Mutex<Int32?>

    /// - Parameters:
    ///   - answer: what every request gets unless something else was said for it.
    ///   - port: the port, or 0 for any that is free.
    ///   - accepts: whether connections are accepted. Otherwise the kernel makes them, and no one reads.
    package init(answer: ReceiverAnswer = .ok, port: UInt16 = 0, accepts: Bool = true) throws {
        let (listener, actualPort) = try Self.listen(port)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw ReceiverError.start(errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let log = ReceiverLog(answer)
        let wakeUp = ends[0]
        self.log = log
        self.port = actualPort
        stopping = Mutex(ends[1])
        Thread { ReceiverLoop(listener: listener, accepts: accepts, wakeUp: wakeUp, log: log).run() }.start()
    }

    deinit { stop() }

    /// Closes every connection and stops listening.
    package func stop() {
        stopping.withLock { end in
            if let end { close(end) }
            end = nil
        }
    }

    /// A URL that leads here.
    package func url(_ path: String = "/hook", host: String = "127.0.0.1", scheme: String = "http") -> String {
        "\(scheme)://\(host):\(port)\(path)"
    }

    /// What every request gets from now on, unless something else was said for it.
    package func answer(with answer: ReceiverAnswer) { log.set(answer) }

    /// What the next requests get, one each, in their order.
    package func answer(next answers: [ReceiverAnswer]) { log.set(next: answers) }

    /// What requests for this path get; nil for no more.
    package func answer(path: String, with answer: ReceiverAnswer?) {
        guard let answer else { return log.set(path: path, nil) }
        log.set(path: path) { _ in answer }
    }

    /// What requests for this path get, each its own.
    package func answer(path: String, by answer: @escaping @Sendable (CapturedRequest) -> ReceiverAnswer) {
        log.set(path: path, answer)
    }

    /// The requests so far, in the order of their arrival.
    package var requests: [CapturedRequest] { log.requests }

    /// How many connections have been accepted so far.
    package var connectionCount: Int { log.connections }

    /// The rules that what was sent here broke. A test expects none.
    package var violations: [String] { log.violations }

    /// Waits until at least `count` requests have been read and returns all of them.
    @discardableResult
    package func waitForRequests(_ count: Int, timeout: Duration = .seconds(10)) async throws -> [CapturedRequest] {
        guard await log.wait(for: count, timeout) else {
            throw ReceiverError.timedOut(requests: log.requests.count, connections: log.connections)
        }
        return log.requests
    }

    private static func listen(_ port: UInt16) throws -> (Int32, UInt16) {
        let (listener, port) = try LoopbackPort.bound(to: port)
        guard fcntl(listener, F_SETFL, O_NONBLOCK) == 0, Glibc.listen(listener, 1024) == 0 else {
            let error = errno
            close(listener)
            throw ReceiverError.start(error)
        }
        return (listener, port)
    }
}

/// What a receiver could not do.
package enum ReceiverError: Error, Sendable {
    /// No listening socket, or no thread; the error's number.
    case start(Int32)
    /// What was waited for did not come; how many came.
    case timedOut(requests: Int, connections: Int)
}
