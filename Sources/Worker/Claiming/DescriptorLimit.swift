#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How many file descriptors this process may have open.
///
/// It must never get there. libdispatch on Linux reads `/proc` now and then to see how busy its threads are, and ends the
/// process when it cannot open a file for that: running out of descriptors is a crash, not an error. So the soft limit is
/// raised as far as it goes, and no more deliveries are begun than there are descriptors for.
package struct DescriptorLimit: Equatable, Sendable {
    /// The limit.
    package let count: Int

    /// What is kept for everything that is no delivery: standard streams, Dispatch, database connections, the health
    /// server and its clients.
    package static let reserve = 48
    /// What is kept for each courier's look-ups of names: eight channels with a socket to each of three name servers.
    package static let lookUps = 24
    /// What a delivery may take: its connection, and a second one while addresses of both families are tried.
    package static let perDelivery = 2

    /// A limit of so many descriptors.
    package init(count: Int) {
        self.count = count
    }

    /// Raises the soft limit of this process to its hard limit, and returns what holds then.
    package static func raise() -> Self {
        var limits = rlimit()
        guard getrlimit(resource, &limits) == 0 else { return Self(count: fallback) }
        let soft = limits.rlim_cur
        limits.rlim_cur = min(limits.rlim_max, highest)
        guard limits.rlim_cur > soft, setrlimit(resource, &limits) == 0 else {
            return Self(count: Int(clamping: soft))
        }
        return Self(count: Int(clamping: limits.rlim_cur))
    }

    /// How many of the `wanted` deliveries may be in flight at once, with so many couriers; at least one.
    package func deliveries(wanted: Int, couriers: Int) -> Int {
        max(1, min(wanted, (count - Self.reserve - Self.lookUps * couriers) / Self.perDelivery))
    }

    /// What POSIX promises at least, taken for true when the system does not answer.
    private static let fallback = 256
    /// Enough for every allowed number of deliveries several times over; some systems have no hard limit at all.
    private static let highest: rlim_t = 131_072

    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif
}
