/// What a request asks for, by its method and its path.
package enum APIRoute: Hashable, Sendable {
    case list, register
    case show(String), update(String), remove(String)
    case rotateSecret(String), test(String), pause(String), resume(String)
    case deliveries(String)
    case delivery(String), replay(String)
    case publish, eventTypes
    /// The description of all of this; the only one without a token.
    case openAPI

    /// Finds the route.
    ///
    /// - Parameter path: without the query.
    /// - Throws: `not_found`, or `method_not_allowed` with the methods that this path has.
    package static func find(_ method: String, _ path: some StringProtocol) throws(APIProblem) -> APIRoute {
        let offers = offers(at: path)
        guard !offers.isEmpty else { throw APIProblem(.notFound, "there is nothing at this path") }
        // RFC 9110 section 9.3.2: the same without the content.
        let wanted = method == "HEAD" ? "GET" : method
        if let route = offers.first(where: { $0.method == wanted })?.route { return route }
        var problem = APIProblem(.methodNotAllowed, "this path does not take this method")
        problem.allowed = offers.flatMap { $0.method == "GET" ? ["GET", "HEAD"] : [$0.method] }
        throw problem
    }

    private static func offers(at path: some StringProtocol) -> [(method: String, route: APIRoute)] {
        // By the slashes as they stand: one that is written %2F belongs to a name.
        let parts = String(path).split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 3, parts[0].isEmpty, parts[1] == "v1" else { return [] }
        switch (parts[2], parts.count) {
        case ("webhooks", 3): return [("GET", .list)]
        case ("webhooks", 4) where parts[3] == "register": return [("POST", .register)]
        case ("webhooks", 4):
            return named(parts[3]) { [("GET", .show($0)), ("PATCH", .update($0)), ("DELETE", .remove($0))] }
        case ("webhooks", 5): return named(parts[3]) { action(parts[4], of: $0) }
        case ("deliveries", 4): return named(parts[3]) { [("GET", .delivery($0))] }
        case ("deliveries", 5) where parts[4] == "replay": return named(parts[3]) { [("POST", .replay($0))] }
        case ("events", 3): return [("POST", .publish)]
        case ("event-types", 3): return [("GET", .eventTypes)]
        case ("openapi.json", 3): return [("GET", .openAPI)]
        default: return []
        }
    }

    private static func action(_ word: String, of name: String) -> [(method: String, route: APIRoute)] {
        switch word {
        case "rotate-secret": [("POST", .rotateSecret(name))]
        case "test": [("POST", .test(name))]
        case "pause": [("POST", .pause(name))]
        case "resume": [("POST", .resume(name))]
        case "deliveries": [("GET", .deliveries(name))]
        default: []
        }
    }

    /// A name that is no text names nothing.
    private static func named(
        _ part: String, _ offers: (String) -> [(method: String, route: APIRoute)]
    ) -> [(method: String, route: APIRoute)] {
        guard let name = PercentText.decode(part), !name.isEmpty else { return [] }
        return offers(name)
    }

    /// Whether a body is read as JSON.
    package var hasBody: Bool {
        switch self {
        case .register, .update, .publish: true
        default: false
        }
    }
}
