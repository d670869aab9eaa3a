import CLibCurl
import Glibc
package import Outbox

/// The resolver of the operating system: `/etc/hosts` first, then `getaddrinfo`.
///
/// The name is given to `getaddrinfo` with a trailing dot, so that no search domain is tried: a name from outside must
/// never become a name inside the cluster. glibc does not find a name with a dot in `/etc/hosts`; that file is read here.
package struct SystemResolver: NameResolver {
    /// The most addresses that are taken from one answer: more than a DNS message holds.
    static let maximumAddresses = 8192

    private let hostsPath: String

    package init(hostsPath: String = "/etc/hosts") {
        self.hostsPath = hostsPath
    }

    package func addresses(of name: String) throws(NameResolutionError) -> [IPAddress] {
        let written = HostsFile(path: hostsPath).addresses(of: name)
        guard written.isEmpty else { return written }
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(name + ".", nil, &hints, &list)
        guard status == 0 else { throw Self.error(status) }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var seen: Set<IPAddress> = []
        var next = unsafe list
        while let entry = unsafe next, addresses.count < Self.maximumAddresses {
            unsafe next = entry.pointee.ai_next
            guard let socketAddress = unsafe entry.pointee.ai_addr,
                let address = unsafe SocketAddress(socketAddress)
            else { continue }
            // A zone comes from this machine's configuration, never from an honest public name.
            guard address.scope == 0 else { throw NameResolutionError(.notFound) }
            if seen.insert(address.address).inserted { addresses.append(address.address) }
        }
        guard !addresses.isEmpty else { throw NameResolutionError(.notFound) }
        return addresses
    }

    private static func error(_ status: Int32) -> NameResolutionError {
        // EAI_NODATA and EAI_ADDRFAMILY, which glibc still answers with, are -5 and -9.
        [EAI_NONAME, -5, -9].contains(status) ? NameResolutionError(.notFound) : NameResolutionError(.temporary)
    }
}

/// The lines of `/etc/hosts`, see hosts(5).
struct HostsFile {
    /// How much of the file is read.
    static let maximumBytes = 1024 * 1024

    private let text: String

    init(text: String) {
        self.text = text
    }

    /// Reads the file; one that cannot be read counts as empty.
    init(path: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            self.init(text: "")
            return
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count < Self.maximumBytes {
            let count = unsafe read(descriptor, &piece, piece.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: piece.prefix(count))
        }
        self.init(text: String(decoding: bytes, as: UTF8.self))
    }

    /// The addresses that the file gives to `name`, in its order.
    func addresses(of name: String) -> [IPAddress] {
        var addresses: [IPAddress] = []
        let wanted = name.lowercased()
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let first = fields.first, fields.dropFirst().contains(where: { $0.lowercased() == wanted }),
                let address = IPAddress(String(first))?.unmapped, !addresses.contains(address)
            else { continue }
            addresses.append(address)
        }
        return addresses
    }
}
