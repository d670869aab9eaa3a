import Dispatch
import Glibc
import Synchronization

/// Writes lines to a file descriptor. The code that logs never waits for the reader of the log.
///
/// Lines go into a buffer of limited size, which one Dispatch queue empties. When a pipe is full and the buffer too, lines
/// are dropped and counted, and a line says so as soon as there is room: a log without a reader must not stop deliveries.
package final class LogWriter: Sendable {
    private struct State {
        var buffer: [UInt8] = []
        var isDraining = false
        var dropped: UInt64 = 0
        var unreported: UInt64 = 0
    }

    /// How many bytes may wait to be written.
    package static let defaultCapacity = 1 << 20

    package static let standardError: Int32 = 2

    private let descriptor: Int32
    private let capacity: Int
    private let notice: @Sendable (UInt64) -> String
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "postrider.log")

    /// A writer to `descriptor`, which stays the caller's.
    /// - Parameters:
    ///   - capacity: how many bytes may wait to be written.
    ///   - notice: makes the line that says how many lines were dropped.
    package init(
        descriptor: Int32 = LogWriter.standardError, capacity: Int = LogWriter.defaultCapacity,
        notice: @escaping @Sendable (UInt64) -> String = { "dropped \($0) log lines" }
    ) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.notice = notice
    }

    package var droppedLines: UInt64 {
        state.withLock { $0.dropped }
    }

    /// Adds a line feed. Never waits.
    package func write(_ line: String) {
        let mustStart = state.withLock { state in
            guard state.buffer.count + line.utf8.count < capacity else {
                state.dropped += 1
                state.unreported += 1
                return false
            }
            state.buffer.append(contentsOf: line.utf8)
            state.buffer.append(UInt8(ascii: "\n"))
            defer { state.isDraining = true }
            return !state.isDraining
        }
        if mustStart {
            queue.async { self.drain() }
        }
    }

    /// Waits until all lines so far are written, but no longer than `timeout`: for the end of the process.
    /// - Returns: whether all were written.
    @discardableResult package func flush(timeout: Duration = .seconds(1)) -> Bool {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        return done.wait(timeout: .now() + timeout / .seconds(1)) == .success
    }

    private func drain() {
        while let bytes = next() {
            writeAll(bytes)
        }
    }

    private func next() -> [UInt8]? {
        state.withLock { state in
            if state.unreported > 0 {
                state.buffer.append(contentsOf: (notice(state.unreported) + "\n").utf8)
                state.unreported = 0
            }
            guard !state.buffer.isEmpty else {
                state.isDraining = false
                return nil
            }
            defer { state.buffer = [] }
            return state.buffer
        }
    }

    private func writeAll(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if written < 0, errno == EAGAIN {
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&entry, 1, 1000)
            } else if written < 0, errno != EINTR {
                return  // No one can read this: a closed pipe, a full disk.
            }
        }
    }
}
