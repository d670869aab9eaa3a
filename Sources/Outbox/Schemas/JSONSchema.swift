package import Formats

/// A JSON Schema of draft 2020-12, in the keywords that payloads of webhooks need: see ``SchemaKeyword``. A schema with any other one is
/// refused, so that none is passed over in silence.
package struct JSONSchema: Sendable {
    /// The most schemas within a schema.
    static let mostNodes = 2_000

    /// One schema within the whole: those it holds are named by their places.
    struct Node: Sendable {
        /// What a schema `true` or `false` says of everything.
        var verdict: Bool?
        var types: Set<String>?
        var allowed: [JSONValue]?
        var numbers = NumberRule()
        var lengths = CountRule()
        var pattern: String?
        var items = ArrayRule()
        var properties = ObjectRule()
        var all: [Int] = []
        var any: [Int]?
        var one: [Int]?
        var not: Int?
        var condition: (test: Int, then: Int?, otherwise: Int?)?
        var reference: Int?
    }

    struct NumberRule: Sendable {
        var minimum: JSONNumber?
        var maximum: JSONNumber?
        var above: JSONNumber?
        var below: JSONNumber?
        var divisor: JSONNumber?
    }

    struct CountRule: Sendable {
        var least: Int?
        var most: Int?
    }

    struct ArrayRule: Sendable {
        var count = CountRule()
        var prefix: [Int] = []
        var rest: Int?
        var isUnique = false
        var contains: Int?
        var contained = CountRule()
    }

    struct ObjectRule: Sendable {
        var count = CountRule()
        var required: [String] = []
        var named: [(name: String, node: Int)] = []
        var patterned: [(pattern: String, node: Int)] = []
        var additional: Int?
        var names: Int?
        var needed: [(name: String, others: [String])] = []
        var dependent: [(name: String, node: Int)] = []
    }

    let nodes: [Node]

    /// - Throws: with the place and the rule, when it is no such schema.
    package init(_ document: JSONValue) throws(SchemaError) {
        var reader = SchemaReader(document)
        nodes = try reader.read()
    }

    /// - Parameter text: a JSON text.
    package init(parsing text: [UInt8]) throws(SchemaError) {
        do { try self.init(JSONParser.parse(text)) } catch let error as JSONError {
            throw SchemaError("the schema: \(error)")
        } catch let error as SchemaError {
            throw error
        } catch {
            throw SchemaError("the schema cannot be read")
        }
    }
}

/// Why a document is no schema that is understood here.
package struct SchemaError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// The keywords of draft 2020-12 that are understood.
enum SchemaKeyword: String, CaseIterable {
    case type, `enum`, const
    case minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf
    case minLength, maxLength, pattern
    case items, prefixItems, minItems, maxItems, uniqueItems, contains, minContains, maxContains
    case properties, patternProperties, additionalProperties, required, propertyNames, minProperties, maxProperties
    case dependentRequired, dependentSchemas
    case allOf, anyOf, oneOf, not
    case `if`, then, `else`
    case reference = "$ref"
    case definitions = "$defs"

    /// Those that only tell people something. `format` is one of them in this draft.
    static let remarks: Set<String> = [
        "$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly",
        "writeOnly",
        "format", "contentEncoding", "contentMediaType",
    ]
}
