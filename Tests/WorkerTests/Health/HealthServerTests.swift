import FlyingSocks
import Foundation
import Glibc
import Logging
import Outbox
import ServiceLifecycle
import Settings
import Synchronization
import Testing

@testable import Worker

@Suite(.timeLimit(.minutes(1))) struct HealthServerTests {
    private let state = HealthState()

    /// Runs a server on a free port and gives its address to `body`.
    private func withServer(
        on text: String = "127.0.0.1:0", limits: HealthServer.ClientLimits = .init(),
        _ body: (ListenAddress) async throws -> Void
    ) async throws {
        let address = try #require(ListenAddress(text, allowingAnyPort: true))
        let server = try HealthServer(
            listeningOn: address, state: state, limits: limits, logger: Logger(label: "test"),
            metrics: { "# HELP up Whether.\n" })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body(server.address)
            group.cancelAll()
        }
    }

    private func bind(to address: ListenAddress) throws -> HealthServer {
        try HealthServer(listeningOn: address, state: state, logger: Logger(label: "test")) { "" }
    }

    private func connect(to address: ListenAddress) async throws -> AsyncSocket {
        switch address.host {
        case .v4:
            try await .connected(to: sockaddr_in.inet(ip4: address.host.description, port: address.port), pool: pool)
        case .v6:
            try await .connected(to: sockaddr_in6.inet6(ip6: address.host.description, port: address.port), pool: pool)
        }
    }

    private let pool = DispatchSocketPool()

    private func readToEnd(of socket: AsyncSocket) async throws -> String {
        var bytes: [UInt8] = []
        do {
            while true {
                bytes += try await socket.read(atMost: 4096)
            }
        } catch SocketError.disconnected {}
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Sends `text` and returns everything that comes back until the server closes.
    private func send(_ text: String, to address: ListenAddress) async throws -> String {
        let socket = try await connect(to: address)
        defer { try? socket.close() }
        try await socket.write(Data(text.utf8))
        return try await readToEnd(of: socket)
    }

    private func get(_ path: String, from address: ListenAddress) async throws -> (status: String, body: String) {
        let answer = try await send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n", to: address)
        let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1)
        return (String(answer.split(separator: " ")[1]), parts.count == 2 ? String(parts[1]) : "")
    }

    @Test func readinessFollowsTheState() async throws {
        try await withServer { address in
            for path in ["/readyz", "/healthz"] {
                state.set(.starting, true)
                state.set(.clockSkew, true)
                var answer = try await get(path, from: address)
                #expect(answer == ("503", #"{"status":"unavailable","reasons":["starting","clock_skew"]}"# + "\n"))
                state.set(.starting, false)
                state.set(.clockSkew, false)
                answer = try await get(path, from: address)
                #expect(answer == ("200", #"{"status":"ok"}"# + "\n"))
            }
        }
    }

    @Test func livenessLooksOnlyAtLoops() async throws {
        try await withServer { address in
            state.set(.databaseUnreachable, true)
            var answer = try await get("/livez", from: address)
            #expect(answer == ("200", #"{"status":"ok"}"# + "\n"))
            state.watch("claimer", limit: .seconds(-1))
            answer = try await get("/livez", from: address)
            #expect(answer == ("503", #"{"status":"unavailable","stuck":["claimer"]}"# + "\n"))
        }
    }

    @Test func metricsAreServedAsPrometheusText() async throws {
        try await withServer { address in
            let answer = try await send("GET /metrics HTTP/1.1\r\n\r\n", to: address)
            #expect(
                answer == """
                    HTTP/1.1 200 OK\r
                    Content-Type: text/plain; version=0.0.4; charset=utf-8\r
                    Content-Length: 19\r
                    Cache-Control: no-store\r
                    X-Content-Type-Options: nosniff\r
                    Connection: close\r
                    \r
                    # HELP up Whether.

                    """)
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1", "404"), ("GET /metrics/ HTTP/1.1", "404"), ("GET //livez HTTP/1.1", "404"),
        ("POST /nothing HTTP/1.1", "404"), ("GET /livez?x=1 HTTP/1.1", "200"), ("POST /metrics HTTP/1.1", "405"),
        ("DELETE /readyz HTTP/1.0", "405"), ("HEAD /livez HTTP/1.1", "405"), ("BREW /livez HTTP/1.1", "405"),
        ("nonsense", "400"), ("GET /livez HTTP/3", "400"),
    ])
    func statusOfEveryKindOfRequest(line: String, status: String) async throws {
        try await withServer { address in
            let answer = try await send(line + "\r\nHost: x\r\n\r\n", to: address)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains("\r\nAllow: GET\r\n") == (status == "405"))
            #expect(answer.hasSuffix("\r\n\r\n") == line.hasPrefix("HEAD"))
        }
    }

    @Test func answerArrivesThoughTheBodyIsNotRead() async throws {
        try await withServer { address in
            let body = String(repeating: "x", count: 20_000)
            let answer = try await send("POST /livez HTTP/1.1\r\nContent-Length: 20000\r\n\r\n" + body, to: address)
            #expect(answer.hasPrefix("HTTP/1.1 405 "))
        }
    }

    @Test func endlessHeadIsCutOff() async throws {
        try await withServer { address in
            let answer = try await send("GET /livez HTTP/1.1\r\nA: " + String(repeating: "a", count: 9000), to: address)
            #expect(answer.hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test func slowClientsAreCutOffAndHoldNoOneUpForLong() async throws {
        var limits = HealthServer.ClientLimits()
        limits.connections = 2
        limits.deadline = .milliseconds(100)
        try await withServer(limits: limits) { address in
            var idle: [AsyncSocket] = []
            for _ in 0..<6 {
                idle.append(try await connect(to: address))
            }
            let answer = try await get("/livez", from: address)
            #expect(answer.status == "200")
            for socket in idle {
                #expect(try await readToEnd(of: socket).isEmpty)
                try socket.close()
            }
        }
    }

    @Test func connectionsBeyondTheLimitWaitForTheirTurn() async throws {
        var limits = HealthServer.ClientLimits()
        limits.connections = 2
        limits.deadline = .seconds(50)
        try await withServer(limits: limits) { address in
            var idle = [try await connect(to: address), try await connect(to: address)]
            let waiting = try await connect(to: address)
            defer { try? waiting.close() }
            try await waiting.write(Data("GET /livez HTTP/1.1\r\n\r\n".utf8))
            let early = try await withThrowingTaskGroup(of: String?.self) { group in
                group.addTask { try await readToEnd(of: waiting) }
                group.addTask {
                    try await Task.sleep(for: .milliseconds(150))
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
            #expect(early == nil)
            try idle.removeLast().close()
            let answer = try await readToEnd(of: waiting)
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            try idle.removeLast().close()
        }
    }

    @Test func manyRequestsInTurnAndAtOnce() async throws {
        try await withServer { address in
            for _ in 0..<5 {
                try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<40 {
                        group.addTask { try await get("/livez", from: address).status }
                    }
                    for try await status in group {
                        #expect(status == "200")
                    }
                }
            }
        }
    }

    @Test func servesIPv6() async throws {
        try await withServer(on: "[::1]:0") { address in
            #expect(address.port != 0)
            let answer = try await get("/livez", from: address)
            #expect(answer.status == "200")
        }
    }

    @Test func addressInUseIsAConfigurationError() async throws {
        try await withServer { address in
            let error = #expect(throws: ConfigurationError.self) { try bind(to: address) }
            #expect(
                error?.description
                    == "POSTRIDER_HEALTH_LISTEN is \(address), which another process listens on already")
        }
    }

    @Test func addressOfAnotherMachineIsAConfigurationError() throws {
        let address = try #require(ListenAddress("192.0.2.1:8080"))
        let error = #expect(throws: ConfigurationError.self) { try bind(to: address) }
        #expect(error?.code == .unusableAddress)
        #expect(error?.description.hasSuffix("which is not an address of this machine") == true)
    }

    @Test func gracefulShutdownEndsItAndFreesThePort() async throws {
        let server = try HealthServer(
            listeningOn: .loopback(port: 0), state: state, logger: Logger(label: "test"), metrics: { "" })
        let group = ServiceGroup(services: [server], logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            #expect(try await get("/livez", from: server.address).status == "200")
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        let again = try bind(to: server.address)
        #expect(again.address == server.address)
    }
}
