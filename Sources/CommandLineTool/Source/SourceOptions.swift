import ArgumentParser
import Outbox
import OutboxStore
import Settings

/// The options that `source add` and `source update` share. What paths, networks and the prefix may be is for the database to say.
struct SourceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Where the event type stands: $.a.b in the JSON body, or header:Name.", valueName: "path"))
    var eventTypeFrom: String?

    @Option(help: ArgumentHelp("Where the id stands that repeats are known by.", valueName: "path"))
    var idFrom: String?

    @Option(
        help: ArgumentHelp(
            "Where the correlation stands: rows with the same one are processed one after the other.",
            valueName: "path"))
    var correlationFrom: String?

    @Option(
        name: .customLong("allow-network"),
        help: ArgumentHelp(
            "A network that may send, such as 192.0.2.0/24; repeat the option for more.", valueName: "cidr"))
    var allowNetworks: [String] = []

    @Option(
        name: .customLong("trust-proxy"),
        help: ArgumentHelp(
            "A network of proxies that say who sent; repeat the option for more.", valueName: "cidr"))
    var trustProxies: [String] = []

    @Option(help: ArgumentHelp("The largest body, up to 16MiB; by default 1MiB.", valueName: "size"))
    var maxBody: String?

    @Option(help: ArgumentHelp("Requests a second; 0 for no limit.", valueName: "n"))
    var rateLimit: Double?

    @Option(
        help: ArgumentHelp("How far a request's timestamp may be from now; by default 5m.", valueName: "duration"),
        transform: Parsing.duration)
    var tolerance: Duration?

    @Option(
        help: ArgumentHelp(
            "Make each row an event of the type PREFIX.<event type>, for your endpoints.", valueName: "prefix"))
    var publishAs: String?

    @Option(
        help: ArgumentHelp("Waits after failures of a consumer, such as 5s,5m,30m.", valueName: "waits"),
        transform: Parsing.durations)
    var retrySchedule: [Duration]?

    /// Whether no option was given.
    var isEmpty: Bool {
        eventTypeFrom == nil && idFrom == nil && correlationFrom == nil && allowNetworks.isEmpty && trustProxies.isEmpty
            && maxBody == nil && rateLimit == nil && tolerance == nil && publishAs == nil && retrySchedule == nil
    }

    func settings() throws -> SourceSettings {
        var settings = SourceSettings()
        settings.eventTypeFrom = eventTypeFrom
        settings.idFrom = idFrom
        settings.correlationFrom = correlationFrom
        if !allowNetworks.isEmpty { settings.allowNetworks = try allowNetworks.map { try Network($0).description } }
        if !trustProxies.isEmpty { settings.trustProxies = try trustProxies.map { try Network($0).description } }
        if let maxBody {
            guard let size = ByteSize.parse(maxBody) else {
                throw CommandError(.badData, "--max-body must be a size such as 512KiB or 1MiB")
            }
            settings.maxBody = Int64(size)
        }
        settings.rateLimit = rateLimit
        settings.tolerance = tolerance
        settings.publishAs = publishAs
        settings.retrySchedule = try retrySchedule.map { try RetrySchedule(entries: $0).entries }
        return settings
    }
}
