package import Outbox

/// Where the requests of one endpoint go, and everything about them that is the same from one to the next.
///
/// A courier keeps what it has prepared for a route by `id` and `revision`: two routes that agree in both must agree in
/// everything. A higher revision of the same endpoint makes it throw away what it had prepared.
package final class CourierRoute: Sendable {
    /// The id of the endpoint.
    package let id: Int32
    /// Which version of the endpoint's settings this is.
    package let revision: Int32
    /// The absolute URL, `http` or `https`, already validated.
    package let url: String
    package let host: EndpointURL.Host
    /// The port in `url`, or its scheme's own.
    package let port: UInt16
    /// How long the whole transfer may take: name, connection, TLS, request, head and body.
    package let timeout: Duration
    /// How long making the connection may take, TLS included. Never more than `timeout`.
    package let connectTimeout: Duration
    package let fixedHeaders: HeaderLines
    package let method: CourierMethod
    /// What the endpoint wants of TLS beside the usual; nil for most.
    package let credentials: TLSCredentials?

    /// Checks only that the times are positive: shorter ones become 1 ms.
    package init(
        id: Int32, revision: Int32, url: String, host: EndpointURL.Host, port: UInt16, timeout: Duration,
        connectTimeout: Duration,
        fixedHeaders: HeaderLines, method: CourierMethod = .post, credentials: TLSCredentials? = nil
    ) {
        self.id = id
        self.revision = revision
        self.url = url
        self.host = host
        self.port = port
        self.timeout = max(timeout, .milliseconds(1))
        self.connectTimeout = min(max(connectTimeout, .milliseconds(1)), self.timeout)
        self.fixedHeaders = fixedHeaders
        self.method = method
        self.credentials = credentials
    }
}

/// Certificates of an endpoint of one's own, in PEM. It holds a private key, so nothing prints it.
package struct TLSCredentials: Sendable, CustomStringConvertible, CustomReflectable {
    /// Shows who we are, with its key; both or neither.
    let certificate: String?
    let key: String?
    /// The authorities to trust, and no others; nil for the usual ones.
    let authorities: String?

    package init(certificate: String?, key: String?, authorities: String?) {
        self.certificate = certificate
        self.key = key
        self.authorities = authorities
    }

    package var description: String { "TLS credentials" }

    /// Empty, so that `dump` shows nothing.
    package var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
