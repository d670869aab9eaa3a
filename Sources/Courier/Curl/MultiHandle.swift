import CLibCurl

/// A libcurl multi handle, driven by what happens to sockets.
///
/// libcurl's rule: one thread at a time, and never from within one of its callbacks. Owned by one ``Courier``, which uses it
/// on its own serial queue only. Its easy handles must be removed before it is destroyed.
@safe struct MultiHandle: ~Copyable {
    private let pointer: UnsafeMutableRawPointer

    /// - Parameters:
    ///   - owner: what the callbacks are called with; must outlive the handle.
    ///   - maximumIdle: with more connections than this, one whose request has ended makes an idle one be closed.
    ///   - maximumConnections: with as many as this, a new one makes an idle one be closed first.
    init?(
        owner: UnsafeMutableRawPointer, maximumIdle: Int, maximumConnections: Int, onSocket: curl_socket_callback,
        onTimer: curl_multi_timer_callback
    ) {
        guard let pointer = unsafe curl_multi_init() else { return nil }
        unsafe self.pointer = pointer
        unsafe check(courier_multi_set_pointer(pointer, CURLMOPT_SOCKETDATA, owner))
        unsafe check(courier_multi_set_pointer(pointer, CURLMOPT_TIMERDATA, owner))
        unsafe check(courier_multi_set_socket_function(pointer, onSocket))
        unsafe check(courier_multi_set_timer_function(pointer, onTimer))
        unsafe check(courier_multi_set_long(pointer, CURLMOPT_MAXCONNECTS, maximumIdle))
        unsafe check(courier_multi_set_long(pointer, CURLMOPT_MAX_TOTAL_CONNECTIONS, maximumConnections))
        unsafe check(courier_multi_set_long(pointer, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING)))
    }

    deinit {
        unsafe check(curl_multi_cleanup(pointer))
    }

    /// False when libcurl would not take the handle.
    func add(_ easy: borrowing EasyHandle) -> Bool {
        unsafe curl_multi_add_handle(pointer, easy.pointer) == CURLM_OK
    }

    func remove(_ easy: borrowing EasyHandle) {
        unsafe check(curl_multi_remove_handle(pointer, easy.pointer))
    }

    /// Tells libcurl that something happened to `socket`; the bits are `CURL_CSELECT_…`.
    func act(on socket: Int32, _ bits: Int32) {
        var running: Int32 = 0
        unsafe curl_multi_socket_action(pointer, socket, bits, &running)
    }

    /// Tells libcurl that its time has come.
    func actOnTime() {
        act(on: CURL_SOCKET_TIMEOUT_VALUE, 0)
    }

    /// The next transfer that has ended: its easy handle and `CURLE_…`.
    func nextFinished() -> (easy: UnsafeMutableRawPointer, code: UInt32)? {
        var left: Int32 = 0
        while let ended = unsafe curl_multi_info_read(pointer, &left) {
            guard unsafe ended.pointee.msg == CURLMSG_DONE, let easy = unsafe ended.pointee.easy_handle else {
                continue
            }
            return unsafe (easy, ended.pointee.data.result.rawValue)
        }
        return nil
    }

    private func check(_ code: CURLMcode) {
        precondition(code == CURLM_OK, "libcurl refused a call")
    }
}

/// `CURL_SOCKET_TIMEOUT`, which is a cast in C and so does not come over.
private let CURL_SOCKET_TIMEOUT_VALUE: Int32 = -1
