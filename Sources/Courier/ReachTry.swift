import CLibCurl
import Glibc
import Outbox

/// One connection that is tried and closed again. Blocks its thread until then.
struct ReachTry {
    private let request: ReachRequest
    private let vetted: VettedAddresses
    private let timeout: Duration
    private let trustedRootsFile: String?
    private let proxy: EgressProxy?

    /// - Parameter vetted: of the host, or of the proxy where there is one.
    init(
        _ request: ReachRequest, _ vetted: VettedAddresses, timeout: Duration, trustedRootsFile: String?,
        proxy: EgressProxy?
    ) {
        self.request = request
        self.vetted = vetted
        self.timeout = timeout
        self.trustedRootsFile = trustedRootsFile
        self.proxy = proxy
    }

    func run() -> Reach {
        CurlGlobal.setUp()
        guard let handle = EasyHandle(), handle.setURL(request.url) else {
            return .failed(.internalError, detail: "libcurl could not be used")
        }
        // The addresses that were judged, and no others.
        let addresses = vetted.text
        let (host, port) = proxy.map { ($0.host, $0.port) } ?? (request.host, request.port)
        let resolve = TextList(["\(host):\(port):\(addresses)"])
        if case .name = host { unsafe handle.set(CURLOPT_RESOLVE, list: resolve.first) }
        setOptions(handle)
        let code = unsafe curl_easy_perform(handle.pointer)
        let reach = code == CURLE_OK ? Reach.reached(expiresAt: expiry(handle)) : failure(code, handle)
        unsafe handle.set(CURLOPT_RESOLVE, list: nil)
        return withExtendedLifetime(resolve) { reach }
    }

    private func setOptions(_ handle: borrowing EasyHandle) {
        handle.set(CURLOPT_CONNECT_ONLY, 1)
        handle.set(CURLOPT_CERTINFO, 1)
        handle.setCommonOptions(
            trustedRootsFile: trustedRootsFile,
            request.authorities.map { TLSCredentials(certificate: nil, key: nil, authorities: $0) }, proxy: proxy)
        handle.set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds: timeout)
        handle.set(CURLOPT_TIMEOUT_MS, milliseconds: timeout)
    }

    private func failure(_ code: CURLcode, _ handle: borrowing EasyHandle) -> Reach {
        var end = TransferEnd(code: code.rawValue)
        end.osError = Int32(truncatingIfNeeded: handle.integer(CURLINFO_OS_ERRNO))
        end.certificateError = handle.integer(CURLINFO_SSL_VERIFYRESULT)
        end.hasOwnAuthorities = request.authorities != nil
        end.proxy = proxy.map { handle.end(of: $0, isWell: false) }
        let failure = TransferFailure(end)
        return .failed(failure.code, detail: failure.detail)
    }

    /// Of the endpoint's own certificate, which comes first in its chain.
    private func expiry(_ handle: borrowing EasyHandle) -> Int64? {
        var certificates: UnsafeMutablePointer<curl_certinfo>?
        guard request.isTLS, unsafe courier_get_certificates(handle.pointer, &certificates) == CURLE_OK,
            let chain = unsafe certificates, unsafe chain.pointee.num_of_certs > 0
        else { return nil }
        var entry = unsafe chain.pointee.certinfo[0]
        while let line = unsafe entry {
            let text = unsafe String(cString: line.pointee.data)
            if text.hasPrefix(Self.expiryName) {
                return CertificateDate.secondsSince1970(String(text.dropFirst(Self.expiryName.count)))
            }
            unsafe entry = line.pointee.next
        }
        return nil
    }

    private static let expiryName = "Expire date:"
}

/// The dates of a certificate, as OpenSSL prints them: `Nov  8 21:49:28 2026 GMT`.
enum CertificateDate {
    /// Seconds since 1970; nil when the text is no such date.
    static func secondsSince1970(_ text: String) -> Int64? {
        let zone = " GMT"
        guard text.hasSuffix(zone), text.utf8.count <= 40 else { return nil }
        // But for the day of the week, which is not checked, this is the date of C's asctime.
        return HTTPDate.secondsSince1970(Array(("Sun " + text.dropLast(zone.count)).utf8)[...], now: 0)
    }
}
