import Dispatch
package import Outbox

/// Tries connections to endpoints, and sends nothing over them: resolves the name, judges every address, connects, shakes
/// hands for TLS and reads when the certificate expires.
///
/// For an operator who asks what is wrong, a few dozen at a time. Each try blocks a thread of its own.
package final class ReachProbe: Sendable {
    /// How many connections are tried at once. More finish sooner and take more threads.
    package static let width = 8

    private let configuration: CourierConfiguration
    private let judge: @Sendable (IPAddress) -> Bool
    private let trustedRootsFile: String?
    private let timeout: Duration
    private let proxy: EgressProxy?

    /// - Parameters:
    ///   - timeout: how long making one connection may take. The look-up of its name may take another 5 s.
    ///   - trustedRootsFile: certificates to trust instead of the system's.
    ///   - proxy: which all connections go through.
    ///   - judge: whether an address may be dialled.
    package init(
        timeout: Duration = .seconds(5), trustedRootsFile: String? = nil,
        names: CourierConfiguration.Names = CourierConfiguration.Names(), proxy: EgressProxy? = nil,
        judge: @escaping @Sendable (IPAddress) -> Bool
    ) {
        self.timeout = timeout
        self.trustedRootsFile = trustedRootsFile
        var configuration = CourierConfiguration()
        configuration.couriers = 1
        configuration.names = names
        configuration.proxy = proxy
        self.proxy = proxy
        self.configuration = configuration
        self.judge = judge
    }

    /// The results are in the order of the requests.
    package func reach(_ requests: [ReachRequest]) async -> [Reach] {
        let names: CourierPool
        do throws(CourierPoolError) {
            // Used for its look-ups only.
            names = try CourierPool(configuration: configuration, judge: judge) { _ in }
        } catch {
            return requests.map { _ in .failed(.internalError, detail: "\(error)") }
        }
        let results = await reach(requests, names)
        await names.close()
        return results
    }

    private func reach(_ requests: [ReachRequest], _ names: CourierPool) async -> [Reach] {
        await withTaskGroup(of: (Int, Reach).self) { group in
            var results = [Reach](repeating: .failed(.internalError, detail: "not tried"), count: requests.count)
            var next = 0
            func begin() {
                guard next < requests.count else { return }
                let index = next
                next += 1
                group.addTask { (index, await self.reach(requests[index], names)) }
            }
            for _ in 0..<Self.width { begin() }
            while let (index, reach) = await group.next() {
                results[index] = reach
                begin()
            }
            return results
        }
    }

    private func reach(_ request: ReachRequest, _ names: CourierPool) async -> Reach {
        switch await names.answer(for: request.host) {
        case .blocked(let address): return .blocked(address)
        case .failed(let error): return .failed(.dnsFailure, detail: "\(error)")
        case .vetted(let vetted):
            return await withCheckedContinuation { continuation in
                DispatchQueue(label: "postrider.reach").async { [self] in
                    let attempt = ReachTry(
                        request, vetted, timeout: timeout, trustedRootsFile: trustedRootsFile, proxy: proxy)
                    continuation.resume(returning: attempt.run())
                }
            }
        }
    }
}

/// The host and port of a URL, to which a connection is tried.
package struct ReachRequest: Hashable, Sendable {
    let host: EndpointURL.Host
    let port: UInt16
    let isTLS: Bool
    /// The authorities to trust, in PEM; nil for the usual ones.
    let authorities: String?

    /// The proxy itself, without anything behind it.
    package init(_ proxy: EgressProxy) {
        host = proxy.host
        port = proxy.port
        isTLS = proxy.scheme == .https
        authorities = nil
    }

    package init(_ url: EndpointURL, authorities: String? = nil) {
        host = url.host
        port = url.port
        isTLS = url.scheme == .https
        self.authorities = isTLS ? authorities : nil
    }

    var url: String { "\(isTLS ? "https" : "http")://\(host):\(port)/" }
}

package enum Reach: Sendable, Equatable {
    /// A connection was made, with TLS where that is spoken.
    /// - Parameter expiresAt: when the certificate expires, in seconds since 1970; nil without TLS.
    case reached(expiresAt: Int64?)
    /// The name resolves to this address, or the URL holds it, and the policy forbids it. Nothing was dialled.
    case blocked(IPAddress)
    /// It failed, and an attempt to deliver would fail now.
    /// - Parameter detail: a few words that are safe to show.
    case failed(ErrorCode, detail: String)
}
