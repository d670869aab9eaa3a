import Outbox
import Testing

@Suite("What an attempt says about the endpoint")
struct EndpointSignalTests {
    private func signal(_ status: Int, _ retryAfter: String..., directive: ReceiverDirective? = nil) -> EndpointSignal {
        EndpointSignal(after: .answered(status: status, retryAfter: retryAfter, directive: directive), now: 0)
    }

    @Test("429, 5xx and what is no HTTP speak against it, nothing else", arguments: 0...1_001)
    func strikes(status: Int) {
        let isStrike = status == 429 || (500...599).contains(status) || !(100...999).contains(status)
        #expect(signal(status).isStrike == isStrike)
        #expect(signal(status).isLater == [429, 502, 503, 504].contains(status))
    }

    @Test("no answer speaks against it, a fault of ours does not", arguments: ErrorCode.allCases)
    func failures(code: ErrorCode) {
        let signal = EndpointSignal(after: .failed(code, detail: ""), now: 0)
        let faults: Set<ErrorCode> = [
            .timeout, .connectTimeout, .connectionRefused, .connectionReset, .networkUnreachable, .dnsFailure,
            .tlsFailure, .protocolError, .responseTooLarge, .filterError, .transformError,
        ]
        #expect(signal.isStrike == faults.contains(code))
        #expect(signal.isLater == [.timeout, .connectTimeout].contains(code))
    }

    @Test(
        "what was not sent, or was cut by us, says nothing",
        arguments: [
            DeliveryObservation.interrupted, .notSent, .heldBack, .eventMissing, .noneLeft, .expired, .cancelled,
            .filtered("why"),
        ])
    func silence(observation: DeliveryObservation) {
        #expect(EndpointSignal(after: observation, now: 0) == .none)
    }

    @Test("Retry-After on any status is a pause, 24 hours at most", arguments: [200, 301, 404, 429, 500, 503])
    func pause(status: Int) {
        #expect(signal(status, "7").pause == .seconds(7))
        #expect(signal(status, "999999999").pause == .seconds(86_400))
        #expect(signal(status, "soon").pause == .zero)
    }

    @Test("webhook-delivery: disable, and a stronger word counts")
    func directives() {
        #expect(signal(200, directive: .disable).disables && signal(500, directive: .disable).disables)
        #expect(!signal(500, directive: .abortMessage).disables)
        #expect(ReceiverDirective.stronger(.abortMessage, .disable) == .disable)
        #expect(ReceiverDirective.stronger(nil, .abortMessage) == .abortMessage)
    }

    @Test("a list of permanent statuses")
    func statusList() throws {
        let list = try StatusList(text: "400,404,422")
        #expect(list.contains(404) && !list.contains(403))
        let kind = try StatusList(text: "4xx,503")
        #expect(kind.contains(404) && kind.contains(503) && !kind.contains(500))
        // They mean "later".
        for status in [408, 425, 429] { #expect(!kind.contains(status)) }
        #expect(try StatusList(text: "429").contains(429))
        #expect(try StatusList(text: "none") == .none)
        for text in ["", "200", "2xx", "4x", "404,", "404 ", "600", "xxx", "+44"] {
            #expect(throws: InvalidText.self, "\(text)") { try StatusList(text: text) }
        }
    }

    @Test("a permanent status and abort-message end a delivery at once; a success stays one")
    func deadAtOnce() throws {
        let policy = try RetryPolicy(permanentStatus: StatusList(text: "4xx"))
        func outcome(_ status: Int, _ directive: ReceiverDirective? = nil) -> DeliveryDecision.Outcome {
            DeliveryDecision(
                after: .answered(status: status, retryAfter: [], directive: directive), attempt: 1, policy: policy,
                now: 0
            ).outcome
        }
        #expect(outcome(404) == .dead(.permanentStatus))
        #expect(outcome(429) == .retry(after: .seconds(5)))
        #expect(outcome(410) == .gone)
        #expect(outcome(500, .abortMessage) == .dead(.abortMessage))
        #expect(outcome(200, .abortMessage) == .delivered)
        #expect(outcome(404, .disable) == .disabled)
        #expect(outcome(200, .disable) == .delivered)
    }
}
