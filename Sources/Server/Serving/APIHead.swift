import CustomerAPI
import Doors

/// The head of a request to the API, checked.
struct APIHead: Sendable {
    let route: APIRoute
    let query: Substring
    /// The SHA-256 of the token; nil where none is asked for.
    let token: [UInt8]?
    let match: Precondition
    let keys: [String]

    init(_ head: RequestHead) throws(APIProblem) {
        query = head.query
        route = try APIRoute.find(head.method, head.path)
        guard route != .openAPI else {
            (token, match, keys) = (nil, try Precondition(ifMatch: []), [])
            return
        }
        let proofs = head.values(of: "authorization")
        guard proofs.count == 1, let found = proofs.first.flatMap({ APIToken(authorization: $0) }) else {
            throw APIProblem(.unauthorized, "give a token: Authorization: Bearer prt_…")
        }
        token = found.hash
        match = try Precondition(ifMatch: head.values(of: "if-match"))
        keys = head.values(of: "idempotency-key")
        if let encoding = head.value(of: "content-encoding"), encoding.lowercased() != "identity" {
            throw APIProblem(.unsupportedMediaType, "the body must not be compressed")
        }
        if let length = head.contentLength, length > APIResponder.mostBodyBytes {
            throw .tooLarge
        }
        guard route.hasBody else { return }
        guard let type = head.value(of: "content-type").map(Self.mediaType),
            type == "application/json" || type == "application/merge-patch+json" && head.method == "PATCH"
        else { throw APIProblem(.unsupportedMediaType, "the body must be application/json") }
    }

    /// Without its parameters.
    private static func mediaType(_ value: String) -> String {
        String(value.prefix { $0 != ";" && $0 != " " && $0 != "\t" }).lowercased()
    }
}
