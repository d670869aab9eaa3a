import Glibc

/// The receiver's thread: one loop over poll(2) for all of its connections.
final class ReceiverLoop {
    private let listener: Int32
    private let accepts: Bool
    private let wakeUp: Int32
    private let log: ReceiverLog
    private var connections: [ReceiverConnection] = []

    /// - Parameter wakeUp: the reading end of a pipe; the loop ends when the other end is closed.
    init(listener: Int32, accepts: Bool, wakeUp: Int32, log: ReceiverLog) {
        self.listener = listener
        self.accepts = accepts
        self.wakeUp = wakeUp
        self.log = log
    }

    func run() {
        defer {
            for connection in connections { connection.shut() }
            close(listener)
            close(wakeUp)
        }
        while true {
            var polled = [pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0)]
            polled.append(pollfd(fd: accepts ? listener : -1, events: Int16(POLLIN), revents: 0))
            for connection in connections {
                let events = connection.wantsToWrite ? POLLIN | POLLOUT : POLLIN
                polled.append(pollfd(fd: connection.socket, events: Int16(events), revents: 0))
            }
            guard poll(&polled, nfds_t(polled.count), pollTimeout()) >= 0 || errno == EINTR else { return }
            if polled[0].revents != 0 { return }
            for (connection, seen) in zip(connections, polled.dropFirst(2)) {
                if seen.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 { connection.takeInput(log) }
                connection.proceed(log)
            }
            if polled[1].revents != 0 { acceptAll() }
            connections.removeAll { !$0.isOpen }
        }
    }

    private func acceptAll() {
        while true {
            let socket = accept(listener, nil, nil)
            guard socket >= 0 else { return }
            _ = fcntl(socket, F_SETFL, O_NONBLOCK)
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            var on: Int32 = 1
            setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
            connections.append(ReceiverConnection(socket: socket, number: log.addConnection()))
        }
    }

    private func pollTimeout() -> Int32 {
        guard let next = connections.compactMap(\.wakeAt).min() else { return -1 }
        let milliseconds = max(Duration.zero, next - .now) / .milliseconds(1)
        return Int32(min(milliseconds, 60_000)) + 1
    }
}
