import CLibCurl
import Outbox

/// libcurl's global state, set up once in a process and never torn down.
enum CurlGlobal {
    private static let status = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    /// Must be called before any other function of libcurl. Safe from any thread, because a `static let` runs once.
    static func setUp() {
        precondition(status == CURLE_OK, "libcurl could not be set up")
    }
}

/// A libcurl easy handle.
///
/// libcurl's rule: a handle may be used by one thread at a time, and while it is in a multi handle only from where that
/// multi handle is used (https://curl.se/libcurl/c/threadsafe.html). Each is owned by one ``Transfer``, which is owned by
/// one ``Courier``, which touches it on its own serial queue only.
@safe struct EasyHandle: ~Copyable {
    let pointer: UnsafeMutableRawPointer

    init?() {
        guard let pointer = unsafe curl_easy_init() else { return nil }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe curl_easy_cleanup(pointer)
    }

    func set(_ option: CURLoption, _ value: Int) {
        unsafe check(courier_set_long(pointer, option, value))
    }

    func set(_ option: CURLoption, milliseconds duration: Duration) {
        set(option, Self.milliseconds(duration))
    }

    func set(_ option: CURLoption, seconds duration: Duration) {
        set(option, Self.seconds(duration))
    }

    /// Rounded up, and from 1, because libcurl takes 0 for its default, to about 24 days, the longest time that it takes.
    static func milliseconds(_ duration: Duration) -> Int {
        let milliseconds = Int(clamping: (duration.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
        return min(max(milliseconds, 1), 2_000_000_000)
    }

    /// Rounded down, at least 1.
    static func seconds(_ duration: Duration) -> Int {
        max(1, milliseconds(duration) / 1000)
    }

    func set(_ option: CURLoption, offset value: Int) {
        unsafe check(courier_set_offset(pointer, option, curl_off_t(value)))
    }

    /// False when libcurl does not take the URL, because it is far too long.
    func setURL(_ url: String) -> Bool {
        unsafe courier_set_string(pointer, CURLOPT_URL, url) == CURLE_OK
    }

    /// libcurl copies the string.
    func set(_ option: CURLoption, _ value: String) {
        unsafe check(courier_set_string(pointer, option, value))
    }

    /// libcurl does not copy what the pointer leads to.
    func set(_ option: CURLoption, pointer value: UnsafeRawPointer?) {
        unsafe check(courier_set_pointer(pointer, option, value))
    }

    /// libcurl does not copy the list.
    func set(_ option: CURLoption, list: UnsafeMutablePointer<curl_slist>?) {
        unsafe check(courier_set_list(pointer, option, list))
    }

    func integer(_ info: CURLINFO) -> Int {
        var value = 0
        return unsafe courier_get_long(pointer, info, &value) == CURLE_OK ? value : 0
    }

    func microseconds(_ info: CURLINFO) -> Int64 {
        var value: curl_off_t = 0
        return unsafe courier_get_offset(pointer, info, &value) == CURLE_OK ? Int64(value) : 0
    }

    /// What holds for every connection, whether a request is sent over it or not.
    ///
    /// - Parameters:
    ///   - trustedRootsFile: certificates to trust instead of the system's.
    ///   - credentials: of the endpoint; its authorities come before that file.
    ///   - proxy: which the connection goes through.
    func setCommonOptions(trustedRootsFile: String?, _ credentials: TLSCredentials? = nil, proxy: EgressProxy?) {
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_NOSIGNAL, 1)
        // libcurl would read the environment otherwise, for the first at every connection and for the second at every request.
        set(CURLOPT_PROXY, proxy.map { "\($0)" } ?? "")
        set(CURLOPT_NOPROXY, proxy == nil ? "*" : "")
        if let proxy { setOptions(of: proxy, trustedRootsFile: trustedRootsFile) }
        set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
        set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let trustedRootsFile { set(CURLOPT_CAINFO, trustedRootsFile) }
        // The file says it all, see TrustedRoots. With a folder beside it libcurl shares the certificates between no connections:
        // each would read the file and keep 0.8 MB.
        unsafe set(CURLOPT_CAPATH, pointer: nil)
        if let authorities = credentials?.authorities { set(CURLOPT_CAINFO_BLOB, blob: authorities) }
        if let certificate = credentials?.certificate { set(CURLOPT_SSLCERT_BLOB, blob: certificate) }
        if let key = credentials?.key { set(CURLOPT_SSLKEY_BLOB, blob: key) }
    }

    private func setOptions(of proxy: EgressProxy, trustedRootsFile: String?) {
        // For plain http too: there is one way to each place, and what the proxy answers is never taken for the endpoint's answer.
        set(CURLOPT_HTTPPROXYTUNNEL, 1)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        if let user = proxy.user { set(CURLOPT_PROXYUSERNAME, user) }
        if let password = proxy.password { set(CURLOPT_PROXYPASSWORD, password) }
        // A user and a password, and no other way of proving oneself: CURLAUTH_BASIC.
        set(CURLOPT_PROXYAUTH, 1)
        set(CURLOPT_SOCKS5_AUTH, 1)
        set(CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        set(CURLOPT_PROXY_SSL_VERIFYPEER, 1)
        set(CURLOPT_PROXY_SSL_VERIFYHOST, 2)
        if let trustedRootsFile { set(CURLOPT_PROXY_CAINFO, trustedRootsFile) }
        unsafe set(CURLOPT_PROXY_CAPATH, pointer: nil)
    }

    /// libcurl copies the bytes.
    private func set(_ option: CURLoption, blob text: String) {
        var text = text
        text.withUTF8 { bytes in
            unsafe check(courier_set_blob(pointer, option, bytes.baseAddress, bytes.count))
        }
    }

    /// Every option set here is known to the version that we build with, and every value is ours.
    func check(_ code: CURLcode) {
        precondition(code == CURLE_OK || code == CURLE_OUT_OF_MEMORY, "libcurl refused an option")
    }
}
