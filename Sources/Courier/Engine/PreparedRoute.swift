internal import Outbox

/// What one courier keeps ready for one route: idle exchanges with their handles, the fixed header lines, the newest vetted
/// addresses. Used on the courier's queue only.
final class PreparedRoute {
    let route: CourierRoute
    /// The fixed lines as libcurl's list.
    let fixedHeaders: FixedHeaders
    /// Exchanges that wait for another request, the last used one at the end.
    var idle: [Exchange] = []
    /// How many exchanges are under way.
    var busy = 0
    /// The addresses that connections go to now, and until when they may be used without asking again.
    var vetted: VettedAddresses?
    var vettedUntil: ContinuousClock.Instant?

    init(_ route: CourierRoute) {
        self.route = route
        fixedHeaders = FixedHeaders(route.fixedHeaders)
    }

    /// The name that libcurl knows a set of vetted addresses by.
    ///
    /// libcurl keeps connections by the name that it connects to. Under a name of its own, a connection is only ever used
    /// for the route, the revision and the very set of addresses that it was made for, even where two endpoints have the
    /// same host, and libcurl's cache of addresses can hold nothing from before. The real name stays in the URL: `Host`, SNI
    /// and the check of the certificate go by that. `.invalid` never resolves (RFC 2606, section 2).
    func alias(of generation: UInt64) -> String {
        "e\(route.id)-r\(route.revision)-g\(generation).invalid"
    }
}
