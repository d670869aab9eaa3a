import CLibCurl
import Glibc
package import Outbox

package struct CourierConfiguration: Sendable {
    /// How many couriers share the work: one queue and one libcurl multi handle each. More than cores gain nothing.
    package var couriers: Int
    /// How many requests are in flight at once, over all couriers. Further ones wait.
    package var maximumInFlight = 512
    /// How many connections there may be, busy and idle, over all couriers; more only where `maximumInFlight` is more. Each
    /// costs a file descriptor; too few cost handshakes. From three quarters on, new ones are kept for busy endpoints only.
    package var maximumConnections: Int
    /// How many prepared handles each courier keeps for later requests, about 20 KiB each.
    package var maximumPrepared = 1024
    /// How many requests a courier begins before it looks for answers again. With fewer it looks more often than answers
    /// come; with more a batch to one quick endpoint opens a connection for each of its requests, and libcurl's search for
    /// an idle one passes all of them.
    package var startsPerRound = 32
    /// And for how long it does so, so that a request that passes others and the answers to others do not wait while hundreds of
    /// endpoints are connected to for the first time. Shorter, and it looks more often than answers come.
    package var startingTime: Duration = .milliseconds(2)
    /// How long a connection may have been idle to be used again. Longer, and more of them turn out to be dead.
    package var idleConnectionAge: Duration = .seconds(30)
    /// How old a connection may be to be used again, so that endpoints that move behind one address are found again.
    package var connectionLifetime: Duration = .seconds(300)
    /// A file of PEM certificates to trust instead of the system's.
    package var trustedRootsFile: String?
    /// Through which all requests go. It resolves the names of their hosts; addresses that stand in URLs are judged here.
    package var proxy: EgressProxy?
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
        /// How many look-ups run at once, over all couriers; with more, the oldest give way. Each costs about 2 KB and two
        /// questions. Fewer, and a crowd of silent name servers pushes out names that would have been answered late.
        package var maximumLookUps = 4096
        /// How long a look-up may take. Longer, and requests hang that will fail; shorter, and slow name servers fail.
        package var budget: Duration = .seconds(5)
        /// How long the other family's addresses are waited for after one family's have come. Some name servers never
        /// answer questions for IPv6.
        package var otherFamilyPatience: Duration = .milliseconds(500)
        /// How long one name server is waited for before the next is asked, or the same again. It doubles when all have been.
        package var serverTimeout: Duration = .seconds(1)
        /// How often each name server is asked.
        package var tries = 3
        /// How long a channel of c-ares takes new look-ups. Longer, and a change of the servers' file is seen later, more
        /// questions leave from one port, which helps who forges answers, and questions over their budget stay longer.
        /// Shorter, and there are more channels, 76 KB each.
        package var channelAge: Duration = .seconds(1)
        /// The shortest and the longest time that an answer is used, also when its time to live is shorter or longer.
        /// Shorter, and each request waits for a look-up; longer, and a moved endpoint is missed for longer.
        package var shortestLifetime: Duration = .seconds(1)
        package var longestLifetime: Duration = .seconds(60)
        /// How long a failure or a refusal is used.
        package var failureLifetime: Duration = .seconds(2)
        /// How long after its lifetime an answer is still used when the name servers are silent or failing.
        package var staleLifetime: Duration = .seconds(300)
        /// How many names are remembered, about 400 bytes each.
        package var maximumNames = 20_000
        /// How many addresses of a name are used. All are judged.
        package var maximumAddresses = 16
        /// The file that names the name servers, see resolv.conf(5), and the port that they are asked at.
        package var serversFile = "/etc/resolv.conf"
        package var port: UInt16 = 53
        /// The file of names that no server is asked for, see hosts(5).
        package var hostsFile = "/etc/hosts"

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
