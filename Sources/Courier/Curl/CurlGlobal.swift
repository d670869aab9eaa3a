internal import CLibCurl

/// libcurl's global state, set up once in a process and never torn down.
enum CurlGlobal {
    private static let status = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    /// Sets libcurl up. To be called before anything else of it; safe from any thread, for a `static let` runs once.
    static func setUp() {
        precondition(status == CURLE_OK, "libcurl could not be set up")
    }
}
