import Telemetry

/// Why the configuration cannot be used. The process ends with exit code 78 (`EX_CONFIG`).
///
/// No value is ever repeated, only its key, the rule and the place: a password pasted into the wrong variable must not
/// reach a log.
package struct ConfigurationError: Error, Sendable {
    package enum Code: Sendable {
        /// A `POSTRIDER_*` name that is no setting.
        case unknownKey
        /// A setting whose value breaks its rule.
        case invalidValue
        /// A line of the configuration file cannot be understood.
        case malformedFile
        /// A file that is missing, too large, not a file, or not readable for this user.
        case unreadableFile
        /// An address that cannot be listened on.
        case unusableAddress
        /// A secret key file whose content or permissions break a rule.
        case unusableKeyFile
    }

    package let code: Code
    /// The setting concerned, as it was written; nil when no single setting is to blame.
    package let key: String?
    /// Where it was set: `the environment`, or a file and a line.
    package let source: String?
    /// The rule that is broken, without the value.
    package let rule: String

    package init(_ code: Code, key: String? = nil, source: String? = nil, rule: String) {
        self.code = code
        self.key = key
        self.source = source
        self.rule = rule
    }
}

extension ConfigurationError: CustomStringConvertible {
    /// One line that names the key, the rule and the place, safe to show.
    package var description: String {
        var line = [key, rule].compactMap(\.self).joined(separator: " ")
        if let source {
            line += " (set in \(source))"
        }
        return PrintableText(line, limit: 1000).description
    }
}
