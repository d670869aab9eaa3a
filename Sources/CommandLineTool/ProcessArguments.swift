#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The words that this process was started with.
///
/// Swift finds them on the stack, beside the environment. A preloaded library that sets a variable moves the environment, and
/// then Swift finds none. The kernel always knows them (`/proc/self/cmdline`, proc_pid_cmdline(5)).
enum ProcessArguments {
    /// More bytes than Linux passes to a program with the usual limit of its stack.
    private static let longest = 8 << 20

    /// Without the name of the executable.
    static func current() -> [String] {
        let words = parse(ofKernel())
        return Array((words.isEmpty ? CommandLine.arguments : words).dropFirst())
    }

    /// Empty where there is no such file.
    private static func ofKernel() -> [UInt8] {
        let descriptor = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        let bytes = (try? StandardStreams.read(descriptor, limit: longest)) ?? []
        return bytes.count <= longest ? bytes : []
    }

    /// The words of `/proc/self/cmdline`: a zero byte ends each.
    static func parse(_ bytes: [UInt8]) -> [String] {
        guard !bytes.isEmpty else { return [] }
        let words = bytes.split(separator: 0, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        return bytes.last == 0 ? words.dropLast() : words
    }
}
