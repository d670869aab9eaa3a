import CLibCurl
import Glibc
import Outbox
import Synchronization

/// What is known of the proxy when a transfer through it has ended.
struct ProxyEnd: Equatable {
    var scheme: EgressProxy.Scheme
    /// Whether there was a connection to it.
    var isConnected: Bool
    /// What it answered to CONNECT; 0 for nothing.
    var connectStatus = 0
    /// `CURLPX_…`, what went wrong with SOCKS.
    var socksError: UInt32 = 0
    /// OpenSSL's verdict on its certificate, `X509_V_ERR_…`, or 0.
    var certificateError = 0
    /// Whether it let requests through to other places lately: then it is well, and what it cannot reach is at fault.
    var isWell = false
}

/// When the proxy last let something through, for all couriers of a pool.
///
/// A proxy answers 503 to CONNECT both when it is in trouble and when the place asked for is: only what becomes of other requests
/// tells these two apart.
final class ProxyRecord: Sendable {
    /// For how long it is taken to be well. Longer, and its failures count against endpoints; shorter, and in a quiet night those of
    /// endpoints are taken for its own.
    static let memory = Duration.seconds(60)

    private let lastServed = Mutex<ContinuousClock.Instant?>(nil)

    func served(at now: ContinuousClock.Instant = .now) { lastServed.withLock { $0 = now } }

    func isWell(at now: ContinuousClock.Instant = .now) -> Bool {
        lastServed.withLock { last in last.map { now - $0 <= Self.memory } ?? false }
    }
}

extension TransferFailure {
    /// What the proxy has to do with a transfer of which nothing was sent. Nil when it did its part, or there is none.
    init?(ofProxy end: TransferEnd) {
        guard let proxy = end.proxy, !end.wasSent else { return nil }
        if proxy.connectStatus == 407 {
            self.init(.proxyError, "the proxy answered 407: it wants other credentials")
            return
        }
        // It made the connection: what comes then is between the endpoint and us.
        guard !(200...299).contains(proxy.connectStatus) else { return nil }
        if proxy.connectStatus != 0 {
            self = Self.refusal(proxy, "it answered \(proxy.connectStatus) to CONNECT", .networkUnreachable)
            return
        }
        switch CURLcode(rawValue: end.code) {
        case CURLE_COULDNT_RESOLVE_PROXY: self.init(.proxyError, "the proxy's name could not be resolved")
        case CURLE_COULDNT_CONNECT: self.init(.proxyError, "no connection to the proxy")
        case CURLE_PROXY: self = Self.socks(proxy)
        case CURLE_OPERATION_TIMEDOUT:
            guard proxy.isConnected else {
                self.init(.proxyError, "no connection to the proxy within the time allowed")
                return
            }
            self = Self.refusal(proxy, "it made no connection within the time allowed", .connectTimeout)
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING:
            // With SOCKS it may have been the endpoint that broke off: it cannot be told.
            guard proxy.scheme != .socks5h else { return nil }
            self.init(.proxyError, "the connection to the proxy broke")
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR:
            guard proxy.scheme == .https else { return nil }
            let text = TLSFailureText.text(certificateError: proxy.certificateError, curl: end.text)
            self.init(.proxyError, "TLS to the proxy: \(text)")
        default: return nil
        }
    }

    /// It does not make a connection to this place: its own fault, unless it makes others.
    private static func refusal(_ proxy: ProxyEnd, _ why: String, _ code: ErrorCode) -> TransferFailure {
        proxy.isWell
            ? TransferFailure(code, "the proxy cannot reach it: \(why)")
            : TransferFailure(.proxyError, "the proxy: \(why)")
    }

    private static func socks(_ proxy: ProxyEnd) -> TransferFailure {
        switch CURLproxycode(rawValue: proxy.socksError) {
        case CURLPX_REPLY_CONNECTION_REFUSED: refusal(proxy, "connection refused", .connectionRefused)
        case CURLPX_REPLY_HOST_UNREACHABLE: refusal(proxy, "host unreachable", .networkUnreachable)
        case CURLPX_REPLY_NETWORK_UNREACHABLE: refusal(proxy, "network unreachable", .networkUnreachable)
        case CURLPX_REPLY_TTL_EXPIRED: refusal(proxy, "time to live expired", .networkUnreachable)
        case CURLPX_REPLY_NOT_ALLOWED: refusal(proxy, "its rules do not allow it", .networkUnreachable)
        case CURLPX_REPLY_GENERAL_SERVER_FAILURE: refusal(proxy, "general failure", .networkUnreachable)
        case CURLPX_USER_REJECTED, CURLPX_NO_AUTH:
            TransferFailure(.proxyError, "the proxy wants other credentials")
        default: TransferFailure(.proxyError, "the proxy does not speak SOCKS 5 as it should")
        }
    }
}

extension EasyHandle {
    /// What is known of the proxy after a transfer that failed.
    func end(of proxy: EgressProxy, isWell: Bool) -> ProxyEnd {
        ProxyEnd(
            scheme: proxy.scheme, isConnected: microseconds(CURLINFO_CONNECT_TIME_T) > 0,
            connectStatus: integer(CURLINFO_HTTP_CONNECTCODE),
            socksError: UInt32(clamping: integer(CURLINFO_PROXY_ERROR)),
            certificateError: integer(CURLINFO_PROXY_SSL_VERIFYRESULT), isWell: isWell)
    }
}
