internal import Dispatch
internal import Glibc

/// The addresses of a database's host.
enum HostAddresses {
    /// The most that are tried: each may take its share of the time.
    static let limit = 8

    /// In the order in which they should be tried, each once; none where the name cannot be resolved.
    static func of(_ name: String) async -> [String] {
        // getaddrinfo blocks for as long as the name servers take: apart from the threads on which all else runs.
        await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).async { continuation.resume(returning: resolve(name)) }
        }
    }

    private static func resolve(_ name: String) -> [String] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(name, nil, &hints, &first) == 0 else { return [] }
        defer { unsafe freeaddrinfo(first) }
        var addresses: [String] = []
        var next = unsafe first
        while let entry = unsafe next, addresses.count < limit {
            if let address = unsafe text(entry.pointee), !addresses.contains(address) { addresses.append(address) }
            unsafe next = entry.pointee.ai_next
        }
        return addresses
    }

    private static func text(_ entry: addrinfo) -> String? {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let length = socklen_t(host.count)
        guard
            unsafe getnameinfo(entry.ai_addr, entry.ai_addrlen, &host, length, nil, 0, NI_NUMERICHOST) == 0
        else { return nil }
        return String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
