/// Which schemes the headers of a request speak of, in the words of `source add --scheme`. That proves nothing: anyone can write headers.
enum SignatureTraces {
    private static let headers = [
        ("webhook-signature", "standard"), ("svix-signature", "standard"), ("x-hub-signature-256", "github"),
        ("stripe-signature", "stripe"), ("x-shopify-hmac-sha256", "shopify"), ("x-slack-signature", "slack"),
    ]

    /// - Parameter fields: names in lower case.
    /// - Returns: each scheme once; none where nothing was recognised.
    static func schemes(in fields: [String: String]) -> [String] {
        var schemes: [String] = []
        for (name, scheme) in headers where fields[name] != nil && !schemes.contains(scheme) { schemes.append(scheme) }
        return schemes + [fields["authorization"].flatMap(credentials)].compactMap(\.self)
    }

    /// A token in three parts, with dots between, is a JSON Web Token (RFC 7519, section 3).
    private static func credentials(_ value: String) -> String? {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        switch parts[0].lowercased() {
        case "basic": return "basic"
        case "bearer": return parts[1].count { $0 == "." } == 2 ? "jwt" : "bearer"
        default: return nil
        }
    }
}
