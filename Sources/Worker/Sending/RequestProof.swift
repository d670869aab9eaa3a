import Formats
package import Outbox
package import Webhooks

/// What a request to an endpoint proves itself with: signatures, and an `Authorization` header.
package struct RequestProof: Sendable {
    /// How the `Authorization` header is made.
    enum Authorization: Sendable {
        case none
        case fixed(String)
        case token(BodyToken)
        /// With a token that has to be fetched before.
        case client(OAuth2Client)
    }

    let signer: RequestSigner
    let authorization: Authorization
    /// The headers that are made here, in lower case: no endpoint and no event takes their place.
    let madeNames: Set<String>
    /// Why secrets beside the newest are not signed with, one line each.
    package let secretsLeftOut: [String]

    /// The client that has to have a token before a request can be made.
    package var client: OAuth2Client? {
        guard case .client(let client) = authorization else { return nil }
        return client
    }

    /// Appends all fields of a request, in the order in which they are sent.
    ///
    /// - Parameters:
    ///   - token: of OAuth 2, where the endpoint wants one.
    ///   - own: fields of the endpoint; those of the event count more.
    ///   - append: takes the origin, the name and the value of one field.
    package func append(
        _ head: WebhookHead, _ cloudEvent: CloudEvent?, token: String?, at unixTime: Int64,
        body: UnsafeRawBufferPointer,
        own: HeaderFields, event: HeaderFields, _ append: (FieldOrigin, _ name: String, _ value: String) -> Void
    ) throws(WebhookSigningError) {
        let authorization = try authorization(id: head.id, token: token, at: unixTime, body: body)
        try head.append(signedBy: signer, at: unixTime, body: body) { append(.made, $0, $1) }
        if let authorization { append(.credentials, "authorization", authorization) }
        for field in cloudEvent?.binaryFields ?? [] { append(.made, field.name, field.value) }
        // The event's word counts more than the endpoint's, and ours more than both.
        let isBinary = cloudEvent != nil
        for field in own.overridden(by: event) {
            guard madeNames.isEmpty && !isBinary || !isMade(field, isBinary: isBinary) else { continue }
            append(event.fields.contains(field) ? .event : .endpoint, field.name, field.value)
        }
    }

    private func isMade(_ field: HeaderField, isBinary: Bool) -> Bool {
        madeNames.contains(field.canonicalName)
            || isBinary && CloudEvent.binaryNames.contains(field.canonicalName)
    }

    private func authorization(
        id: String, token: String?, at unixTime: Int64, body: UnsafeRawBufferPointer
    ) throws(WebhookSigningError) -> String? {
        switch authorization {
        case .none: nil
        case .fixed(let value): value
        case .token(let maker): "Bearer \(try maker.text(id: id, timestamp: unixTime, body: body))"
        case .client: token.map { "Bearer \($0)" }
        }
    }
}

/// Where a field of a request comes from.
package enum FieldOrigin: Sendable {
    /// From what is told to every receiver.
    case made
    /// From the endpoint's credentials.
    case credentials
    case endpoint
    case event
}

extension RequestProof.Authorization {
    /// - Throws: when a token cannot be signed.
    init(_ authorization: EndpointAuthorization, secret: WebhookSecret, key: WebhookPrivateKey?) {
        self =
            switch authorization {
            case .none: .none
            case .bearer(let token): .fixed("Bearer \(token)")
            case .basic(let user, let password): .fixed("Basic \(Base64.encode(Array("\(user):\(password)".utf8)))")
            case .jwt: .token(key.map { BodyToken(key: $0) } ?? BodyToken(secret: secret))
            case .oauth2(let client): .client(client)
            }
    }
}
