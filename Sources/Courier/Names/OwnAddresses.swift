import CCAres
import CLibCurl
import Glibc
package import Outbox
import Synchronization

/// Whether an address may be dialled: the policy allows it, and no network interface of this machine has it.
package struct DialJudge: Sendable {
    private let policy: AddressPolicy
    private let own = OwnAddresses()

    package init(_ policy: AddressPolicy) {
        self.policy = policy
    }

    package func allows(_ address: IPAddress) -> Bool {
        policy.verdict(address, isOwn: own.contains(address)).isAllowed
    }
}

/// The addresses of this machine's network interfaces. What is sent to a public one of them never leaves the machine, and so passes
/// every firewall around it.
final class OwnAddresses: Sendable {
    /// How long a list is used. Longer, and an address that an interface gets is seen later; shorter, and each dial asks the kernel.
    static let lifetime = Duration.seconds(10)

    private struct List {
        var addresses: Set<IPAddress> = []
        var end: ContinuousClock.Instant?
    }

    private let list = Mutex(List())
    private let read: @Sendable () -> Set<IPAddress>

    init(reading read: @escaping @Sendable () -> Set<IPAddress> = OwnAddresses.ofInterfaces) {
        self.read = read
    }

    func contains(_ address: IPAddress, now: ContinuousClock.Instant = .now) -> Bool {
        list.withLock { list in
            if list.end.map({ $0 <= now }) ?? true { list = List(addresses: read(), end: now + Self.lifetime) }
            return list.addresses.contains(address.unmapped)
        }
    }

    /// None when the kernel does not tell.
    @Sendable static func ofInterfaces() -> Set<IPAddress> {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&first) == 0 else { return [] }
        defer { unsafe freeifaddrs(first) }
        var addresses: Set<IPAddress> = []
        var next = unsafe first
        while let entry = unsafe next {
            if let name = unsafe entry.pointee.ifa_addr, let socket = unsafe SocketAddress(name) {
                addresses.insert(socket.address)
            }
            unsafe next = entry.pointee.ifa_next
        }
        return addresses
    }
}
