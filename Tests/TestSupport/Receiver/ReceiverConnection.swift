import Glibc

/// One connection to the receiver, on the receiver's thread.
final class ReceiverConnection {
    let socket: Int32
    let number: Int
    private(set) var isOpen = true
    /// When to go on after a pause.
    private(set) var wakeAt: ContinuousClock.Instant?
    private var incoming: [UInt8] = []
    private var outgoing: ArraySlice<UInt8> = []
    private var steps: ArraySlice<ReceiverAnswer.Step> = []
    private var end: ReceiverAnswer.End?
    private var resetsOnInput = false

    init(socket: Int32, number: Int) {
        self.socket = socket
        self.number = number
    }

    var wantsToWrite: Bool { !outgoing.isEmpty }

    /// Reads what is there and answers what is complete.
    func takeInput(_ log: ReceiverLog) {
        if resetsOnInput { return reset() }
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while isOpen {
            let count = read(socket, &piece, piece.count)
            if count > 0 {
                incoming.append(contentsOf: piece[..<count])
            } else if count < 0, errno == EAGAIN || errno == EINTR {
                break
            } else {
                shut()
            }
        }
        if end == nil {
            serve(log)
        } else if !incoming.isEmpty, isOpen {
            log.add(violation: "bytes before the answer ended")
        }
    }

    /// Goes on with the script, as far as it goes without waiting.
    func proceed(_ log: ReceiverLog) {
        while isOpen {
            if let wakeAt {
                guard wakeAt <= .now else { return }
                self.wakeAt = nil
            }
            guard flush() else { return }
            if let step = steps.popFirst() {
                take(step)
            } else if let end {
                guard finish(end) else { return }
                serve(log)
                return
            } else {
                return
            }
        }
    }

    func shut() {
        guard isOpen else { return }
        isOpen = false
        close(socket)
    }

    private func serve(_ log: ReceiverLog) {
        switch RequestReader.read(incoming[...]) {
        case .incomplete:
            return
        case .violation(let rule):
            log.add(violation: rule)
            begin(.status(400, body: rule, then: .close))
        case .request(let method, let path, let headers, let body, let length):
            incoming.removeFirst(length)
            if !incoming.isEmpty { log.add(violation: "bytes before the answer began") }
            let request = CapturedRequest(
                method: method, path: path, headers: headers, body: body, connection: number, arrivedAt: .now)
            begin(log.add(request))
        }
        proceed(log)
    }

    private func begin(_ answer: ReceiverAnswer) {
        steps = answer.steps[...]
        end = answer.end
    }

    private func take(_ step: ReceiverAnswer.Step) {
        switch step {
        case .send(let bytes):
            outgoing = bytes[...]
        case .pause(let pause):
            wakeAt = .now + pause
        case .sendTimes(let bytes, let count):
            guard count > 0 else { return }
            outgoing = bytes[...]
            steps = [.sendTimes(bytes, count - 1)] + steps
        case .drip(let bytes, let pause):
            outgoing = bytes[...]
            steps = [.pause(pause), step] + steps
        }
    }

    /// The script is done. True when another request may follow.
    private func finish(_ end: ReceiverAnswer.End) -> Bool {
        switch end {
        case .keepAlive:
            self.end = nil
            return true
        case .close: shut()
        case .reset: reset()
        case .hang: break
        case .resetOnNextRequest: resetsOnInput = true
        }
        return false
    }

    /// True when nothing is left to write.
    private func flush() -> Bool {
        while !outgoing.isEmpty {
            let count = outgoing.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                outgoing.removeFirst(count)
            } else if count < 0, errno == EAGAIN || errno == EINTR {
                return false
            } else {
                shut()
                return false
            }
        }
        return true
    }

    private func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        shut()
    }
}
