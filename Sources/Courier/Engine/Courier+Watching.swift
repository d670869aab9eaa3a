internal import CLibCurl
internal import Dispatch
internal import Glibc

/// What libcurl asks for: to watch sockets, and to be called again later.
extension Courier {
    func curlWants(_ socket: Int32, _ what: Int32) {
        events.watch(
            socket, reading: what & CURL_POLL_IN != 0 && what != CURL_POLL_REMOVE,
            writing: what & CURL_POLL_OUT != 0 && what != CURL_POLL_REMOVE)
    }

    func curlWantsTime(_ milliseconds: Int) {
        curlDeadline = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
    }

    func socketWasOpened(_ socket: Int32) {
        events.forget(socket)
    }

    func socketWillClose(_ socket: Int32) {
        events.forget(socket)
    }

    /// The timer is set anew only when it would be too late: one that comes too early does no harm.
    func armTimer() {
        let deadline = [curlDeadline, unresolvedDeadline].compactMap(\.self).min()
        guard let deadline, !isClosed else { return }
        if let armed, armed <= deadline { return }
        armed = deadline
        timer?.schedule(deadline: .now() + max(deadline - .now, .zero).dispatchInterval, leeway: .milliseconds(1))
    }
}
