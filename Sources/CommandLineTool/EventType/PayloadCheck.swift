import Formats
import Outbox

/// Holds a payload against the schema of its type.
enum PayloadCheck {
    /// The most faults that a message tells.
    private static let mostTold = 5

    /// - Parameters:
    ///   - schema: nil checks only that it is JSON.
    ///   - what: the payload in a sentence.
    static func run(_ payload: [UInt8], against schema: JSONSchema?, what: String) throws(SchemaError) {
        let value: JSONValue
        do { value = try JSONParser.parse(payload) } catch { throw SchemaError("\(what): \(error)") }
        guard let faults = schema?.check(value), !faults.isEmpty else { return }
        let told = faults.prefix(mostTold).map(\.description).joined(separator: "; ")
        let more = faults.count > mostTold ? "; and more" : ""
        throw SchemaError("\(what) does not fit the schema: \(told)\(more)")
    }
}
