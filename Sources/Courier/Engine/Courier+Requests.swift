import CLibCurl
import Dispatch
import Glibc
import Outbox
import Synchronization

/// The way of a request until its transfer begins.
extension Courier {
    func begin(_ request: any CourierRequest) {
        let pending = PendingRequest(request: request, begun: .now)
        guard pending.begun < request.mustStartBefore else {
            results.append(pending.result(.notSent(.tooLate)))
            return
        }
        let prepared = shelf.prepared(for: request.route, turn: turn)
        if let vetted = prepared.vetted, let until = prepared.vettedUntil, pending.begun < until {
            start(pending, prepared, vetted, now: pending.begun)
            return
        }
        if configuration.proxy != nil, case .address(let address) = request.route.host, !judge(address) {
            take(.blocked(address), until: pending.begun, pending)
            return
        }
        switch configuration.proxy?.host ?? request.route.host {
        case .address(let address):
            // What is written in the URL does not change, and neither does the policy while the process runs.
            take(names.judge(literal: address), until: pending.begun + .seconds(86_400), pending)
        case .name(let name):
            lookUp(name, pending)
        }
    }

    private func lookUp(_ name: String, _ pending: PendingRequest) {
        let isFirst = unresolved[name] == nil
        if isFirst {
            let reply = names.ask(name) { [weak self] answer in
                guard let self else { return }
                queue.async { [self] in
                    resolved(name, answer)
                    runTurn()
                }
            }
            if let order = reply.order { lookUps?.begin(order) }
            if let known = reply.known {
                take(known.answer, until: known.freshUntil, pending)
                return
            }
        }
        unresolved[name, default: []].append(pending)
        unresolvedCount += 1
        unresolvedDeadline = min(unresolvedDeadline ?? pending.deadline, pending.deadline)
    }

    private func resolved(_ name: String, _ known: (answer: NameAnswer, freshUntil: ContinuousClock.Instant)?) {
        guard let requests = unresolved.removeValue(forKey: name) else { return }
        unresolvedCount -= requests.count
        for pending in requests {
            if let known { take(known.answer, until: known.freshUntil, pending) } else { lookUp(name, pending) }
        }
    }

    /// Resolves the host and judges every address, from any thread. Calls `completion` with the answer on any thread.
    func answer(for host: EndpointURL.Host, completion: @escaping @Sendable (NameAnswer) -> Void) {
        queue.async { [self] in
            guard let lookUps else { return completion(.failed(NameResolutionError(.abandoned))) }
            if configuration.proxy != nil, case .address(let address) = host, !judge(address) {
                return completion(.blocked(address))
            }
            switch configuration.proxy?.host ?? host {
            case .address(let address):
                completion(names.judge(literal: address))
            case .name(let name):
                let reply = names.ask(name) { completion($0?.answer ?? .failed(NameResolutionError(.abandoned))) }
                if let order = reply.order { lookUps.begin(order) }
                if let known = reply.known { completion(known.answer) }
                armTimer()
            }
        }
    }

    private func take(_ answer: NameAnswer, until: ContinuousClock.Instant, _ pending: PendingRequest) {
        switch answer {
        case .vetted(let vetted):
            let prepared = shelf.prepared(for: pending.request.route, turn: turn)
            shelf.pin(vetted, until: until, on: prepared, turn: turn)
            start(pending, prepared, vetted, now: .now)
        case .blocked(let address):
            let outcome = CourierOutcome.failed(.blockedAddress, detail: "an address of the host is not allowed")
            results.append(pending.result(outcome, blocked: address))
        case .failed(let error):
            results.append(pending.result(notResolved(error)))
        }
    }

    /// A look-up failed: of the endpoint's name, or of the proxy's.
    private func notResolved(_ error: NameResolutionError) -> CourierOutcome {
        configuration.proxy == nil
            ? .failed(.dnsFailure, detail: error.description)
            : .failed(.proxyError, detail: "the proxy's name: \(error.description)")
    }

    private func start(
        _ pending: PendingRequest, _ prepared: PreparedRoute, _ vetted: VettedAddresses, now: ContinuousClock.Instant
    ) {
        guard now < pending.request.mustStartBefore else {
            results.append(pending.result(.notSent(.tooLate)))
            return
        }
        guard now < pending.deadline else {
            results.append(pending.result(notResolved(NameResolutionError(.timedOut))))
            return
        }
        guard let transfer = prepared.idle.popLast() ?? Transfer(prepared, courier: self) else {
            results.append(pending.result(.failed(.internalError, detail: "the request could not be prepared")))
            return
        }
        shelf.took(transfer)
        do throws(RequestRefusal) {
            try transfer.load(
                pending, vetted: vetted, remaining: pending.deadline - now,
                nameLookup: (now - pending.begun).microseconds,
                unixTime: SystemClock.wallMicroseconds() / 1_000_000,
                unneeded: { shelf.takeRetired(before: turn) })
            guard add(transfer) else { throw RequestRefusal(.internalError, "the transfer could not be begun") }
        } catch {
            transfer.drop()
            results.append(pending.result(.failed(error.code, detail: error.detail)))
            shelf.put(transfer, maximum: configuration.maximumPrepared)
        }
    }

    func endOverdueLookUps() {
        guard let deadline = unresolvedDeadline, deadline <= .now else { return }
        let now = ContinuousClock.now
        unresolvedDeadline = nil
        for (name, requests) in unresolved {
            for pending in requests where pending.deadline <= now {
                results.append(pending.result(notResolved(NameResolutionError(.timedOut))))
            }
            let rest = requests.filter { $0.deadline > now }
            unresolvedCount -= requests.count - rest.count
            unresolved[name] = rest
            if let next = rest.map(\.deadline).min() { unresolvedDeadline = min(unresolvedDeadline ?? next, next) }
        }
    }

    func cancel(_ request: any CourierRequest) {
        let pending = PendingRequest(request: request, begun: .now)
        results.append(pending.result(.notSent(.cancelled)))
    }

    /// Ends all requests: those that wait are handed back, those in flight are cut.
    func abandonAll() {
        takeInbox()
        queued.subtract(waiting.count, ordering: .relaxed)
        for request in waiting.takeAll() { cancel(request) }
        for requests in unresolved.values {
            results.append(contentsOf: requests.map { $0.result(.notSent(.cancelled)) })
        }
        unresolved = [:]
        unresolvedCount = 0
        unresolvedDeadline = nil
        while let transfer = active.last { release(transfer, transfer.abandon()) }
    }

}
