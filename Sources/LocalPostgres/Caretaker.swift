internal import Glibc
internal import Synchronization

/// A small shell that stops the server and removes its directory when this process ends, however it ends.
///
/// It reads from a socket to which no one writes. The kernel closes our end when our process ends.
final class Caretaker: Sendable {
    private let pid: pid_t
    private let connection: Mutex<Int32?>

    init(stop: [String], removing directory: String) throws(LocalPostgresError) {
        var ends: [Int32] = [-1, -1]
        // A pair of sockets, since these can be made so that no other program inherits them.
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw LocalPostgresError("No file descriptor is left")
        }
        defer { close(ends[0]) }
        let words = ["/bin/sh", "-c", Self.script, "caretaker", directory] + stop
        do { pid = try Program(words, in: "/").start(input: ends[0], output: "/dev/null") } catch {
            close(ends[1])
            throw error
        }
        connection = Mutex(ends[1])
    }

    deinit { letGo() }

    /// Lets it do its work now, and waits until that is done.
    func finish() async {
        guard letGo() else { return }
        _ = await Program.status(of: pid)
    }

    @discardableResult

    private func letGo() -> Bool {
        let end = connection.withLock { end in
            defer { end = nil }
            return end
        }
        guard let end else { return false }
        close(end)
        return true
    }

    /// `$1` is the directory, the rest the command that stops the server. Other programs that left a pid file in the directory are ended, too.
    private static let script = """
        trap '' INT TERM HUP QUIT
        directory=$1
        shift
        cat > /dev/null
        "$@"
        for file in "$directory"/*.pid; do
            [ -e "$file" ] && kill "$(cat "$file")"
        done
        rm -rf -- "$directory"
        """
}
