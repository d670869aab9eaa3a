package import Outbox

/// The host and port of a URL, to which a connection is tried.
package struct ReachRequest: Hashable, Sendable {
    /// The host, without brackets.
    let host: CourierRoute.Host
    /// The host as it stands in a URL.
    let hostText: String
    let port: UInt16
    let isTLS: Bool

    /// What is reached for requests to `url`.
    package init(_ url: EndpointURL) {
        host =
            switch url.host {
            case .name(let name): .name(name)
            case .address(let address): .address(address)
            }
        hostText = url.host.description
        port = url.port
        isTLS = url.scheme == .https
    }

    var url: String { "\(isTLS ? "https" : "http")://\(hostText):\(port)/" }
}
