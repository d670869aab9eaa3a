import Courier
import Outbox

extension Diagnosis {
    /// The owner of a certificate that expires sooner should hear of it.
    static let certificateDays: Int64 = 14

    static func trustedRoots(_ snapshot: DoctorSnapshot) -> Finding {
        guard let file = snapshot.trustedRoots else {
            return .failure(
                "tls roots", "no trusted certificates are installed, so every https endpoint would fail",
                "apt-get install ca-certificates")
        }
        return .ok("tls roots", file)
    }

    /// What came of connecting to the endpoints' hosts: names and connections, then certificates.
    static func reaches(_ reaches: [HostReach]?, now: Double) -> [Finding] {
        guard let reaches else { return [.ok("hosts", "not tried (--offline)")] }
        let problems = reaches.compactMap(problem)
        let reached = reaches.isEmpty ? "there are none to reach" : "all \(reaches.count) can be reached"
        return (problems.isEmpty ? [.ok("hosts", reached)] : Array(problems.prefix(endpointsNamed)))
            + certificates(reaches, now: now)
    }

    private static func problem(_ host: HostReach) -> Finding? {
        let test = "postrider endpoint test \(ShellWord(host.endpoint))"
        switch host.reach {
        case .reached: return nil
        case .blocked(let address):
            return .failure(
                "hosts",
                "\(host.place) (endpoint \(ShortName(host.endpoint))) leads to \(address), which the policy forbids",
                "correct the name's addresses, or allow the network in POSTRIDER_ALLOWED_NETWORKS")
        case .failed(.dnsFailure, let detail):
            return .failure(
                "hosts", "\(host.place) (endpoint \(ShortName(host.endpoint))) cannot be resolved: \(detail)",
                "postrider endpoint update \(ShellWord(host.endpoint)) --url URL, or fix the name server")
        case .failed(.tlsFailure, let detail):
            return .failure("certificates", "\(host.place) (endpoint \(ShortName(host.endpoint))): \(detail)", test)
        case .failed(let code, let detail):
            // The host may be up again before the next attempt: that is what retries are for.
            return .warning(
                "hosts", "\(host.place) (endpoint \(ShortName(host.endpoint))): \(code.rawValue), \(detail)", test)
        }
    }

    private static func certificates(_ reaches: [HostReach], now: Double) -> [Finding] {
        let known = reaches.compactMap { host -> (host: HostReach, days: Int64)? in
            guard case .reached(let expiry?) = host.reach, let now = Int64(exactly: now.rounded()) else { return nil }
            return (host, (expiry - now) / 86_400)
        }
        .sorted { $0.days < $1.days }
        guard let first = known.first else { return [] }
        guard first.days < certificateDays else {
            return [.ok("certificates", "\(known.count) seen; the first one expires in \(first.days) days")]
        }
        return known.prefix(endpointsNamed).filter { $0.days < certificateDays }.map { host, days in
            .warning(
                "certificates",
                "the certificate of \(host.place) (endpoint \(ShortName(host.endpoint))) expires in \(days) days",
                "tell its owner; without a new certificate deliveries will fail with tls_failure")
        }
    }
}
