/// Why an attempt failed, as one word out of a closed set: what operators filter by and metrics are labelled with.
package enum ErrorCode: String, CaseIterable, Sendable {
    /// The whole exchange took longer than the endpoint's timeout.
    case timeout
    /// No connection could be made within the connect budget.
    case connectTimeout = "connect_timeout"
    /// The endpoint's machine refused the connection.
    case connectionRefused = "connection_refused"
    /// The connection broke after it had been made.
    case connectionReset = "connection_reset"
    /// No route to the address, or another failure below TCP.
    case networkUnreachable = "network_unreachable"
    /// The name could not be resolved.
    case dnsFailure = "dns_failure"
    /// The TLS handshake or the certificate check failed.
    case tlsFailure = "tls_failure"
    /// The address policy forbids an address that the name resolves to.
    case blockedAddress = "blocked_address"
    /// The endpoint's URL breaks a rule, so that nothing was sent.
    case invalidURL = "invalid_url"
    /// A header of the endpoint or of the event breaks a rule, so that nothing was sent.
    case invalidHeaders = "invalid_headers"
    /// The endpoint as it is stored cannot be read, or a setting of it breaks a rule, so that nothing was sent.
    case invalidEndpoint = "invalid_endpoint"
    /// The event as it is stored cannot be read, or a column of it breaks a rule, so that nothing was sent.
    case invalidEvent = "invalid_event"
    /// A 3xx answer; redirects are never followed.
    case redirect
    /// Any other answer that is not 2xx.
    case httpStatus = "http_status"
    /// The answer was not HTTP.
    case protocolError = "protocol_error"
    /// The head of the answer was larger than the limit, or more than that came before its end.
    case responseTooLarge = "response_too_large"
    /// The lease was lost: another attempt owns the delivery.
    case lostLease = "lost_lease"
    /// The event that the delivery is of is not there any more.
    case eventMissing = "event_missing"
    /// A secret of the endpoint could not be read, so that nothing was sent.
    case secretUnavailable = "secret_unavailable"
    /// No token for the endpoint could be had from its token server, so that nothing was sent: the receiver has no part in it.
    case tokenFailure = "token_failure"
    /// The endpoint's filter took too long or cannot be read, so that nothing was sent.
    case filterError = "filter_error"
    /// The endpoint's transform failed or took too long, so that nothing was sent.
    case transformError = "transform_error"
    /// The proxy that all requests go through failed, so that nothing was sent: no endpoint has a part in it.
    case proxyError = "proxy_error"
    /// An internal failure of the worker itself.
    case internalError = "internal_error"
}

/// Why a delivery became a dead letter, as one word out of a closed set.
package enum DeadReason: String, CaseIterable, Sendable {
    /// Every attempt that the endpoint allows failed.
    case attemptsExhausted = "attempts_exhausted"
    /// The endpoint's URL breaks a rule, so that no attempt can ever succeed.
    case invalidURL = "invalid_url"
    /// A header of the endpoint or of the event breaks a rule.
    case invalidHeaders = "invalid_headers"
    /// The endpoint as it is stored cannot be read, or a setting of it breaks a rule.
    case invalidEndpoint = "invalid_endpoint"
    /// The event as it is stored cannot be read, or a column of it breaks a rule.
    case invalidEvent = "invalid_event"
    /// The address policy forbids the address or the name in the endpoint's URL.
    case blockedAddress = "blocked_address"
    /// The event is gone, so that there is nothing to send.
    case eventMissing = "event_missing"
    /// The answer had a status that the endpoint's settings call permanent.
    case permanentStatus = "permanent_status"
    /// The receiver asked with `webhook-delivery: abort-message` that the delivery is not tried again.
    case abortMessage = "abort_message"
    /// An earlier event of its ordering key had died, and the endpoint's settings park the later ones.
    case keyParked = "key_parked"
    /// The workers of the last attempts never reported.
    case lostLease = "lost_lease"
}
