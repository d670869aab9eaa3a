import Telemetry

/// What is wrong with a file of endpoints, and where.
struct FileFault: Error, Equatable {
    /// From 1; nil when it is about the whole file.
    var line: Int?
    /// The key that it is about; nil when it is about none.
    var key: String?
    /// One line for a person. It quotes no value: a value may be a secret that stands in the wrong place.
    let rule: String

    init(_ rule: String, line: Int? = nil, key: String? = nil) {
        self.rule = rule
        self.line = line
        self.key = key
    }

    /// As a compiler would say it: `endpoints.yaml:7: timeout: …`.
    func error(in file: String) -> CommandError {
        let place = [file, line.map { "\($0)" }].compactMap { $0 }.joined(separator: ":")
        return CommandError(.badData, [place, key, rule].compactMap { $0 }.joined(separator: ": "))
    }
}
