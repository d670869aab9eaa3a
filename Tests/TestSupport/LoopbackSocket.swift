internal import Dispatch
internal import Glibc
internal import Outbox
package import Settings
internal import Synchronization

/// A connection to a server of this machine. To wait for it takes no thread, and ends after a while.
package final class LoopbackSocket: Sendable {
    package enum Failure: Error {
        case notConnected(Int32)
        /// The other side has closed, or has reset the connection.
        case closed
        case timedOut
    }

    /// How long one wait may take.
    private static let patience = 30
    private static let queue = DispatchQueue(label: "postrider.test.sockets")

    private let descriptor: Int32
    private let isClosed = Atomic(false)

    package init(_ address: ListenAddress) throws {
        descriptor = try Self.connected(address)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    deinit {
        close()
    }

    /// Not while another waits for it.
    package func close() {
        if !isClosed.exchange(true, ordering: .relaxed) { _ = Glibc.close(descriptor) }
    }

    /// Says that nothing more will be sent.
    package func endSending() {
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    package func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else {
                try await wait(errno, DispatchSource.makeWriteSource)
            }
        }
    }

    /// Some bytes, as soon as there are any.
    package func read(atMost most: Int = 65_536) async throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: most)
        while true {
            let count = recv(descriptor, &bytes, most, 0)
            if count > 0 { return Array(bytes.prefix(count)) }
            if count == 0 { throw Failure.closed }
            try await wait(errno, DispatchSource.makeReadSource)
        }
    }

    /// All that comes until the other side closes.
    package func readToEnd() async throws -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            while true { bytes += try await read() }
        } catch Failure.closed {}
        return bytes
    }

    /// - Parameter code: with which a call failed.
    private func wait(
        _ code: Int32, _ makeSource: (Int32, DispatchQueue?) -> any DispatchSourceProtocol
    ) async throws {
        guard code == EAGAIN else { throw Failure.closed }
        let source = Source(makeSource(descriptor, Self.queue))
        let end = DispatchTime.now() + .seconds(Self.patience)
        await withCheckedContinuation { continuation in
            source.inner.setEventHandler { source.inner.cancel() }
            // Not before Dispatch has let go of the descriptor.
            source.inner.setCancelHandler { continuation.resume() }
            source.inner.activate()
            Self.queue.asyncAfter(deadline: end) { source.inner.cancel() }
        }
        if DispatchTime.now() >= end { throw Failure.timedOut }
    }

    /// Unchecked, because Dispatch allows `cancel` from any thread without telling the compiler.
    private struct Source: @unchecked Sendable {
        let inner: any DispatchSourceProtocol

        init(_ inner: any DispatchSourceProtocol) {
            self.inner = inner
        }
    }

    private static func connected(_ address: ListenAddress) throws -> Int32 {
        switch address.host {
        case .v4(let bits):
            var place = sockaddr_in()
            place.sin_family = sa_family_t(AF_INET)
            place.sin_port = address.port.bigEndian
            place.sin_addr.s_addr = bits.bigEndian
            return try connected(AF_INET, &place, MemoryLayout<sockaddr_in>.size)
        case .v6:
            var place = sockaddr_in6()
            place.sin6_family = sa_family_t(AF_INET6)
            place.sin6_port = address.port.bigEndian
            _ = inet_pton(AF_INET6, "\(address.host)", &place.sin6_addr)
            return try connected(AF_INET6, &place, MemoryLayout<sockaddr_in6>.size)
        }
    }

    private static func connected(_ family: Int32, _ place: UnsafeRawPointer, _ size: Int) throws -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let place = place.assumingMemoryBound(to: sockaddr.self)
        guard connect(descriptor, place, socklen_t(size)) == 0 else {
            let code = errno
            _ = Glibc.close(descriptor)
            throw Failure.notConnected(code)
        }
        return descriptor
    }
}
