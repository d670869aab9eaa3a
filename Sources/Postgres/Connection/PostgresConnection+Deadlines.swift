internal import Dispatch

extension PostgresConnection {
    /// The timer has fired: perhaps something is overdue.
    func timeCame() {
        timer.fired()
        wakeConnectingIfLate()
        for exchange in waiting.remove(where: \.deadline.hasPassed)
            + waitingInTransaction.remove(where: \.deadline.hasPassed)
        {
            exchange.finish(.overdueBeforeSent)
            if case .ends = exchange.role {
                // The transaction would hold the connection for ever.
                return close(PostgresError(.connectionClosed, "a transaction was not ended in time"))
            }
        }
        if let until = cancelOutstanding, until.hasPassed {
            return close(PostgresError(.connectionLost, "the server did not take a cancel request in time"))
        }
        if let current {
            switch current.stage {
            case .cancelling(_, let until, _) where until.hasPassed:
                return close(PostgresError(.connectionLost, "the server did not end a cancelled statement in time"))
            case .cancelling(let why, let until, let again) where again.hasPassed && cancelOutstanding == nil:
                cancelCurrent(why, until: until)
            case .sent where current.deadline.hasPassed:
                cancelCurrent(.deadlineExceeded, until: .after(configuration.cancelGrace))
            default:
                break
            }
        }
        coverDeadlines()
    }

    /// The task that waits for this exchange was cancelled.
    func abandon(_ exchange: Exchange) {
        switch exchange.stage {
        case .fresh:
            exchange.isUnwanted = true
        case .waiting:
            _ = waiting.remove { $0 === exchange }
            _ = waitingInTransaction.remove { $0 === exchange }
            exchange.finish(.abandoned(.cancelled, "nothing was sent", nil))
        case .sent:
            cancelCurrent(.cancelled, until: .after(configuration.cancelGrace))
        case .cancelling, .over:
            break
        }
    }

    /// How long after a cancel request the next one follows, if the statement still runs. A request that arrives before the
    /// server has read the statement has no effect.
    private static let cancelInterval = Duration.milliseconds(100)

    /// Asks the server to cancel what it works on, and gives it a while to do so.
    private func cancelCurrent(_ why: PostgresError.Code, until: Deadline) {
        guard let current, let wire else { return }
        current.stage = .cancelling(why: why, until: until, again: .after(Self.cancelInterval))
        let isSent =
            wire.handle.cancelRequest()?.send { [weak self] in
                guard let self else { return }
                self.executor.queue.async { self.assumeIsolated { $0.cancelArrived() } }
            } ?? false
        guard isSent else {
            return close(PostgresError(.connectionLost, "too many cancel requests are in flight"))
        }
        cancelOutstanding = until
        coverDeadlines()
    }

    /// The server has acted on the cancel request: from now on it hits no other statement.
    private func cancelArrived() {
        cancelOutstanding = nil
        coverDeadlines()
        sendNext()
    }

    private func coverDeadlines() {
        var next = cancelOutstanding ?? .never
        if let current {
            if case .cancelling(_, let until, let again) = current.stage {
                next = min(next, cancelOutstanding == nil ? min(again, until) : until)
            } else {
                next = min(next, current.deadline)
            }
        }
        for exchange in waiting { next = min(next, exchange.deadline) }
        for exchange in waitingInTransaction { next = min(next, exchange.deadline) }
        timer.cover(next)
        coverConnecting()
    }
}
