import CLibCurl
import Glibc
import Outbox

/// What libcurl calls while it works on a transfer, always from within a call that the courier made on its own queue.
extension Transfer {
    func setCallbacks() {
        let context = unsafe UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
        for option in [
            CURLOPT_PRIVATE, CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_OPENSOCKETDATA, CURLOPT_PREREQDATA,
            CURLOPT_XFERINFODATA,
        ] {
            unsafe handle.set(option, pointer: context)
        }
        // A connection outlives the transfer that made it, and is closed in the name of its courier.
        unsafe handle.set(CURLOPT_CLOSESOCKETDATA, pointer: Unmanaged.passUnretained(courier).toOpaque())
        unsafe handle.check(
            courier_set_data_function(handle.pointer, CURLOPT_HEADERFUNCTION) { line, size, count, context in
                guard let line = unsafe line, let transfer = unsafe Transfer.of(context) else { return 0 }
                let span = unsafe Span(
                    _unsafeStart: UnsafeRawPointer(line).assumingMemoryBound(to: UInt8.self), count: size * count)
                return transfer.takeHeadLine(span) ? size * count : 0
            })
        unsafe handle.check(
            courier_set_data_function(handle.pointer, CURLOPT_WRITEFUNCTION) { piece, size, count, context in
                guard let piece = unsafe piece, let transfer = unsafe Transfer.of(context) else { return 0 }
                let span = unsafe Span(
                    _unsafeStart: UnsafeRawPointer(piece).assumingMemoryBound(to: UInt8.self), count: size * count)
                return transfer.takeBodyPiece(span) ? size * count : 0
            })
        unsafe handle.check(
            courier_set_open_function(handle.pointer) { context, purpose, address in
                guard purpose == CURLSOCKTYPE_IPCXN, let address = unsafe address,
                    let transfer = unsafe Transfer.of(context)
                else { return -1 }
                return unsafe transfer.openSocket(address)
            })
        unsafe handle.check(
            courier_set_close_function(handle.pointer) { context, socket in
                guard let context = unsafe context else { return close(socket) }
                unsafe Unmanaged<Courier>.fromOpaque(context).takeUnretainedValue().socketWillClose(socket)
                return close(socket)
            })
        unsafe handle.check(
            courier_set_progress_function(handle.pointer) { context, _, _, _, _ in
                guard let transfer = unsafe Transfer.of(context) else { return 1 }
                return transfer.goesOn() ? 0 : 1
            })
        handle.set(CURLOPT_NOPROGRESS, 0)
        unsafe handle.check(
            courier_set_request_function(handle.pointer) { context, remote, _, _, _ in
                guard let remote = unsafe remote, let transfer = unsafe Transfer.of(context),
                    transfer.requestMayGoOut(to: unsafe SocketAddress.address(ofText: remote))
                else { return Int32(CURL_PREREQFUNC_ABORT) }
                return Int32(CURL_PREREQFUNC_OK)
            })
    }

    /// The transfer that an easy handle belongs to.
    static func of(easy: UnsafeMutableRawPointer?) -> Transfer? {
        var context: UnsafeMutablePointer<CChar>?
        guard let easy = unsafe easy, unsafe courier_get_string(easy, CURLINFO_PRIVATE, &context) == CURLE_OK else {
            return nil
        }
        return unsafe of(UnsafeMutableRawPointer(context))
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> Transfer? {
        guard let context = unsafe context else { return nil }
        return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }

    private func takeHeadLine(_ line: Span<UInt8>) -> Bool {
        switch progress.end.head.take(line) {
        case .proceed: return true
        case .finish: progress.end.stop = .enough
        case .tooLarge: progress.end.stop = .headTooLarge
        case .malformed: progress.end.stop = .headMalformed
        }
        return false
    }

    private func takeBodyPiece(_ piece: Span<UInt8>) -> Bool {
        if progress.end.body.take(piece) { return true }
        progress.end.stop = .enough
        return false
    }

    /// libcurl has read or written a piece. False when the answer takes more than one may.
    private func goesOn() -> Bool {
        guard progress.end.wasSent, let watched,
            progress.meter.takesTooMuch(in: courier.libraryCalls, total: { Self.bytesRead(from: watched) })
        else { return true }
        progress.end.stop = .answerTooLarge
        return false
    }

    /// How many bytes were read from the socket since it was connected: what the kernel received, without what is still there.
    private static func bytesRead(from socket: Int32) -> UInt64? {
        // `tcpi_bytes_received` of the kernel's `struct tcp_info`, which the C library's one ends before.
        let field = 128
        let size = field + MemoryLayout<UInt64>.size
        let received = unsafe withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { buffer -> UInt64? in
            var length = socklen_t(size)
            guard unsafe getsockopt(socket, Int32(IPPROTO_TCP), TCP_INFO, buffer.baseAddress, &length) == 0,
                Int(length) == size
            else { return nil }
            return unsafe buffer.load(fromByteOffset: field, as: UInt64.self)
        }
        var unread: Int32 = 0
        guard let received, unsafe ioctl(socket, UInt(FIONREAD), &unread) == 0 else { return nil }
        return received - min(received, UInt64(max(0, unread)))
    }

    /// The second wall: libcurl is about to dial this address.
    private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> Int32 {
        let wanted = unsafe withUnsafePointer(to: &address.pointee.addr) { unsafe SocketAddress($0) }
        guard let wanted, wanted.scope == 0, wanted.port == proxy?.port ?? prepared.route.port, mayDial(wanted.address)
        else {
            progress.end.stop = .blocked
            progress.blockedAddress = wanted?.address
            return -1
        }
        let type = unsafe address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = unsafe socket(address.pointee.family, type, address.pointee.protocol)
        guard descriptor >= 0 else {
            progress.end.stop = .noSocket(errno)
            return -1
        }
        courier.socketWasOpened(descriptor)
        keepConnectionIfWorthwhile()
        progress.remoteAddress = wanted.address
        progress.openedSocket = true
        return descriptor
    }

    /// Whether a connection may lead to this address: that of the endpoint, or of the proxy, which the policy has no say in.
    private func mayDial(_ address: IPAddress) -> Bool {
        guard vetted?.contains(address) == true else { return false }
        if proxy != nil || prepared.allowed == PreparedRoute.Allowed(address: address, turn: courier.turn) {
            return true
        }
        guard judge(address) else { return false }
        prepared.allowed = PreparedRoute.Allowed(address: address, turn: courier.turn)
        return true
    }

    /// The third wall: a connection is ready, and the request is about to go out over it.
    ///
    /// libcurl silently sends a POST again when a kept connection turns out to be dead before the first byte of an answer.
    /// The server may have acted on the first one, so that would be an attempt without a record: the second is refused.
    private func requestMayGoOut(to address: IPAddress?) -> Bool {
        guard let request = pending?.request, !progress.end.wasSent else {
            progress.end.stop = .wouldRepeat
            return false
        }
        guard let address, mayDial(address) else {
            progress.end.stop = .blocked
            progress.blockedAddress = address
            return false
        }
        progress.remoteAddress = address
        guard ContinuousClock.now < request.mustStartBefore else {
            progress.end.stop = .tooLate
            return false
        }
        progress.end.wasSent = true
        if proxy != nil, progress.openedSocket { courier.proxyRecord.served() }
        progress.reusedConnection = !progress.openedSocket
        return true
    }
}
