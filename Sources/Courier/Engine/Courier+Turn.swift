import CLibCurl
import Dispatch
import Glibc
import Synchronization

/// One turn: one piece of work on the courier's queue. What libcurl asks for: to watch sockets, and to be called later.
extension Courier {
    /// Does all work that needs no waiting, and hands the results on together.
    func runTurn() {
        turn &+= 1
        var rounds = 0
        var taken = 0
        repeat {
            rounds += 1
            takeInbox()
            taken = events.take()
            for index in 0..<taken { act(onEventAt: index) }
            actOnTime()
            collectFinished()
            startWaiting()
            actOnTime()
            collectFinished()
        } while (taken == EventSet.batch || canStart) && rounds < Self.maximumRounds
        endOverdueLookUps()
        finishTurn()
        if canStart { queue.async { [self] in runTurn() } }
    }

    func finishTurn() {
        if !results.isEmpty {
            let batch = results
            results = []
            results.reserveCapacity(batch.count)
            load.subtract(batch.count, ordering: .relaxed)
            deliver(batch)
        }
        armTimer()
    }

    func takeInbox() {
        let arrived = inbox.withLock { inbox in
            let arrived = inbox
            inbox = []
            return arrived
        }
        for request in arrived { waiting.append(request) }
    }

    /// Whether a request waits that may begin.
    private var canStart: Bool {
        !waiting.isEmpty && (isClosed || active.count + unresolvedCount < limit.current)
    }

    /// Begins what may begin, a round's worth: the next round can use the connections of those that were answered. What comes
    /// first for an endpoint costs ten times as much as what follows, so a round is bounded by time too.
    private func startWaiting() {
        let end = ContinuousClock.now + configuration.startingTime
        var started = 0
        while canStart, started < configuration.startsPerRound, let request = waiting.next() {
            started += 1
            if isClosed { cancel(request) } else { begin(request) }
            if started % Self.startsBetweenLooks == 0 {
                // Connects those that are begun, which takes time as well.
                actOnTime()
                if .now >= end { break }
            }
        }
        queued.subtract(started, ordering: .relaxed)
    }

    private func act(onEventAt index: Int) {
        switch events.event(at: index) {
        case .ready(let socket, let bits):
            let isNameServer = lookUps?.act(
                on: socket, reading: bits & (CURL_CSELECT_IN | CURL_CSELECT_ERR) != 0,
                writing: bits & CURL_CSELECT_OUT != 0)
            guard isNameServer != true else { return }
            libraryCalls &+= 1
            multi?.act(on: socket, bits)
        case .disturbed(let socket): Self.makeUnusable(socket)
        case nil: break
        }
    }

    /// libcurl looks at a kept connection before it uses it, but it takes one with unread bytes for a good one: the next
    /// request would get an answer to no request of ours. After a shutdown, and without these bytes, it is seen to be dead.
    private static func makeUnusable(_ socket: Int32) {
        shutdown(socket, Int32(SHUT_RDWR))
        unsafe withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 1) { buffer in
            // No more can follow the shutdown than the socket's buffer held.
            for _ in 0..<1024 where unsafe recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) <= 0 {
                return
            }
        }
    }

    private func actOnTime() {
        var rounds = 0
        while let deadline = curlDeadline, deadline <= .now, rounds < Self.maximumRounds {
            curlDeadline = nil
            libraryCalls &+= 1
            multi?.actOnTime()
            rounds += 1
        }
        lookUps?.actOnTime()
    }

    private func collectFinished() {
        while let (easy, code) = unsafe multi?.nextFinished() {
            if let transfer = unsafe Transfer.of(easy: easy) { finish(transfer, code: code) }
        }
    }

    /// Takes the result of a transfer. One that lacked a socket has sent nothing: while other transfers are in flight, whose
    /// end will free a socket, its request waits.
    private func finish(_ transfer: Transfer, code: UInt32) {
        if active.count > 1, let request = transfer.takeRequestLackingSocket() {
            release(transfer, nil)
            limit.lackedSocket(others: active.count)
            queued.add(1, ordering: .relaxed)
            waiting.append(request)
        } else {
            let now = ContinuousClock.now
            transfer.prepared.endedAt = now
            release(transfer, transfer.unload(code: code, now: now))
            limit.requestEnded()
        }
    }

    /// Starts a transfer. False when libcurl does not take it.
    func add(_ transfer: Transfer) -> Bool {
        guard multi?.add(transfer.handle) == true else { return false }
        transfer.slot = active.count
        active.append(transfer)
        return true
    }

    /// Takes a transfer back and keeps its handle for another request.
    func release(_ transfer: Transfer, _ result: CourierResult?) {
        multi?.remove(transfer.handle)
        let last = active.removeLast()
        if last !== transfer {
            active[transfer.slot] = last
            last.slot = transfer.slot
        }
        transfer.lastTurn = turn
        shelf.put(transfer, maximum: configuration.maximumPrepared)
        if let result { results.append(result) }
    }
}

// MARK: - What libcurl asks for

extension Courier {
    func curlWants(_ easy: UnsafeMutableRawPointer?, _ socket: Int32, _ what: Int32) {
        if what != CURL_POLL_REMOVE { unsafe Transfer.of(easy: easy)?.watched = socket }
        events.watch(
            socket, reading: what & CURL_POLL_IN != 0 && what != CURL_POLL_REMOVE,
            writing: what & CURL_POLL_OUT != 0 && what != CURL_POLL_REMOVE)
    }

    func curlWantsTime(_ milliseconds: Int) {
        curlDeadline = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
    }

    func socketWasOpened(_ socket: Int32) {
        sockets += 1
        events.forget(socket)
    }

    func socketWillClose(_ socket: Int32) {
        sockets -= 1
        events.forget(socket)
    }

    /// Sets the timer only when it would fire too late: one that fires too early does no harm.
    func armTimer() {
        let deadline = [curlDeadline, unresolvedDeadline, lookUps?.deadline].compactMap(\.self).min()
        guard let deadline, !isClosed else { return }
        if let armed, armed <= deadline { return }
        armed = deadline
        let wait = max(deadline - .now, .zero).microseconds
        timer?.schedule(deadline: .now() + .microseconds(Int(clamping: wait)), leeway: .milliseconds(1))
    }
}
