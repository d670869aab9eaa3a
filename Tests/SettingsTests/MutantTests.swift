import Logging
import Outbox
import Telemetry
import TestSupport
import Testing

@testable import Settings

/// Nearly right configurations by the ten thousand: each is read as its rules say, or refused in one line that repeats no value.
@Suite struct MutantTests {
    private static let known = [
        "# limits\nPOSTRIDER_MAX_IN_FLIGHT=7\nPOSTRIDER_MAX_IN_FLIGHT_BYTES = \"64 MiB\"\n",
        "POSTRIDER_ALLOWED_NETWORKS='10.0.0.0/8, fd00::/8'\nPOSTRIDER_ALLOW_HTTP=true\n",
        "POSTRIDER_LEASE_SLACK=15s\r\nPOSTRIDER_DRAIN_TIMEOUT=1h\r\n", "POSTRIDER_HEALTH_LISTEN=[::1]:9000\n",
        "POSTRIDER_DATABASE_URL=\"postgres://u:canary@h/d?a=\\\"b\\\"\"\nPOSTRIDER_LOG_LEVEL=trace\nPOSTRIDER_LOG_FORMAT=json",
        "POSTRIDER_SECRET_KEY_FILE=/run/secrets/canary\n",
    ]

    @Test func files() throws {
        var mutants = Mutator(Self.known, seed: 31)
        var (read, refused) = (0, 0)
        for _ in 0..<2_000 {
            let text = mutants.next()
            do throws(ConfigurationError) {
                let file = try ConfigurationFile(path: "postrider.conf", text: text)
                let configuration = try WorkerConfiguration(reading: ConfigurationSources(environment: [:], file: file))
                read += 1
                #expect((1...16_384).contains(configuration.maxInFlight))
                #expect((1 << 20...64 << 30).contains(configuration.maxInFlightBytes))
                #expect(Limits.leaseSlack.contains(configuration.leaseSlack))
                #expect(configuration.allowedNetworks.allSatisfy { (1...128).contains($0.prefixLength) })
                #expect(configuration.healthListen.port > 0)
                #expect(configuration.databaseURL.map { !"\($0)".contains("canary") } ?? true)
            } catch {
                refused += 1
                let line = error.description
                #expect(
                    line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }, "\(text.debugDescription)")
                // What stands before a `=` is a name, and told; a value is not.
                #expect(!line.contains("canary") || error.key?.contains("canary") == true, "\(text.debugDescription)")
            }
        }
        #expect(read > 100 && refused > 100)
    }

    @Test func values() {
        var mutants = Mutator(
            ["250ms", "15s", "5m", "2h", "30d", "1 MiB", "64GiB", "1048576", "127.0.0.1:80", "[::1]:80"], seed: 32)
        var (durations, sizes, places) = (0, 0, 0)
        for _ in 0..<20_000 {
            let text = mutants.next()
            if let duration = try? DurationText.parse(text) {
                durations += 1
                #expect(duration >= .zero, "\(text.debugDescription)")
            }
            if let size = ByteSize.parse(text) {
                sizes += 1
                #expect(size >= 0, "\(text.debugDescription)")
            }
            if let place = ListenAddress(text) {
                places += 1
                #expect(place.port > 0, "\(text.debugDescription)")
            }
        }
        #expect(durations > 200 && sizes > 200 && places > 200)
    }
}
