import ArgumentParser
import Outbox
import OutboxStore
import Settings
import Telemetry
import Webhooks

/// A setting of an endpoint in a file.
///
/// Its rules are those of the option of `endpoint add` that has its name; here stand its default, and how it is written.
struct EndpointField: Sendable {
    enum Form {
        case word, number
        /// `true` or `false`; the option stands alone, or with `no-` before its name.
        case flag
        /// Several words; the option is repeated.
        case list
        /// `Name: value` lines, which a file has as a map. They may hold credentials: they are not exported, and what a file does not
        /// mention stays.
        case headers
    }

    let key: String
    let form: Form
    /// Nil for the URL, which is an argument.
    private let option: String?
    /// As a file has it, the default where it is not set.
    let words: @Sendable (EndpointSettings) -> [String]

    private init(
        _ key: String, _ form: Form, option: String?, words: @escaping @Sendable (EndpointSettings) -> [String]
    ) {
        self.key = key
        self.form = form
        self.option = option
        self.words = words
    }

    /// All of them, in the order in which they are exported. A new option of ``EndpointOptions`` is one more line here.
    static let all: [EndpointField] = [
        EndpointField("url", .word, option: nil) { [normal($0.url ?? "")] },
        EndpointField("event_types", .list, option: "--event-type") { ($0.eventTypes ?? ["*"]).sorted() },
        EndpointField("retry_schedule", .word, option: "--retry-schedule") {
            [waits($0).map(DurationText.format).joined(separator: ",")]
        },
        EndpointField("max_attempts", .number, option: "--max-attempts") {
            [$0.maxAttempts.map { "\($0)" } ?? "\(waits($0).count + 1)"]
        },
        EndpointField("timeout", .word, option: "--timeout") { [DurationText.format($0.timeout ?? .seconds(15))] },
        EndpointField("max_in_flight", .number, option: "--max-in-flight") { ["\($0.maxInFlight ?? 0)"] },
        EndpointField("rate_limit", .number, option: "--rate-limit") { [number($0.rateLimit ?? 0)] },
        EndpointField("payload_format", .word, option: "--payload-format") {
            [$0.payloadFormat ?? PayloadFormat.envelope.rawValue]
        },
        EndpointField("signature", .list, option: "--signature") { $0.signature ?? [SignatureScheme.v1.description] },
        EndpointField("method", .word, option: "--method") { [$0.method ?? RequestMethod.post.rawValue] },
        EndpointField("text", .word, option: "--text") { [$0.text ?? ""] },
        EndpointField("headers", .headers, option: "--header") { $0.headers ?? [] },
        EndpointField("permanent_status", .word, option: "--permanent-status") {
            [$0.permanentStatus.map { $0.isEmpty ? "none" : $0.joined(separator: ",") } ?? "none"]
        },
        EndpointField("ordering_failure", .word, option: "--ordering-failure") {
            [$0.orderingFailure ?? OrderingFailure.skip.rawValue]
        },
        EndpointField("breaker", .word, option: "--breaker") { [$0.breaker ?? true ? "on" : "off"] },
        EndpointField("disable_after", .word, option: "--disable-after") {
            [disabledAfter($0.disableAfter ?? "5 days")]
        },
        EndpointField("filter", .word, option: "--filter") { [$0.filter ?? ""] },
        EndpointField("transform", .word, option: "--transform") { [$0.transform ?? ""] },
        EndpointField("coalesce", .flag, option: "--coalesce") { [$0.coalesce ?? false ? "true" : "false"] },
        EndpointField("verify", .word, option: "--verify") { [$0.verify ?? Verification.none.rawValue] },
    ]

    /// The keys of an endpoint in a file that are no settings.
    static let otherKeys = ["name", "tenant", "secret"]

    /// Whether a file always has it: a URL has no default, and what an endpoint gets should be read at a glance.
    var isAlwaysWritten: Bool { key == "url" || key == "event_types" }

    /// What it is where a file does not mention it. The attempts depend on the schedule.
    func defaultWords(beside settings: EndpointSettings) -> [String] {
        var nothing = EndpointSettings()
        nothing.retrySchedule = key == "max_attempts" ? settings.retrySchedule : nil
        return words(nothing)
    }

    /// The words as options of `endpoint add`.
    func options(_ words: [String]) -> [String] {
        guard let option else { return [] }
        return words.map { word in
            switch (form, word) {
            case (.flag, "true"): option
            case (.flag, "false"): "--no-\(option.dropFirst(2))"
            default: "\(option)=\(word)"
            }
        }
    }

    /// Settings that are so written, each checked.
    ///
    /// - Parameter written: the words of each field that is set.
    static func settings(
        _ written: [(field: EndpointField, words: [String])], policy: EndpointPolicy
    ) throws -> EndpointSettings {
        let options = try EndpointOptions.parse(written.flatMap { $0.field.options($0.words) })
        let url = written.first { $0.field.option == nil }?.words.first
        return try options.settings(url: url, policy: policy)
    }

    /// What is wrong, in one line.
    static func rule(_ error: any Error) -> String {
        switch error {
        case is CommandError, is InvalidText, is EndpointURLError, is EndpointRefusal, is HeaderFieldError: "\(error)"
        default: EndpointOptions.message(for: error)
        }
    }

    /// As commands store it: with SQL it may be written otherwise.
    private static func normal(_ url: String) -> String {
        (try? EndpointURL(url).absoluteString) ?? url
    }

    private static func waits(_ settings: EndpointSettings) -> [Duration] {
        settings.retrySchedule ?? RetrySchedule.standard.entries
    }

    /// What PostgreSQL reads, as the option has it: `never`, or a number of days or seconds.
    private static func disabledAfter(_ text: String) -> String {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let count = Int32(parts[0]) else { return text }
        return DurationText.format(.seconds(Int64(count) * (parts[1] == "days" ? 86_400 : 1)))
    }

    /// Without a fraction where there is none.
    private static func number(_ value: Float) -> String {
        Int(exactly: value).map { "\($0)" } ?? "\(value)"
    }
}
