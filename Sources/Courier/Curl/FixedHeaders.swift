internal import CLibCurl

/// The header lines that all requests of a route share, with those that libcurl must not add by itself.
@safe final class FixedHeaders {
    private let list = HeaderList()
    let first: UnsafeMutablePointer<curl_slist>?

    init(_ headers: HeaderLines) {
        var lines = headers
        // Expect would cost a round trip; the other two are the caller's to say or to leave out. An order to leave a header
        // out holds for libcurl's own line only, never for one of ours.
        for name in ["Expect", "Accept", "Content-Type"] { lines.suppress(name) }
        unsafe first = list.load(lines, followedBy: nil)
    }
}
