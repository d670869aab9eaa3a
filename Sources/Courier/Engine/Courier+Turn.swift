internal import CLibCurl
internal import Dispatch
internal import Glibc
internal import Synchronization

/// One turn: one piece of work on the courier's queue.
extension Courier {
    /// Does all that there is to do without waiting, and hands the results on together.
    func runTurn() {
        turn &+= 1
        takeInbox()
        var rounds = 0
        var taken = 0
        repeat {
            rounds += 1
            taken = events.take()
            for index in 0..<taken { act(onEventAt: index) }
            actOnTime()
            collectFinished()
            startWaiting()
            actOnTime()
            collectFinished()
        } while taken == EventSet.batch && rounds < Self.maximumRounds
        endOverdueLookUps()
        finishTurn()
    }

    /// Hands results on and sets the timer.
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
        guard !arrived.isEmpty else { return }
        if waitingHead == waiting.count {
            waiting = arrived
            waitingHead = 0
        } else {
            waiting.append(contentsOf: arrived)
        }
    }

    private func startWaiting() {
        while waitingHead < waiting.count, isClosed || active.count + unresolvedCount < limit.current {
            let request = waiting[waitingHead]
            waitingHead += 1
            if isClosed { cancel(request) } else { begin(request) }
        }
        if waitingHead == waiting.count {
            waiting = []
            waitingHead = 0
        } else if waitingHead > 1024 {
            waiting.removeFirst(waitingHead)
            waitingHead = 0
        }
    }

    private func act(onEventAt index: Int) {
        switch events.event(at: index) {
        case .ready(let socket, let bits): multi?.act(on: socket, bits)
        case .disturbed(let socket): Self.makeUnusable(socket)
        case nil: break
        }
    }

    /// libcurl looks at a kept connection before it uses it, but takes one with bytes waiting for a good one: the next
    /// request would get an answer that was meant for nobody. Shut down and emptied, it is plainly dead.
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
            multi?.actOnTime()
            rounds += 1
        }
    }

    private func collectFinished() {
        while let (easy, code) = unsafe multi?.nextFinished() {
            var context: UnsafeMutablePointer<CChar>?
            unsafe courier_get_string(easy, CURLINFO_PRIVATE, &context)
            guard let context = unsafe context else { continue }
            let exchange = unsafe Unmanaged<Exchange>.fromOpaque(UnsafeRawPointer(context)).takeUnretainedValue()
            finish(exchange, code: code)
        }
    }

    /// Takes the result of an exchange. One that lacked a socket has sent nothing: its request waits for one to be free, as
    /// long as there are others under way whose end will make it so.
    private func finish(_ exchange: Exchange, code: UInt32) {
        if active.count > 1, let request = exchange.takeRequestLackingSocket() {
            release(exchange, nil)
            limit.lackedSocket(others: active.count)
            waiting.append(request)
        } else {
            release(exchange, exchange.unload(code: code))
            limit.requestEnded()
        }
    }

    /// Puts an exchange under way. False when libcurl would not take it.
    func add(_ exchange: Exchange) -> Bool {
        guard multi?.add(exchange.handle) == true else { return false }
        exchange.slot = active.count
        active.append(exchange)
        return true
    }

    /// Takes an exchange back and keeps its handle for another request.
    func release(_ exchange: Exchange, _ result: CourierResult?) {
        multi?.remove(exchange.handle)
        let last = active.removeLast()
        if last !== exchange {
            active[exchange.slot] = last
            last.slot = exchange.slot
        }
        exchange.lastTurn = turn
        shelf.put(exchange, maximum: configuration.maximumPrepared)
        if let result { results.append(result) }
    }
}
