import CLibCurl
import Glibc
import Outbox

/// What a failed transfer is called, and a few words on it that are safe to show to the endpoint's owner.
struct TransferFailure: Equatable {
    var code: ErrorCode
    var detail: String

    init(_ code: ErrorCode, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    init(_ end: TransferEnd) {
        if let failure = TransferFailure(ofProxy: end) {
            self = failure
            return
        }
        switch CURLcode(rawValue: end.code) {
        case CURLE_OK:
            // libcurl does not mind a connection that ends within the head.
            self.init(.protocolError, "the answer broke off within its head")
        case CURLE_OPERATION_TIMEDOUT:
            self = Self.timeout(end)
        case CURLE_COULDNT_CONNECT:
            self = Self.connection(end)
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE:
            self = Self.broken(end)
        case CURLE_COULDNT_RESOLVE_HOST:
            self.init(.dnsFailure, "the name could not be resolved")
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CIPHER,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_SHUTDOWN_FAILED,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_USE_SSL_FAILED:
            self.init(.tlsFailure, TLSFailureText.text(certificateError: end.certificateError, curl: end.text))
        case CURLE_SSL_CERTPROBLEM:
            self.init(.tlsFailure, "the endpoint's client certificate and its key cannot be used together")
        case CURLE_SSL_CACERT_BADFILE where end.hasOwnAuthorities:
            self.init(.tlsFailure, "the endpoint's CA cannot be read")
        case CURLE_SSL_CACERT_BADFILE:
            self.init(.internalError, "the worker's trusted certificates cannot be read")
        case CURLE_OUT_OF_MEMORY where end.wasSent:
            // What this version says to a header line beyond its own limit of 100 KiB.
            self.init(.responseTooLarge, "a header line of the answer is larger than the limit")
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_WRITE_ERROR,
            CURLE_HTTP2, CURLE_HTTP_RETURNED_ERROR:
            self.init(.protocolError, "the answer is not HTTP/1.1")
        case CURLE_URL_MALFORMAT:
            self.init(.invalidURL, "the URL could not be read")
        default:
            self.init(end.wasSent ? .protocolError : .internalError, "the transfer failed (libcurl \(end.code))")
        }
    }

    private static func timeout(_ end: TransferEnd) -> TransferFailure {
        guard end.wasSent else { return TransferFailure(.connectTimeout, "no connection within the time allowed") }
        return TransferFailure(
            .timeout, end.head.byteCount > 0 ? "the answer did not end in time" : "no answer within the time allowed")
    }

    private static func connection(_ end: TransferEnd) -> TransferFailure {
        switch end.osError {
        case ECONNREFUSED: TransferFailure(.connectionRefused, "connection refused")
        case ECONNRESET, EPIPE: TransferFailure(.connectionReset, "the connection was reset while being made")
        case ETIMEDOUT: TransferFailure(.connectTimeout, "no connection within the time allowed")
        case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN, EADDRNOTAVAIL, EACCES, EPERM, 0:
            TransferFailure(.networkUnreachable, "the address cannot be reached")
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            TransferFailure(.internalError, "the worker could not open another socket")
        default: TransferFailure(.networkUnreachable, "the connection could not be made (error \(end.osError))")
        }
    }

    private static func broken(_ end: TransferEnd) -> TransferFailure {
        if !end.wasSent { return TransferFailure(.connectionReset, "the connection broke while being made") }
        if end.code == CURLE_GOT_NOTHING.rawValue {
            return TransferFailure(.connectionReset, "the connection was closed without an answer")
        }
        if end.head.byteCount > 0 { return TransferFailure(.connectionReset, "the connection broke within the head") }
        return TransferFailure(.connectionReset, "the connection broke before an answer came")
    }
}

/// A few words on a failed TLS handshake.
enum TLSFailureText {
    /// The longest text that is taken over from the TLS library.
    static let maximumLength = 80

    /// - Parameters:
    ///   - certificateError: OpenSSL's verdict on the certificate, `X509_V_ERR_…`, or 0.
    ///   - curl: libcurl's words. Only the last part of OpenSSL's chain of words is used, and only plain ones.
    static func text(certificateError: Int, curl: String) -> String {
        switch certificateError {
        // libcurl says 1 as long as no certificate has been looked at.
        case 0, 1: return "the TLS handshake failed" + reason(in: curl)
        case 9: return "the certificate is not valid yet"
        case 10: return "the certificate has expired"
        case 18, 19: return "the certificate is self-signed"
        case 2, 20, 21: return "the certificate's issuer is not known"
        case 22, 25: return "the certificate's chain is too long"
        case 23: return "the certificate has been revoked"
        case 24, 26, 79: return "the certificate or its issuer is not made for this purpose"
        case 47, 48: return "the certificate breaks a name constraint of its issuer"
        case 62, 63, 64: return "the certificate is not for this host"
        case 66, 67, 68: return "the certificate is too weak"
        default: return "the certificate was not accepted (error \(certificateError))"
        }
    }

    private static func reason(in text: String) -> String {
        if text.contains("subject name") { return ": the certificate is not for this host" }
        guard let mark = text.ranges(of: "routines::").last else { return "" }
        let words = text[mark.upperBound...].prefix(maximumLength)
        guard !words.isEmpty, words.utf8.allSatisfy({ $0 == 0x20 || (0x61...0x7A).contains($0 | 0x20) }) else {
            return ""
        }
        return ": " + words
    }
}
