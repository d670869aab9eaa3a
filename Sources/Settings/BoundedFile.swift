#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The content of a small regular file, read without trusting its size, its kind or its path.
package struct BoundedFile {
    package let bytes: [UInt8]
    /// Whether anybody on the machine may read it.
    package let isWorldReadable: Bool

    /// Why a file was not read, worded to follow the path.
    package struct Failure: Error {
        package let reason: String
    }

    /// Reads the file at `path`.
    ///
    /// A pipe, device or directory is refused rather than waited for.
    /// - Parameter limit: the most bytes the file may have.
    package init(path: String, limit: Int) throws(Failure) {
        guard !path.utf8.contains(0) else { throw Failure(reason: "is not a path") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.failure(errno) }
        defer { close(descriptor) }

        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(reason: "is not a regular file") }
        isWorldReadable = status.st_mode & S_IROTH != 0

        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw Self.failure(errno) }
            guard count > 0 else { break }
            content += chunk[..<count]
            guard content.count <= limit else { throw Failure(reason: "has more than \(limit) bytes") }
        }
        bytes = content
    }

    private static func failure(_ code: Int32) -> Failure {
        switch code {
        case ENOENT, ENOTDIR: Failure(reason: "does not exist")
        case EACCES, EPERM: Failure(reason: "may not be read by this user")
        case EISDIR: Failure(reason: "is not a regular file")
        default: Failure(reason: "cannot be read (errno \(code))")
        }
    }
}
