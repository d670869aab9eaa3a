import Doors
import Logging
import Outbox
import ServiceLifecycle
import Settings
import TestSupport
import Testing

@testable import Worker

@Suite(.timeLimit(.minutes(1))) struct HealthRoutesTests {
    private let state = HealthState()

    /// Opens a door at a free port and gives its address to `body`.
    private func withDoor(
        at text: String = "127.0.0.1:0", limits: ConnectionLimits = HealthRoutes.limits,
        _ body: (ListenAddress) async throws -> Void
    ) async throws {
        let address = try #require(ListenAddress(text, allowingAnyPort: true))
        let door = try HealthRoutes(state: state, metrics: { "# HELP up Whether.\n" }).door(at: address, limits: limits)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await door.run() }
            try await body(door.address)
            group.cancelAll()
        }
    }

    private func open(at address: ListenAddress) throws -> Door {
        try HealthRoutes(state: state, metrics: { "" }).door(at: address)
    }

    /// Sends `text` and returns everything that comes back until the server closes.
    private func send(_ text: String, to address: ListenAddress) async throws -> String {
        let client = try DoorClient(address)
        defer { client.close() }
        try await client.write(text)
        client.endSending()
        return try await client.readToEnd()
    }

    private func get(_ path: String, from address: ListenAddress) async throws -> (status: String, body: String) {
        let answer = try await send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n", to: address)
        let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1)
        let words = answer.split(separator: " ", maxSplits: 2)
        return (words.count > 1 ? String(words[1]) : "", parts.count == 2 ? String(parts[1]) : "")
    }

    @Test func readinessFollowsTheState() async throws {
        try await withDoor { address in
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
        try await withDoor { address in
            state.set(.databaseUnreachable, true)
            var answer = try await get("/livez", from: address)
            #expect(answer == ("200", #"{"status":"ok"}"# + "\n"))
            state.watch("claimer", limit: .seconds(-1))
            answer = try await get("/livez", from: address)
            #expect(answer == ("503", #"{"status":"unavailable","stuck":["claimer"]}"# + "\n"))
        }
    }

    @Test func metricsAreServedAsPrometheusText() async throws {
        try await withDoor { address in
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
        ("DELETE /readyz HTTP/1.0", "405"), ("HEAD /livez HTTP/1.1", "405"), ("BREW /livez HTTP/1.1", "400"),
        ("GET http://x/livez HTTP/1.1", "200"), ("OPTIONS * HTTP/1.1", "404"), ("nonsense", "400"),
        ("GET /livez HTTP/3", "400"), ("GET /\u{0} HTTP/1.1", "400"),
    ])
    func statusOfEveryKindOfRequest(line: String, status: String) async throws {
        try await withDoor { address in
            let answer = try await send(line + "\r\nHost: x\r\n\r\n", to: address)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains("\r\nAllow: GET\r\n") == (status == "405"))
            #expect(answer.hasSuffix("\r\n\r\n") == (line.hasPrefix("HEAD") || status == "400"))
        }
    }

    @Test func answerArrivesThoughTheBodyIsNotRead() async throws {
        try await withDoor { address in
            let body = String(repeating: "x", count: 20_000)
            let answer = try await send("POST /livez HTTP/1.1\r\nContent-Length: 20000\r\n\r\n" + body, to: address)
            #expect(answer.hasPrefix("HTTP/1.1 405 "))
        }
    }

    @Test func endlessHeadIsCutOff() async throws {
        try await withDoor { address in
            let answer = try await send("GET /livez HTTP/1.1\r\nA: " + String(repeating: "a", count: 9000), to: address)
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test func slowClientsAreCutOff() async throws {
        var limits = HealthRoutes.limits
        limits.headTime = .milliseconds(100)
        try await withDoor(limits: limits) { address in
            let idle = try (0..<6).map { _ in try DoorClient(address) }
            try await idle[0].write("GET /livez HTTP/1.1\r\n")
            for client in idle {
                #expect(try await client.readToEnd().isEmpty)
                client.close()
            }
        }
    }

    @Test func clientsThatSayNothingKeepNoOneOut() async throws {
        var limits = HealthRoutes.limits
        limits.connections = 4
        (limits.headTime, limits.idleTime) = (.seconds(50), .seconds(50))
        try await withDoor(limits: limits) { address in
            let idle = try (0..<12).map { _ in try DoorClient(address) }
            #expect(try await get("/livez", from: address).status == "200")
            for client in idle[..<8] { #expect(await client.isClosed()) }
            for client in idle { client.close() }
        }
    }

    @Test func manyRequestsInTurnAndAtOnce() async throws {
        try await withDoor { address in
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
        try await withDoor(at: "[::1]:0") { address in
            #expect(address.port != 0)
            let answer = try await get("/livez", from: address)
            #expect(answer.status == "200")
        }
    }

    @Test func addressInUseIsAConfigurationError() async throws {
        try await withDoor { address in
            let error = #expect(throws: ConfigurationError.self) { try open(at: address) }
            #expect(
                error?.description
                    == "POSTRIDER_HEALTH_LISTEN is \(address), which another process listens on already")
        }
    }

    @Test func addressOfAnotherMachineIsAConfigurationError() throws {
        let address = try #require(ListenAddress("192.0.2.1:8080"))
        let error = #expect(throws: ConfigurationError.self) { try open(at: address) }
        #expect(error?.code == .unusableAddress)
        #expect(error?.description.hasSuffix("which is not an address of this machine") == true)
    }

    @Test func gracefulShutdownEndsItAndFreesThePort() async throws {
        let server = try open(at: .loopback(port: 0))
        let group = ServiceGroup(services: [server], logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            #expect(try await get("/livez", from: server.address).status == "200")
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        let again = try open(at: server.address)
        #expect(again.address == server.address)
    }
}
