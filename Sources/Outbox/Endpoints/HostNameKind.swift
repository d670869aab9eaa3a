/// What a host name means by itself, before anything is resolved.
enum HostNameKind {
    /// Nothing special.
    case ordinary
    /// This machine: `localhost` and all below it (RFC 6761 section 6.3).
    case thisMachine
    /// A name that only a private network knows: one label, or below a suffix that public DNS does not have.
    case privateNetwork
    /// A cloud's metadata service, which hands out credentials.
    case metadata

    /// - Parameter name: in lower case, without a trailing dot.
    init(_ name: String) {
        let labels = name.split(separator: ".")
        if labels.last == "localhost" {
            self = .thisMachine
        } else if Self.metadataNames.contains(name) {
            self = .metadata
        } else if labels.count == 1 || labels.last.map({ Self.privateSuffixes.contains(String($0)) }) == true
            || name.hasSuffix(".home.arpa")
        {
            self = .privateNetwork
        } else {
            self = .ordinary
        }
    }

    private static let metadataNames: Set<String> = [
        "metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal",
    ]

    private static let privateSuffixes: Set<String> = [
        "internal", "local", "localdomain", "svc", "lan", "intranet", "corp", "home", "private",
    ]
}
