import Doors
import Foundation
import Telemetry
import TestSupport
import Testing

@testable import Server

@Suite("Senders that mean ill", .timeLimit(.minutes(2)))
struct InboxFloodTests {
    private static let bearer = "name => 'b', scheme => 'bearer', secrets => ARRAY['\(DoorRig.token)']"

    @Test("what its head proves wrong is refused before its body, and is not read on")
    func early() async throws {
        try await DoorRig.with(
            Self.bearer, "name => 's', scheme => 'standard', secrets => ARRAY['\(DoorRig.secret)']"
        ) { rig in
            let old = try DoorRig.signed("evt_1", "{}", at: Date.now.timeIntervalSince1970 - 301)
            let chunk = [UInt8]("10000\r\n".utf8) + [UInt8](repeating: 0x78, count: 0x10000) + [UInt8]("\r\n".utf8)
            let lines = Array("X-Flood: \(String(repeating: "x", count: 4_000))\r\n".utf8)
            let floods: [(path: String, headers: [String], refusal: (Int, String), rest: [UInt8])] = [
                ("b", ["Expect: 100-continue", "Transfer-Encoding: chunked"], (401, "missing_header"), chunk),
                ("b", ["Authorization: Bearer x", "Transfer-Encoding: chunked"], (401, "wrong_credentials"), chunk),
                ("s", ["Transfer-Encoding: chunked"], (401, "missing_header"), chunk),
                ("s", old + ["Content-Length: 1000000"], (401, "too_old"), chunk),
            ]
            for flood in floods {
                let client = try DoorClient(rig.address)
                defer { client.close() }
                let head = ["POST /in/\(flood.path) HTTP/1.1", "Host: x"] + flood.headers
                try await client.write(head.joined(separator: "\r\n") + "\r\n\r\n")
                let reply = try await client.read()
                #expect(reply.status == flood.refusal.0 && reply.body == #"{"error":"\#(flood.refusal.1)"}"# + "\n")
                #expect(await client.pour(flood.rest, most: 64 << 20) < 64 << 20)
            }
            // No HTTP at all.
            let client = try DoorClient(rig.address)
            defer { client.close() }
            try await client.write("POST /in/b HTTP/1.1\r\n")
            #expect(await client.pour(lines, most: 64 << 20) < 64 << 20)
        }
    }

    @Test("bodies that take more memory than all may are refused, to be sent again")
    func memory() async throws {
        var limits = ConnectionLimits()
        limits.heldBytes = 200_000
        try await DoorRig.with(Self.bearer, limits: limits) { rig in
            #expect(try await rig.post("b", [DoorRig.bearer], String(repeating: "x", count: 100_000)).status == 200)
            let client = try DoorClient(rig.address)
            defer { client.close() }
            try await client.write(
                "POST /in/b HTTP/1.1\r\nHost: x\r\n\(DoorRig.bearer)\r\nContent-Length: 900000\r\n\r\n")
            try await client.write([UInt8](repeating: 0x78, count: 400_000))
            let reply = try await client.read()
            #expect(reply.status == 503 && reply.body == #"{"error":"queue_full"}"# + "\n", "\(reply)")
            #expect(reply.head.contains("retry-after: "))
            #expect(rig.registry.exposition().contains("\npostrider_inbox_held_bytes 0\n"))
        }
    }

    @Test("senders that say nothing, or say it slowly, cost honest ones nothing: old ones make room")
    func slow() async throws {
        var limits = ConnectionLimits()
        limits.connections = 40
        limits.heldBytes = 1 << 20
        try await DoorRig.with(Self.bearer, limits: limits) { rig in
            var silent: [DoorClient] = []
            defer { for client in silent { client.close() } }
            for number in 0..<200 {
                let client = try DoorClient(rig.address)
                try await client.write(
                    number.isMultiple(of: 2)
                        ? "POST /in/b HT"
                        : "POST /in/b HTTP/1.1\r\nHost: x\r\n\(DoorRig.bearer)\r\nContent-Length: 900000\r\n\r\nx")
                silent.append(client)
                if number.isMultiple(of: 10) {
                    #expect(try await rig.post("b", [DoorRig.bearer], "\(number)").status == 200)
                }
            }
            // Bodies that together hold more than may be held.
            var large: [DoorClient] = []
            defer { for client in large { client.close() } }
            for _ in 0..<10 {
                let client = try DoorClient(rig.address)
                try await client.write(
                    "POST /in/b HTTP/1.1\r\nHost: x\r\n\(DoorRig.bearer)\r\nContent-Length: 900000\r\n\r\n"
                        + String(repeating: "x", count: 400_000))
                large.append(client)
            }
            for number in 0..<20 { #expect(try await rig.post("b", [DoorRig.bearer], "after \(number)").status == 200) }
            let metrics = rig.registry.exposition()
            func gauge(_ name: String) -> Int {
                metrics.split(separator: "\n").first { $0.hasPrefix(name + " ") }.flatMap {
                    Int($0.split(separator: " ")[1])
                } ?? -1
            }
            #expect((1...40).contains(gauge("postrider_inbox_connections")))
            #expect((0...(1 << 20)).contains(gauge("postrider_inbox_held_bytes")))
            #expect(gauge("postrider_inbox_ended_connections_total") >= 160)
        }
    }

    @Test("what takes too long is ended")
    func deadlines() async throws {
        var limits = ConnectionLimits()
        (limits.headTime, limits.bodyTime, limits.idleTime) = (
            .milliseconds(300), .milliseconds(300), .milliseconds(300)
        )
        try await DoorRig.with(Self.bearer, limits: limits) { rig in
            let idle = try DoorClient(rig.address)
            #expect(try await idle.send("POST", "/in/b", [DoorRig.bearer], [1]).status == 200)
            let head = try DoorClient(rig.address)
            try await head.write("POST /in/b")
            let body = try DoorClient(rig.address)
            try await body.write("POST /in/b HTTP/1.1\r\nHost: x\r\n\(DoorRig.bearer)\r\nContent-Length: 9\r\n\r\nx")
            let began = ContinuousClock.now
            for client in [idle, head] { #expect(await client.isClosed()) }
            _ = try? await body.read()
            #expect(ContinuousClock.now - began < .seconds(5))
            for client in [idle, head, body] { client.close() }
            #expect(try await rig.value("SELECT count(*) FROM postrider.inbox") == "1")
        }
    }
}
