import CLibCurl

/// Header lines as the linked list that libcurl takes, in two blocks of memory that are used again and again.
///
/// libcurl reads such a list from where it lies until the transfer has ended. curl_slist_append would allocate twice for
/// each line of each request. Used on one courier's queue only.
@safe final class HeaderList {
    private var bytes: UnsafeMutableRawBufferPointer
    private var nodes: UnsafeMutableBufferPointer<curl_slist>

    init() {
        unsafe bytes = .allocate(byteCount: 512, alignment: 1)
        unsafe nodes = .allocate(capacity: 16)
    }

    deinit {
        unsafe bytes.deallocate()
        unsafe nodes.deallocate()
    }

    /// Copies `lines` here and has `rest` follow them.
    ///
    /// - Returns: the list, valid until the next load and while this object and `rest` live.
    func load(
        _ lines: borrowing HeaderLines, followedBy rest: UnsafeMutablePointer<curl_slist>?
    ) -> UnsafeMutablePointer<curl_slist>? {
        let count = lines.starts.count
        guard count > 0, reserve(bytes: lines.bytes.count, nodes: count) else { return unsafe rest }
        unsafe bytes.copyBytes(from: lines.bytes)
        guard let text = unsafe bytes.baseAddress, let first = unsafe nodes.baseAddress else { return unsafe rest }
        for index in 0..<count {
            let line = unsafe (text + lines.starts[index]).assumingMemoryBound(to: CChar.self)
            let next = unsafe index + 1 < count ? first + index + 1 : rest
            unsafe (first + index).initialize(to: curl_slist(data: line, next: next))
        }
        return unsafe first
    }

    private func reserve(bytes byteCount: Int, nodes nodeCount: Int) -> Bool {
        if unsafe bytes.count < byteCount {
            unsafe bytes.deallocate()
            unsafe bytes = .allocate(byteCount: byteCount * 2, alignment: 1)
        }
        if unsafe nodes.count < nodeCount {
            unsafe nodes.deallocate()
            unsafe nodes = .allocate(capacity: nodeCount * 2)
        }
        return true
    }
}

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
