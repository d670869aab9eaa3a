import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The columns and rows of a terminal.
struct TerminalSize: Equatable, Sendable {
    var columns: Int
    var rows: Int

    /// Nil where the descriptor is no terminal.
    static func of(_ descriptor: Int32) -> TerminalSize? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }
}

/// Single keys of a terminal, as they are struck and without an echo. Ctrl-C stays a signal.
enum Keyboard {
    /// Keys that are kept for a reader that does not come for them; more are dropped.
    private static let limit = 64

    /// The bytes of the keys; ends at once where there is no terminal. When the reader stops, the terminal is as it was.
    static func keys(_ descriptor: Int32 = STDIN_FILENO) -> AsyncStream<UInt8> {
        let (keys, struck) = AsyncStream.makeStream(of: UInt8.self, bufferingPolicy: .bufferingOldest(limit))
        var before = termios()
        guard isatty(descriptor) == 1, tcgetattr(descriptor, &before) == 0 else {
            struck.finish()
            return keys
        }
        var single = before
        single.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(descriptor, TCSANOW, &single)
        // Only cancelled from elsewhere, which Dispatch allows.
        nonisolated(unsafe) let source = DispatchSource.makeReadSource(fileDescriptor: descriptor)
        unsafe source.setEventHandler {
            var bytes: [UInt8] = [0, 0, 0, 0]
            let count = unsafe read(descriptor, &bytes, bytes.count)
            guard count > 0 else { return struck.finish() }
            for byte in bytes.prefix(count) { struck.yield(byte) }
        }
        struck.onTermination = { [before] _ in
            unsafe source.cancel()
            var before = before
            tcsetattr(descriptor, TCSANOW, &before)
        }
        unsafe source.resume()
        return keys
    }
}
