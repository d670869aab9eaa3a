/// A source as it is stored. Nothing in it has been judged yet.
package struct StoredSource: Sendable, Equatable {
    package var id: Int64
    /// The one in the path; no two sources have the same.
    package var name: String
    package var tenant = ""
    /// As it was given, such as `github` or `hmac:X-Signature,sha256,hex`.
    package var scheme: String
    /// Those that are live, the newest first: each as it was given, or `sealed:v1:…`.
    package var secrets: [String] = []
    /// `$.a.b` or `header:Name`; nil for what the scheme says.
    package var eventTypeFrom: String?
    package var idFrom: String?
    package var correlationFrom: String?
    /// Networks that may send; none for all.
    package var allowNetworks: [String] = []
    /// Networks whose forwarding headers are believed.
    package var trustProxies: [String] = []
    /// The largest body, in bytes.
    package var maxBody: Int64
    /// Requests a second; nil for no limit.
    package var rateLimit: Double?
    /// How far a timestamp may be from now.
    package var tolerance: Duration
    /// What the types of its events begin with; nil when a program takes its rows.
    package var publishAs: String?
    /// Drawn again with each change of its settings or secrets.
    package var version: Int32

    package init(
        id: Int64, name: String, scheme: String, maxBody: Int64 = 1_048_576, tolerance: Duration = .seconds(300),
        version: Int32 = 0
    ) {
        self.id = id
        self.name = name
        self.scheme = scheme
        self.maxBody = maxBody
        self.tolerance = tolerance
        self.version = version
    }
}
