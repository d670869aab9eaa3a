import CLibCurl

/// A URL as libcurl parsed it, once for all requests of a route: given as text, it would be parsed and put together again
/// for each of them. Used on one courier's queue only, and read by libcurl for as long as a handle that has it lives.
@safe final class ParsedURL {
    let pointer: OpaquePointer

    /// Nil when libcurl does not take the URL, because it is far too long, or when memory is out.
    init?(_ url: String) {
        guard let pointer = unsafe curl_url() else { return nil }
        unsafe self.pointer = pointer
        // The path goes out as it was written.
        let flags = UInt32(CURLU_PATH_AS_IS | CURLU_NON_SUPPORT_SCHEME)
        guard unsafe curl_url_set(pointer, CURLUPART_URL, url, flags) == CURLUE_OK else { return nil }
    }

    deinit {
        unsafe curl_url_cleanup(pointer)
    }
}
