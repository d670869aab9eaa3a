import ArgumentParser
import Outbox
import OutboxStore
import Settings
import Worker

/// The options that `endpoint add` and `endpoint update` share.
struct EndpointOptions: ParsableArguments {
    @Option(
        name: .customLong("event-type"),
        help: ArgumentHelp(
            "Events to send: order.paid, order.* or *; repeat the option for more.", valueName: "pattern"))
    var eventTypes: [String] = []

    @Option(
        help: ArgumentHelp("Waits after failed attempts, such as 5s,5m,30m.", valueName: "waits"),
        transform: Parsing.durations)
    var retrySchedule: [Duration]?

    @Option(
        help: ArgumentHelp(
            "Attempts before a delivery is dead; by default one more than there are waits.", valueName: "n"))
    var maxAttempts: Int?

    @Option(
        help: ArgumentHelp("How long an attempt may take, 100ms to 5m; by default 15s.", valueName: "duration"),
        transform: Parsing.duration)
    var timeout: Duration?

    @Option(help: ArgumentHelp("Deliveries in flight at once; 0 for no limit.", valueName: "n"))
    var maxInFlight: Int?

    @Option(help: ArgumentHelp("Requests a second; 0 for no limit.", valueName: "n"))
    var rateLimit: Float?

    @Option(
        help: ArgumentHelp(
            "How the body is made: \(PayloadFormat.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "format"),
        completion: .list(PayloadFormat.allCases.map(\.rawValue)))
    var payloadFormat: String?

    @Option(
        name: .customLong("header"),
        help: ArgumentHelp(
            "A header to add to requests, 'Name: value'; repeat the option for more.", valueName: "name: value"))
    var headers: [String] = []

    @Option(
        help: ArgumentHelp(
            "Statuses after which a delivery is dead at once, such as 400,404,422 or 4xx; none for none.",
            valueName: "list"))
    var permanentStatus: String?

    @Option(
        help: ArgumentHelp(
            "What becomes of an ordering key whose event died: skip, block or park.", valueName: "policy"),
        completion: .list(OrderingFailure.allCases.map(\.rawValue)))
    var orderingFailure: OrderingFailure?

    @Option(
        help: ArgumentHelp("Whether its lane closes while it fails: on or off.", valueName: "on|off"),
        completion: .list(Switch.allCases.map(\.rawValue)))
    var breaker: Switch?

    @Option(
        help: ArgumentHelp(
            "How long it may fail without a success before it is disabled, such as 5d; or never.",
            valueName: "duration"))
    var disableAfter: String?

    @Option(
        help: ArgumentHelp(
            "Send only events for whose payload this is true: '$.total > 100'; '' for all.", valueName: "path"))
    var filter: String?

    @Option(
        help: ArgumentHelp(
            "The SQL function, (event jsonb) RETURNS json or text, that makes the body; '' for none.",
            valueName: "schema.name"))
    var transform: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Of the events of an ordering key that no worker has claimed, send the newest only.")
    var coalesce: Bool?

    @Option(
        help: ArgumentHelp(
            "How its receiver is asked whether it agrees, before anything is sent: none, challenge or cloudevents.",
            valueName: "kind"),
        completion: .list(Verification.allCases.map(\.rawValue)))
    var verify: Verification?

    /// `on` or `off`.
    enum Switch: String, CaseIterable, ExpressibleByArgument {
        case on, off
    }

    @OptionGroup var sending: SendingOptions

    static let inFlightBounds = 0...100_000
    static let rateBounds: ClosedRange<Float> = 0.001...1_000_000

    /// Whether no option was given.
    var isEmpty: Bool {
        eventTypes.isEmpty && retrySchedule == nil && maxAttempts == nil && timeout == nil && maxInFlight == nil
            && rateLimit == nil && payloadFormat == nil && headers.isEmpty && sending.isEmpty
            && permanentStatus == nil && orderingFailure == nil && breaker == nil && disableAfter == nil
            && filter == nil
            && transform == nil
            && coalesce == nil
            && verify == nil
    }

    /// The settings but for credentials and certificates, each checked.
    ///
    /// - Parameters:
    ///   - url: nil when it stays the same.
    ///   - policy: of this installation.
    func settings(url: String?, policy: EndpointPolicy) throws -> EndpointSettings {
        var settings = EndpointSettings()
        settings.url = try url.map { try policy.endpointURL($0).absoluteString }
        if !eventTypes.isEmpty {
            _ = try Bounded.check(eventTypes.count, of: "the number of --event-type", in: 1...Limits.eventTypePatterns)
            var seen: Set<EventTypePattern> = []
            settings.eventTypes = try eventTypes.map { try EventTypePattern($0) }.filter { seen.insert($0).inserted }
                .map(\.description)
        }
        if let retrySchedule {
            settings.retrySchedule = try RetrySchedule(entries: retrySchedule).entries
        }
        if let maxAttempts {
            settings.maxAttempts = Int32(
                clamping: try Bounded.check(maxAttempts, of: "--max-attempts", in: 1...Limits.maxAttempts))
        }
        if let timeout {
            settings.timeout = try Bounded.check(timeout, of: "--timeout", in: Limits.timeout, DurationText.format)
        }
        if let maxInFlight {
            settings.maxInFlight = Int32(
                clamping: try Bounded.check(maxInFlight, of: "--max-in-flight", in: Self.inFlightBounds))
        }
        if let rateLimit {
            settings.rateLimit =
                rateLimit == 0 ? 0 : try Bounded.check(rateLimit, of: "--rate-limit", in: Self.rateBounds)
        }
        settings.payloadFormat = try payloadFormat.map { try PayloadFormat(word: $0).rawValue }
        if !headers.isEmpty {
            settings.headers = try HeaderFields(headers.map { try HeaderField($0) }).fields.map(\.line)
        }
        settings.permanentStatus = try permanentStatus.map { try StatusList(text: $0).entries }
        settings.orderingFailure = orderingFailure?.rawValue
        try sending.applyPlain(to: &settings)
        settings.breaker = breaker.map { $0 == .on }
        settings.disableAfter = try disableAfter.map(Self.disableAfter)
        // What they say the database judges: it reads paths, and it knows the functions.
        settings.filter = filter
        settings.transform = transform
        settings.coalesce = coalesce
        settings.verify = verify?.rawValue
        return settings
    }
}

extension EndpointOptions {
    /// As PostgreSQL reads it.
    private static func disableAfter(_ text: String) throws -> String {
        guard text != "never" else { return text }
        let duration = try Bounded.check(
            try Parsing.duration(text), of: "--disable-after", in: Limits.disableAfter, DurationText.format)
        let (days, rest) = duration.components.seconds.quotientAndRemainder(dividingBy: 86_400)
        return rest == 0 ? "\(days) days" : "\(duration.components.seconds) s"
    }
}

extension OrderingFailure: ExpressibleByArgument {}

extension Verification: ExpressibleByArgument {}

extension EndpointPolicy {
    /// The policy of this installation.
    init(_ configuration: WorkerConfiguration) {
        self.init(
            allowHTTP: configuration.allowHTTP, addresses: AddressPolicy(allowed: configuration.allowedNetworks))
    }
}
