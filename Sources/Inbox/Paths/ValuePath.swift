import Outbox

/// Where in a request a value stands: `$.data.id` and `$.items[0].id` in its JSON body, or `header:X-Event-Key`.
package enum ValuePath: Hashable, Sendable, CustomStringConvertible {
    /// A step into a JSON value.
    package enum Step: Hashable, Sendable {
        case member(String)
        case element(Int)
    }

    case body([Step])
    /// A header's name, as it was written.
    case header(String)

    /// The longest text of a path, in bytes.
    package static let mostBytes = 256
    /// The most steps into a body.
    package static let mostSteps = 16
    private static let mostDigits = 4
    private static let headerPrefix = "header:"

    /// Nil when the text is no path: names in a body are of letters, digits, `_` and `-`.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.mostBytes else { return nil }
        if bytes.starts(with: Self.headerPrefix.utf8) {
            let name = bytes.dropFirst(Self.headerPrefix.utf8.count)
            guard (1...Limits.headerNameBytes).contains(name.count), name.allSatisfy(\.isTokenCharacter) else {
                return nil
            }
            self = .header(String(decoding: name, as: UTF8.self))
        } else {
            guard bytes.first == UInt8(ascii: "$"), let steps = Self.steps(bytes.dropFirst()) else { return nil }
            self = .body(steps)
        }
    }

    package var description: String {
        switch self {
        case .header(let name): Self.headerPrefix + name
        case .body(let steps):
            "$"
                + steps.map { step in
                    switch step {
                    case .member(let name): ".\(name)"
                    case .element(let place): "[\(place)]"
                    }
                }.joined()
        }
    }

    private static func steps(_ text: ArraySlice<UInt8>) -> [Step]? {
        var steps: [Step] = []
        var rest = text
        while let first = rest.popFirst() {
            switch first {
            case UInt8(ascii: "."):
                let name = rest.prefix(while: isNameCharacter)
                guard !name.isEmpty else { return nil }
                steps.append(.member(String(decoding: name, as: UTF8.self)))
                rest = rest.dropFirst(name.count)
            case UInt8(ascii: "["):
                let digits = rest.prefix { $0 != UInt8(ascii: "]") }
                rest = rest.dropFirst(digits.count)
                guard rest.popFirst() != nil, digits.count == 1 || digits.first != UInt8(ascii: "0"),
                    let place = DecimalNumber.parse(digits, maximumDigits: mostDigits)
                else { return nil }
                steps.append(.element(Int(place)))
            default: return nil
            }
        }
        return (1...mostSteps).contains(steps.count) ? steps : nil
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
