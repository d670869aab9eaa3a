import Foundation
import Glibc
import LocalPostgres
import Synchronization

/// A proxy on 127.0.0.1 that speaks CONNECT and SOCKS 5. Whatever host it is asked for, it connects to this machine.
package final class ScriptedProxy: Sendable {
    package enum Behaviour: Sendable {
        /// Makes the connection.
        case relay
        /// Answers CONNECT with this status, SOCKS with this reply.
        case refuse(status: Int, reply: UInt8)
        /// Says nothing.
        case hang
        /// Closes the connection.
        case close
    }

    /// What it was asked for.
    package struct Asked: Sendable, Equatable {
        /// Host and port.
        package var target: String
        /// `Proxy-Authorization`, or `USER:PASSWORD` of SOCKS.
        package var credentials: String?

        package init(target: String, credentials: String? = nil) {
            self.target = target
            self.credentials = credentials
        }
    }

    private struct State {
        var behaviour = Behaviour.relay
        var byTarget: [String: Behaviour] = [:]
        var asked: [Asked] = []
        var listener: Int32?
        var open: Set<Int32> = []
    }

    package let port: UInt16
    /// What it wants to see; nil for nothing.
    private let credentials: String?
    private let state = Mutex(State())

    /// - Parameter credentials: without them it answers 407, or that it takes no other method.
    package init(credentials: String? = nil) throws {
        self.credentials = credentials
        let (socket, port) = try LoopbackPort.bound()
        self.port = port
        try listen(on: socket)
    }

    deinit { stop() }

    package func url(_ scheme: String = "http", credentials: String = "", host: String = "127.0.0.1") -> String {
        "\(scheme)://\(credentials.isEmpty ? "" : credentials + "@")\(host):\(port)"
    }

    package var asked: [Asked] { state.withLock { $0.asked } }

    package func behave(_ behaviour: Behaviour) { state.withLock { $0.behaviour = behaviour } }

    /// What happens to connections to one place; nil for the same as to others.
    package func behave(_ behaviour: Behaviour?, to target: String) {
        state.withLock { $0.byTarget[target] = behaviour }
    }

    /// Ends all connections, and listens no more.
    package func stop() {
        let sockets = state.withLock { state in
            defer { (state.listener, state.open) = (nil, []) }
            return Array(state.open) + [state.listener].compactMap(\.self)
        }
        for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
        if let listener = sockets.last { close(listener) }
    }

    /// Listens again, at the same port.
    package func start() throws { try listen(on: LoopbackPort.bound(to: port).socket) }

    private func listen(on socket: Int32) throws {
        guard Glibc.listen(socket, 256) == 0 else { throw ReceiverError.start(errno) }
        state.withLock { $0.listener = socket }
        Thread { [weak self] in
            while true {
                let client = accept(socket, nil, nil)
                guard client >= 0, let proxy = self else { return }
                proxy.state.withLock { _ = $0.open.insert(client) }
                Thread { [weak proxy] in
                    proxy?.serve(client)
                    close(client)
                }.start()
            }
        }.start()
    }

    private func serve(_ client: Int32) {
        defer { state.withLock { _ = $0.open.remove(client) } }
        guard let first = Self.read(client, 1) else { return }
        if first == [5] { serveSocks(client) } else { serveConnect(client, first) }
    }

    private func serveConnect(_ client: Int32, _ first: [UInt8]) {
        var head = first
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard head.count < 16_384, let next = Self.read(client, 1) else { return }
            head += next
        }
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        let target = lines.first?.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        let given = lines.first { $0.lowercased().hasPrefix("proxy-authorization: ") }?.dropFirst(21)
        let behaviour = asked(Asked(target: target, credentials: given.map(String.init)))
        if let credentials, given.map(String.init) != "Basic " + Data(credentials.utf8).base64EncodedString() {
            return Self.write(
                client, "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")
        }
        switch behaviour {
        case .relay:
            relay(client, target) { Self.write(client, "HTTP/1.1 200 Connected\r\nX-Of-The-Proxy: 1\r\n\r\n") }
        case .refuse(let status, _): Self.write(client, "HTTP/1.1 \(status) No\r\nContent-Length: 3\r\n\r\nno\n")
        case .hang: _ = Self.read(client, 1)
        case .close: return
        }
    }

    private func serveSocks(_ client: Int32) {
        guard let count = Self.read(client, 1)?.first, let methods = Self.read(client, Int(count)) else { return }
        var given: String?
        if methods.contains(2) {
            Self.write(client, [5, 2])
            guard let user = Self.read(client, 2).flatMap({ Self.read(client, Int($0[1])) }),
                let password = Self.read(client, 1).flatMap({ Self.read(client, Int($0[0])) })
            else { return }
            given = String(decoding: user + [UInt8(ascii: ":")] + password, as: UTF8.self)
            let isRight = credentials == nil || credentials == given
            Self.write(client, [1, isRight ? 0 : 1])
            guard isRight else { return }
        } else {
            Self.write(client, [5, credentials == nil ? 0 : 0xFF])
            guard credentials == nil else { return }
        }
        guard let head = Self.read(client, 4), let host = Self.host(client, kind: head[3]),
            let port = Self.read(client, 2)
        else { return }
        let target = "\(host):\(Int(port[0]) << 8 | Int(port[1]))"
        switch asked(Asked(target: target, credentials: given)) {
        case .relay: relay(client, target) { Self.write(client, [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]) }
        case .refuse(_, let reply): Self.write(client, [5, reply, 0, 1, 0, 0, 0, 0, 0, 0])
        case .hang: _ = Self.read(client, 1)
        case .close: return
        }
    }

    private static func host(_ client: Int32, kind: UInt8) -> String? {
        switch kind {
        case 1: read(client, 4).map { $0.map(String.init).joined(separator: ".") }
        case 3: read(client, 1).flatMap { read(client, Int($0[0])) }.map { String(decoding: $0, as: UTF8.self) }
        default: nil
        }
    }

    private func asked(_ asked: Asked) -> Behaviour {
        state.withLock { state in
            state.asked.append(asked)
            return state.byTarget[asked.target] ?? state.behaviour
        }
    }

    /// Copies both ways until one side ends.
    private func relay(_ client: Int32, _ target: String, connected: () -> Void) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(server) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = (target.split(separator: ":").last.flatMap { UInt16($0) } ?? 0).bigEndian
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { return }
        connected()
        var both = [
            pollfd(fd: client, events: Int16(POLLIN), revents: 0),
            pollfd(fd: server, events: Int16(POLLIN), revents: 0),
        ]
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while poll(&both, 2, -1) > 0 {
            for (from, to) in [(0, 1), (1, 0)] where both[from].revents != 0 {
                let count = recv(both[from].fd, &buffer, buffer.count, 0)
                guard count > 0 else { return }
                Self.write(both[to].fd, Array(buffer[..<count]))
            }
        }
    }

    private static func read(_ socket: Int32, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        guard count > 0 else { return [] }
        return recv(socket, &bytes, count, Int32(MSG_WAITALL)) == count ? bytes : nil
    }

    private static func write(_ socket: Int32, _ text: String) { write(socket, Array(text.utf8)) }

    private static func write(_ socket: Int32, _ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return }
            rest = rest.dropFirst(sent)
        }
    }
}
