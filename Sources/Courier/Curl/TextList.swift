internal import CLibCurl

/// A list of strings that libcurl made, freed with this object. Used on one courier's queue only.
@safe final class TextList {
    private(set) var first: UnsafeMutablePointer<curl_slist>?

    init(_ texts: [String]) {
        for text in texts {
            // Nil only when memory is out; the list then stays as it was.
            if let longer = unsafe curl_slist_append(first, text) { unsafe first = longer }
        }
    }

    deinit {
        unsafe curl_slist_free_all(first)
    }
}
