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
    /// How its words become the value of the option.
    let read: FieldWords
    /// As a file has it, the default where it is not set.
    let words: @Sendable (EndpointSettings) -> [String]

    private init(
        _ key: String, _ form: Form, option: String?, _ read: FieldWords,
        words: @escaping @Sendable (EndpointSettings) -> [String]
    ) {
        self.key = key
        self.form = form
        self.option = option
        self.read = read
        self.words = words
    }

    /// All of them, in the order in which they are exported. A new option of ``EndpointOptions`` is one more line here.
    static let all: [EndpointField] = [
        EndpointField("url", .word, option: nil, .none) { [normal($0.url ?? "")] },
        EndpointField("event_types", .list, option: "--event-type", .list(\.eventTypes)) {
            ($0.eventTypes ?? ["*"]).sorted()
        },
        EndpointField("retry_schedule", .word, option: "--retry-schedule", .word(\.retrySchedule, Parsing.durations)) {
            [waits($0).map(DurationText.format).joined(separator: ",")]
        },
        EndpointField("max_attempts", .number, option: "--max-attempts", .word(\.maxAttempts) { Int($0) }) {
            [$0.maxAttempts.map { "\($0)" } ?? "\(waits($0).count + 1)"]
        },
        EndpointField("timeout", .word, option: "--timeout", .word(\.timeout, Parsing.duration)) {
            [DurationText.format($0.timeout ?? .seconds(15))]
        },
        EndpointField("max_in_flight", .number, option: "--max-in-flight", .word(\.maxInFlight) { Int($0) }) {
            ["\($0.maxInFlight ?? 0)"]
        },
        EndpointField("rate_limit", .number, option: "--rate-limit", .word(\.rateLimit) { Float($0) }) {
            [number($0.rateLimit ?? 0)]
        },
        EndpointField("payload_format", .word, option: "--payload-format", .text(\.payloadFormat)) {
            [$0.payloadFormat ?? PayloadFormat.envelope.rawValue]
        },
        EndpointField("signature", .list, option: "--signature", .list(\.sending.signatures)) {
            $0.signature ?? [SignatureScheme.v1.description]
        },
        EndpointField("method", .word, option: "--method", .text(\.sending.method)) {
            [$0.method ?? RequestMethod.post.rawValue]
        },
        EndpointField("text", .word, option: "--text", .text(\.sending.text)) { [$0.text ?? ""] },
        EndpointField("headers", .headers, option: "--header", .list(\.headers)) { $0.headers ?? [] },
        EndpointField("permanent_status", .word, option: "--permanent-status", .text(\.permanentStatus)) {
            [$0.permanentStatus.map { $0.isEmpty ? "none" : $0.joined(separator: ",") } ?? "none"]
        },
        EndpointField(
            "ordering_failure", .word, option: "--ordering-failure",
            .word(\.orderingFailure) { OrderingFailure(rawValue: $0) }
        ) {
            [$0.orderingFailure ?? OrderingFailure.skip.rawValue]
        },
        EndpointField("breaker", .word, option: "--breaker", .word(\.breaker) { EndpointOptions.Switch(rawValue: $0) })
        { [$0.breaker ?? true ? "on" : "off"] },
        EndpointField("disable_after", .word, option: "--disable-after", .text(\.disableAfter)) {
            [disabledAfter($0.disableAfter ?? "5 days")]
        },
        EndpointField("filter", .word, option: "--filter", .text(\.filter)) { [$0.filter ?? ""] },
        EndpointField("transform", .word, option: "--transform", .text(\.transform)) { [$0.transform ?? ""] },
        EndpointField("coalesce", .flag, option: "--coalesce", .word(\.coalesce) { Bool($0) }) {
            [$0.coalesce ?? false ? "true" : "false"]
        },
        EndpointField("verify", .word, option: "--verify", .word(\.verify) { Verification(rawValue: $0) }) {
            [$0.verify ?? Verification.none.rawValue]
        },
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
        let options = try parsed(written)
        let url = written.first { $0.field.option == nil }?.words.first
        return try options.settings(url: url, policy: policy)
    }

    private static let unset = try? EndpointOptions.parse([])

    /// The parser of command lines takes longer for an endpoint than the database does, so each field reads its words itself. What it cannot
    /// read goes to that parser, which has the message.
    private static func parsed(_ written: [(field: EndpointField, words: [String])]) throws -> EndpointOptions {
        if var options = unset, written.allSatisfy({ $0.field.read.write($0.words, &options) }) { return options }
        return try EndpointOptions.parse(written.flatMap { $0.field.options($0.words) })
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
