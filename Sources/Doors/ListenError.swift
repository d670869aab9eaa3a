import NIOCore
package import Settings

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Why an address cannot be listened on.
package struct ListenError: Error, Sendable {
    package let address: ListenAddress
    /// What the system said; nil when it was not asked.
    private let code: Int32?

    init(_ address: ListenAddress, _ error: any Error) {
        self.address = address
        code = (error as? IOError)?.errnoCode
    }

    /// Whether another process listens there.
    package var isTaken: Bool { code == EADDRINUSE }

    /// How a sentence goes on that has named the address: "…, which".
    package var reason: String {
        switch code {
        case EADDRINUSE: "another process listens on already"
        case EADDRNOTAVAIL: "is not an address of this machine"
        case EACCES, EPERM: "this user may not listen on (ports below 1024 are reserved)"
        case EAFNOSUPPORT: "is of a family this machine does not have"
        case let code?: "cannot be listened on (errno \(code))"
        case nil: "cannot be listened on"
        }
    }
}

extension ConfigurationError {
    /// - Parameter key: what gave the address.
    package init(_ error: ListenError, of key: String) {
        self.init(.unusableAddress, key: key, rule: "is \(error.address), which \(error.reason)")
    }
}
