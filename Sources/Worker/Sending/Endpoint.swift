package import Courier
package import Outbox
import OutboxStore

/// An endpoint ready to be sent to: judged, parsed, its keys at hand; or the reason why nothing can be sent to it.
final class Endpoint: Sendable {
    let id: Int32
    let revision: Int32
    let name: String
    /// Stands for the tenant: its hash, which differs from process to process. Nil when the row cannot be read.
    let tenant: Int?
    /// 0 when the row cannot be read.
    let urlID: Int32
    let policy: RetryPolicy
    let timeout: Duration
    let settings: Result<SendingSettings, SendingObstacle>

    init(
        _ record: EndpointRecord, policy: RetryPolicy, timeout: Duration,
        settings: Result<SendingSettings, SendingObstacle>
    ) {
        id = record.id
        revision = record.revision
        name = record.name
        tenant = record.tenant.hashValue
        urlID = record.urlID
        self.policy = policy
        self.timeout = timeout
        self.settings = settings
    }

    /// An endpoint whose row cannot be read.
    ///
    /// - Parameter revision: the one that a claim told.
    init(unreadable id: Int32, revision: Int32, _ why: String) {
        self.id = id
        self.revision = revision
        name = "#\(id)"
        tenant = nil
        urlID = 0
        policy = .none
        timeout = Limits.timeout.lowerBound
        settings = .failure(SendingObstacle(.invalidEndpoint, why))
    }

    /// Why nothing can ever be sent to it as it is stored: its policy and its timeout mean nothing then.
    var invalidity: SendingObstacle? {
        guard case .failure(let obstacle) = settings, obstacle.kind == .invalidEndpoint else { return nil }
        return obstacle
    }

    /// What decides about its deliveries before they are sent; nil where nothing does, and where nothing can be sent.
    var shaping: Shaping? {
        guard case .success(let settings) = settings else { return nil }
        return settings.shaping
    }

    /// Secrets that cannot be read and are not the newest: it is signed without them.
    var secretsLeftOut: [String] {
        guard case .success(let settings) = settings else { return [] }
        return settings.proof.secretsLeftOut
    }
}

/// What it takes to send to a sound endpoint. A class, since each delivery on its way holds it: a copy is one count, and not one for
/// each of its fields.
package final class SendingSettings: Sendable {
    package let route: CourierRoute
    package let proof: RequestProof
    /// Those that the endpoint adds.
    package let headers: HeaderFields
    package let recipe: BodyRecipe
    /// Where the tokens come from, when each request needs one.
    package let tokenRoute: CourierRoute?
    let shaping: Shaping?

    init(
        route: CourierRoute, proof: RequestProof, headers: HeaderFields, recipe: BodyRecipe, tokenRoute: CourierRoute?,
        shaping: Shaping? = nil
    ) {
        self.route = route
        self.proof = proof
        self.headers = headers
        self.recipe = recipe
        self.tokenRoute = tokenRoute
        self.shaping = shaping
    }

    /// The same, with bodies made in another way.
    package func with(_ recipe: BodyRecipe) -> SendingSettings {
        SendingSettings(route: route, proof: proof, headers: headers, recipe: recipe, tokenRoute: tokenRoute)
    }

    /// Where the tokens come from, and for whom.
    var tokenSource: TokenSource? {
        guard let tokenRoute, let client = proof.client else { return nil }
        return TokenSource(client: client, route: tokenRoute)
    }

    /// A request for a token, where each request needs one.
    package func tokenRequest(_ now: ContinuousClock.Instant = .now) -> TokenRequest? {
        tokenSource.map { TokenRequest($0, now: now) }
    }
}
