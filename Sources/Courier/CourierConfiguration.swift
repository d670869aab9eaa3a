internal import CLibCurl
internal import Glibc

/// What a pool is made with.
package struct CourierConfiguration: Sendable {
    /// How many couriers share the work: one queue and one libcurl multi handle each. More than cores gain nothing.
    package var couriers: Int
    /// How many requests are under way at once, over all couriers. What is submitted beyond it waits.
    package var maximumInFlight = 512
    /// How many connections there may be, busy and idle, over all couriers, before idle ones are closed. Each costs a file
    /// descriptor; too few cost handshakes. Busy ones are bounded by `maximumInFlight`.
    package var maximumConnections: Int
    /// How many prepared handles each courier keeps for later requests, about 20 KiB each.
    package var maximumPrepared = 1024
    /// How long a connection may have been idle to be used again. Longer, and more of them turn out to be dead.
    package var idleConnectionAge: Duration = .seconds(30)
    /// How old a connection may be to be used again, so that endpoints that move behind one address are found again.
    package var connectionLifetime: Duration = .seconds(300)
    /// A file of PEM certificates to trust instead of the system's.
    package var trustedRootsFile: String?
    /// The limits on resolving names.
    package var names = NameLimits()

    /// The defaults: one courier for each core, and connections for half of the file descriptors.
    package init() {
        couriers = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        maximumConnections = Self.connections(descriptors: Self.descriptorLimit())
    }

    /// Half of the process's file descriptors, within reason: the rest is for the database, files and what else there is.
    static func connections(descriptors: UInt64) -> Int {
        Int(min(max(descriptors / 2, 16), 4096))
    }

    private static func descriptorLimit() -> UInt64 {
        var limits = rlimit()
        return unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 ? UInt64(limits.rlim_cur) : 0
    }
}
