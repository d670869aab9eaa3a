import Dispatch
import Foundation
import Glibc
import LocalPostgres
import Outbox
import Synchronization
import TestSupport

@testable import Courier

/// A name server on this machine, over UDP and TCP, that answers as it is told: one answer a look-up, the last one for ever.
///
/// A key such as `*.example` holds for all names that end like this. Names that it was not told about do not exist.
final class ScriptedNameServer: Sendable {
    /// What a question gets.
    indirect enum Answer: Sendable {
        case addresses([IPAddress], timeToLive: UInt32 = 60)
        /// The name is another name for this one, which has the addresses.
        case alias(String, timeToLive: UInt32, [IPAddress])
        /// A response code of RFC 1035, section 4.1.1.
        case code(UInt8)
        /// A few bytes that are no answer.
        case noise
        case silence
        case late(DispatchTimeInterval, Answer)
        /// Different answers for the two families.
        case families(v4: Answer, v6: Answer)

        static let serverFailure = code(2)
        static let notFound = code(3)
        static let refused = code(5)
    }

    let port: UInt16
    private let folder: TemporaryFolder
    private let script: NameScript
    private let queue = DispatchQueue(label: "test.nameserver")
    /// Set once, and used by one thread at a time: when the server begins and when it ends.
    nonisolated(unsafe) private let sources: [any DispatchSourceRead]

    init(_ answers: [String: [Answer]]) throws {
        let script = NameScript(answers)
        let (datagrams, listener, port) = try Self.sockets()
        self.script = script
        self.port = port
        folder = try TemporaryFolder()
        let queue = queue
        let questions = DispatchSource.makeReadSource(fileDescriptor: datagrams, queue: queue)
        questions.setEventHandler { Self.answerDatagrams(datagrams, script, queue) }
        questions.setCancelHandler { close(datagrams) }
        let connections = DispatchSource.makeReadSource(fileDescriptor: listener, queue: queue)
        connections.setEventHandler { Self.answerConnection(listener, script) }
        connections.setCancelHandler { close(listener) }
        sources = [questions, connections]
        try use("127.0.0.1")
        for source in sources { source.activate() }
    }

    deinit {
        for source in sources { source.cancel() }
    }

    /// The names that were asked for, one for each look-up.
    var names: [String] { script.names }
    /// How many answers went over TCP.
    var streams: Int { script.streams }

    /// The settings with which a pool asks this server.
    var settings: CourierConfiguration.Names {
        var names = CourierConfiguration.Names()
        names.serversFile = folder.url.appendingPathComponent("resolv.conf").path
        names.hostsFile = folder.url.appendingPathComponent("hosts").path
        names.port = port
        return names
    }

    /// Writes the file that names the servers, with this address in it.
    func use(_ address: String) throws {
        // Were the search domain used, a name that does not exist would be asked for twice.
        try Data("search inside.example\nnameserver \(address)\n".utf8).write(
            to: URL(fileURLWithPath: settings.serversFile))
    }

    func write(hosts: String) throws {
        try Data(hosts.utf8).write(to: URL(fileURLWithPath: settings.hostsFile))
    }

    // MARK: - Sockets

    private static func sockets() throws -> (datagrams: Int32, listener: Int32, port: UInt16) {
        for _ in 0..<20 {
            let (listener, port) = try LoopbackPort.bound(to: 0)
            let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let isBound = withUnsafeBytes(of: &address) { bytes in
                bytes.baseAddress.map {
                    bind(datagrams, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
                } ?? false
            }
            if isBound, listen(listener, 64) == 0 { return (datagrams, listener, port) }
            close(datagrams)
            close(listener)
        }
        throw CocoaError(.fileNoSuchFile)
    }

    private static func answerDatagrams(_ socket: Int32, _ script: NameScript, _ queue: DispatchQueue) {
        var message = [UInt8](repeating: 0, count: 4096)
        while true {
            var sender = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let count = withUnsafeMutableBytes(of: &sender) { bytes -> Int in
                recvfrom(
                    socket, &message, message.count, Int32(MSG_DONTWAIT),
                    bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
            }
            guard count > 0, let question = NameQuestion(message.prefix(count)) else { return }
            let (reply, delay) = script.reply(to: question, limit: 512)
            guard let reply else { continue }
            let send: @Sendable () -> Void = { [sender] in
                var sender = sender
                _ = withUnsafeBytes(of: &sender) { bytes in
                    sendto(
                        socket, reply, reply.count, 0, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                        socklen_t(bytes.count))
                }
            }
            if let delay { queue.asyncAfter(deadline: .now() + delay, execute: send) } else { send() }
        }
    }

    /// One question, one answer.
    private static func answerConnection(_ listener: Int32, _ script: NameScript) {
        let socket = accept(listener, nil, nil)
        guard socket >= 0 else { return }
        defer { close(socket) }
        var wait = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        var message = [UInt8](repeating: 0, count: 4096)
        let count = recv(socket, &message, message.count, 0)
        guard count > 2, let question = NameQuestion(message[2..<count]) else { return }
        guard let reply = script.reply(to: question, limit: nil).reply else { return }
        let framed = [UInt8(reply.count >> 8), UInt8(reply.count & 0xFF)] + reply
        var sent = 0
        while sent < framed.count {
            let piece = Array(framed[sent...])
            let written = Glibc.send(socket, piece, piece.count, Int32(MSG_NOSIGNAL))
            guard written > 0 else { return }
            sent += written
        }
    }
}
