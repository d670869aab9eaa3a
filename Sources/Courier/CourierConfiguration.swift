import CLibCurl
import Glibc

package struct CourierConfiguration: Sendable {
    /// How many couriers share the work: one queue and one libcurl multi handle each. More than cores gain nothing.
    package var couriers: Int
    /// How many requests are in flight at once, over all couriers. Further ones wait.
    package var maximumInFlight = 512
    /// How many connections there may be, busy and idle, over all couriers, before idle ones are closed. Each costs a file
    /// descriptor; too few cost handshakes. Busy ones are bounded by `maximumInFlight`.
    package var maximumConnections: Int
    /// How many prepared handles each courier keeps for later requests, about 20 KiB each.
    package var maximumPrepared = 1024
    /// How many requests a courier begins before it looks for answers again. With fewer it looks more often than answers
    /// come; with more a batch to one quick endpoint opens a connection for each of its requests, and libcurl's search for
    /// an idle one passes all of them.
    package var startsPerRound = 32
    /// How long a connection may have been idle to be used again. Longer, and more of them turn out to be dead.
    package var idleConnectionAge: Duration = .seconds(30)
    /// How old a connection may be to be used again, so that endpoints that move behind one address are found again.
    package var connectionLifetime: Duration = .seconds(300)
    /// A file of PEM certificates to trust instead of the system's.
    package var trustedRootsFile: String?
    /// The limits on resolving names.
    package var names = Names()

    /// The defaults: one courier for each core, and connections for half of the file descriptors.
    package init() {
        couriers = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        maximumConnections = Self.connections(descriptors: Self.descriptorLimit())
    }

    /// Half of the process's file descriptors, within reason. The rest is for the database, files and other uses.
    static func connections(descriptors: UInt64) -> Int {
        Int(min(max(descriptors / 2, 16), 4096))
    }

    private static func descriptorLimit() -> UInt64 {
        var limits = rlimit()
        return unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 ? UInt64(limits.rlim_cur) : 0
    }
}

extension CourierConfiguration {
    /// The limits on resolving names.
    package struct Names: Sendable {
        /// How many look-ups run at once. Each blocks a thread; with too few, some dead name servers hold up all other names.
        package var maximumThreads = 8
        /// How many names wait for a thread. Further look-ups fail at once.
        package var maximumQueued = 1024
        /// How long a request waits for a look-up. The operating system may take longer.
        package var budget: Duration = .seconds(5)
        /// How long an answer is used. Longer, and a moved endpoint is missed for longer.
        package var lifetime: Duration = .seconds(10)
        /// How long a failure or a refusal is used.
        package var failureLifetime: Duration = .seconds(2)
        /// How long after its lifetime an answer is still used when the name servers are silent or failing.
        package var staleLifetime: Duration = .seconds(300)
        /// How many names are remembered.
        package var maximumNames = 10_000
        /// How many addresses of a name are used. All are judged.
        package var maximumAddresses = 16

        package init() {}
    }
}

/// The certificates that the system trusts, which every https endpoint is checked against.
package enum TrustedRoots {
    /// The file with the system's trusted certificates, when it is there and can be read. Without one every https endpoint
    /// fails, so a worker does better not to start (Debian's package is called `ca-certificates`).
    package static func systemFile() -> String? {
        CurlGlobal.setUp()
        guard let version = unsafe curl_version_info(CURLVERSION_SEVENTH), let path = unsafe version.pointee.cainfo,
            unsafe access(path, R_OK) == 0
        else { return nil }
        return unsafe String(cString: path)
    }
}
