/// What operators call an endpoint: unique within its tenant, used on the command line, in SQL, logs and metrics.
///
/// 1 to ``Limits/endpointNameScalars`` Unicode scalars, each of them visible or a plain space; no space at either end;
/// no hyphen in front, where a command line would take it for an option. Control characters, line breaks, other kinds
/// of spaces and invisible formatting (such as the marks that reverse the direction of text) are refused: two names that
/// look alike should be the same name.
package struct EndpointName: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) throws(InvalidText) {
        let scalars = text.unicodeScalars
        guard !scalars.isEmpty else { throw InvalidText(.endpointName, "the name of an endpoint is empty") }
        guard scalars.count <= Limits.endpointNameScalars else {
            throw InvalidText(
                .endpointName,
                "a name of \(scalars.count) characters is longer than the \(Limits.endpointNameScalars) allowed")
        }
        guard scalars.allSatisfy(Self.isVisibleOrSpace) else {
            throw InvalidText(.endpointName, "the name \(Excerpt(text)) holds an invisible character")
        }
        guard scalars.first != " ", scalars.last != " " else {
            throw InvalidText(.endpointName, "the name \(Excerpt(text)) begins or ends with a space")
        }
        guard scalars.first != "-" else {
            throw InvalidText(.endpointName, "the name \(Excerpt(text)) begins with a hyphen")
        }
        self.text = text
    }

    package var description: String { text }

    private static func isVisibleOrSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }
}
