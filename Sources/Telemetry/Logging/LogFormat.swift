/// How log lines are written to standard error.
package enum LogFormat: String, CaseIterable, Sendable {
    /// One line for people: `time level message key=value`.
    case text
    /// One JSON object a line, for machines.
    case json
}
