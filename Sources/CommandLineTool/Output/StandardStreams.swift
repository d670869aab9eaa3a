import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Why a standard stream could not be read to its end, or written whole.
package struct StreamFailure: Error, Sendable, CustomStringConvertible {
    /// The `errno` of the system call.
    let code: Int32

    package init(code: Int32) {
        self.code = code
    }

    /// Whether the program that read our output has ended, as `head` does: it has what it wanted.
    var isReaderGone: Bool { code == EPIPE }

    package var description: String { String(cString: strerror(code)) }
}

/// Standard output. It remembers that something could not be written, so that the command does not end as done.
///
/// What goes to a file or a pipe is collected: a reader such as `head`, which ends after the first line, has the whole of a short
/// output by then.
final class StandardOutput: Sendable {
    private struct State {
        var waiting = ""
        /// The first failure. After it, nothing more is written: a part in the middle must not be missing.
        var failure: StreamFailure?
    }

    /// The most bytes that are collected; a pipe of Linux holds 64 KiB.
    private static let room = 32 << 10

    private let isCollecting = isatty(STDOUT_FILENO) == 0
    private let state = Mutex(State())

    /// Why something could not be written. A reader that ended after it had everything is no failure.
    var failure: StreamFailure? { state.withLock { $0.failure } }

    /// Also when the reader has gone and nothing was written since: what waits for something to write would never know.
    var isBroken: Bool { failure != nil || StandardStreams.isBroken(STDOUT_FILENO) }

    func write(_ text: String) {
        state.withLock { state in
            guard state.failure == nil else { return }
            state.waiting += text
            if !isCollecting || state.waiting.utf8.count > Self.room { Self.write(&state) }
        }
    }

    /// Writes what was collected.
    func flush() {
        state.withLock { state in
            if state.failure == nil { Self.write(&state) }
        }
    }

    private static func write(_ state: inout State) {
        state.failure = StandardStreams.write(state.waiting, to: STDOUT_FILENO)
        state.waiting = ""
    }
}

/// The descriptors 0, 1 and 2.
enum StandardStreams {
    /// Opens those that were closed when the process began, each in the direction that makes its use fail. Otherwise the next
    /// file or connection would get that number, and would take what a command prints.
    static func openClosed() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
        where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Writes all of `text`, and waits where the reader is slow.
    /// - Returns: why not all could be written.
    static func write(_ text: String, to descriptor: Int32) -> StreamFailure? {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno == EAGAIN {
                wait(for: POLLOUT, descriptor)
            } else if errno != EINTR {
                return StreamFailure(code: errno)
            }
        }
        return nil
    }

    /// Reads to the end, or one byte more than the limit.
    static func read(_ descriptor: Int32, limit: Int) throws(StreamFailure) -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while content.count <= limit {
            let count = systemRead(descriptor, &chunk, chunk.count)
            if count > 0 {
                content += chunk.prefix(count)
            } else if count == 0 {
                break
            } else if errno == EAGAIN {
                wait(for: POLLIN, descriptor)
            } else if errno != EINTR {
                throw StreamFailure(code: errno)
            }
        }
        return Array(content.prefix(limit + 1))
    }

    /// Whether the other end of a pipe or socket is gone.
    static func isBroken(_ descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&entry, 1, 0) == 1 && Int32(entry.revents) & POLLERR != 0
    }

    /// Waits as a blocking call would: this descriptor may be non-blocking, since it is shared with other programs.
    private static func wait(for events: Int32, _ descriptor: Int32) {
        var entry = pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0)
        poll(&entry, 1, -1)
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
