import Formats

/// Reads a schema into places of a list. A part that a `$ref` means is read once, also when it means itself.
struct SchemaReader {
    private let document: JSONValue
    private var nodes: [JSONSchema.Node] = []
    /// Where the part at a JSON pointer is in the list.
    private var places: [String: Int] = [:]

    init(_ document: JSONValue) { self.document = document }

    mutating func read() throws(SchemaError) -> [JSONSchema.Node] {
        if let dialect = document["$schema"] {
            let known = [
                "https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2020-12/schema#",
            ]
            guard case .string(let text) = dialect, known.contains(text) else {
                throw SchemaError("the schema: $schema must be https://json-schema.org/draft/2020-12/schema")
            }
        }
        _ = try node(document, at: "")
        return nodes
    }

    private mutating func node(_ value: JSONValue, at pointer: String) throws(SchemaError) -> Int {
        if let known = places[pointer] { return known }
        guard nodes.count < JSONSchema.mostNodes else {
            throw SchemaError("the schema has more than \(JSONSchema.mostNodes) parts")
        }
        let place = nodes.count
        places[pointer] = place
        nodes.append(JSONSchema.Node())
        var node = JSONSchema.Node()
        switch value {
        case .bool(let verdict): node.verdict = verdict
        case .object(let members):
            for member in members {
                if let keyword = SchemaKeyword(rawValue: member.name) {
                    let inner = "\(pointer)/\(Self.escaped(member.name))"
                    try read(keyword, member.value, of: value, at: inner, into: &node)
                } else if !SchemaKeyword.remarks.contains(member.name) {
                    throw SchemaError(
                        "the schema: '\(member.name.prefix(100))' at \(Self.shown(pointer)) is not supported; "
                            + "these keywords are: \(SchemaKeyword.allCases.map(\.rawValue).sorted().joined(separator: ", "))"
                    )
                }
            }
        default: throw SchemaError("the schema: \(Self.shown(pointer)) must be an object, true or false")
        }
        nodes[place] = node
        return place
    }

    private static func shown(_ pointer: String) -> String { pointer.isEmpty ? "its top" : pointer }

    private static func escaped(_ name: String) -> String {
        name.replacing("~", with: "~0").replacing("/", with: "~1")
    }

    private mutating func read(
        _ keyword: SchemaKeyword, _ value: JSONValue, of parent: JSONValue, at pointer: String,
        into node: inout JSONSchema.Node
    ) throws(SchemaError) {
        switch keyword {
        case .type: node.types = try types(value, pointer)
        case .enum: node.allowed = try array(value, pointer)
        case .const: node.allowed = [value]
        case .minimum: node.numbers.minimum = try number(value, pointer)
        case .maximum: node.numbers.maximum = try number(value, pointer)
        case .exclusiveMinimum: node.numbers.above = try number(value, pointer)
        case .exclusiveMaximum: node.numbers.below = try number(value, pointer)
        case .multipleOf:
            let divisor = try number(value, pointer)
            guard divisor.isDivisor else { throw fault(pointer, "must be a number above 0 of at most 36 digits") }
            node.numbers.divisor = divisor
        case .minLength: node.lengths.least = try count(value, pointer)
        case .maxLength: node.lengths.most = try count(value, pointer)
        case .pattern: node.pattern = try pattern(value, pointer)
        case .allOf: node.all = try list(value, pointer)
        case .anyOf: node.any = try list(value, pointer)
        case .oneOf: node.one = try list(value, pointer)
        case .not: node.not = try self.node(value, at: pointer)
        case .if:
            let base = String(pointer.dropLast("if".count))
            node.condition = (
                try self.node(value, at: pointer), try inner(parent["then"], base + "then"),
                try inner(parent["else"], base + "else")
            )
        case .then, .else: _ = try self.node(value, at: pointer)
        case .reference: node.reference = try reference(value, pointer)
        case .definitions: _ = try members(value, pointer)
        case .items, .prefixItems, .minItems, .maxItems, .uniqueItems, .contains, .minContains, .maxContains:
            try readArray(keyword, value, pointer, &node.items)
        case .properties, .patternProperties, .additionalProperties, .required, .propertyNames, .minProperties,
            .maxProperties, .dependentRequired, .dependentSchemas:
            try readObject(keyword, value, pointer, &node.properties)
        }
    }

    private mutating func readArray(
        _ keyword: SchemaKeyword, _ value: JSONValue, _ pointer: String, _ rule: inout JSONSchema.ArrayRule
    ) throws(SchemaError) {
        switch keyword {
        case .items: rule.rest = try node(value, at: pointer)
        case .prefixItems: rule.prefix = try list(value, pointer)
        case .minItems: rule.count.least = try count(value, pointer)
        case .maxItems: rule.count.most = try count(value, pointer)
        case .uniqueItems:
            guard case .bool(let isUnique) = value else { throw fault(pointer, "must be true or false") }
            rule.isUnique = isUnique
        case .contains: rule.contains = try node(value, at: pointer)
        case .minContains: rule.contained.least = try count(value, pointer)
        case .maxContains: rule.contained.most = try count(value, pointer)
        default: break
        }
    }

    private mutating func readObject(
        _ keyword: SchemaKeyword, _ value: JSONValue, _ pointer: String, _ rule: inout JSONSchema.ObjectRule
    ) throws(SchemaError) {
        switch keyword {
        case .properties: rule.named = try members(value, pointer)
        case .patternProperties:
            rule.patterned = try members(value, pointer).map { (pattern: $0.name, node: $0.node) }
            for entry in rule.patterned { _ = try pattern(.string(entry.pattern), pointer) }
        case .additionalProperties: rule.additional = try node(value, at: pointer)
        case .required: rule.required = try texts(value, pointer)
        case .propertyNames: rule.names = try node(value, at: pointer)
        case .minProperties: rule.count.least = try count(value, pointer)
        case .maxProperties: rule.count.most = try count(value, pointer)
        case .dependentRequired:
            guard case .object(let members) = value else { throw fault(pointer, "must be an object") }
            for member in members { rule.needed.append((member.name, try texts(member.value, pointer))) }
        case .dependentSchemas: rule.dependent = try members(value, pointer)
        default: break
        }
    }

    private func fault(_ pointer: String, _ rule: String) -> SchemaError {
        SchemaError("the schema: \(pointer.prefix(200)) \(rule)")
    }

    private mutating func inner(_ value: JSONValue?, _ pointer: String) throws(SchemaError) -> Int? {
        guard let value else { return nil }
        return try node(value, at: pointer)
    }

    private func array(_ value: JSONValue, _ pointer: String) throws(SchemaError) -> [JSONValue] {
        guard case .array(let values) = value else { throw fault(pointer, "must be an array") }
        return values
    }

    private mutating func list(_ value: JSONValue, _ pointer: String) throws(SchemaError) -> [Int] {
        let values = try array(value, pointer)
        guard !values.isEmpty else { throw fault(pointer, "must not be empty") }
        var list: [Int] = []
        for (index, value) in values.enumerated() { list.append(try node(value, at: "\(pointer)/\(index)")) }
        return list
    }

    private mutating func members(
        _ value: JSONValue, _ pointer: String
    ) throws(SchemaError) -> [(name: String, node: Int)] {
        guard case .object(let members) = value else { throw fault(pointer, "must be an object") }
        var list: [(name: String, node: Int)] = []
        for member in members {
            list.append((member.name, try node(member.value, at: "\(pointer)/\(Self.escaped(member.name))")))
        }
        return list
    }

    private func texts(_ value: JSONValue, _ pointer: String) throws(SchemaError) -> [String] {
        var texts: [String] = []
        for value in try array(value, pointer) {
            guard case .string(let text) = value else { throw fault(pointer, "must hold texts") }
            texts.append(text)
        }
        return texts
    }

    private func types(_ value: JSONValue, _ pointer: String) throws(SchemaError) -> Set<String> {
        let known: Set<String> = ["null", "boolean", "number", "integer", "string", "array", "object"]
        var types: [String] = []
        if case .string(let text) = value { types = [text] } else { types = try texts(value, pointer) }
        guard !types.isEmpty, known.isSuperset(of: types) else {
            throw fault(pointer, "must be one or more of \(known.sorted().joined(separator: ", "))")
        }
        return Set(types)
    }

    private func number(_ value: JSONValue, _ pointer: String) throws(SchemaError) -> JSONNumber {
        guard case .number(let number) = value else { throw fault(pointer, "must be a number") }
        return number
    }

    private func count(_ value: JSONValue, _ pointer: String) throws(SchemaError) -> Int {
        guard case .number(let number) = value, let count = number.count else {
            throw fault(pointer, "must be an integer from 0 up")
        }
        return count
    }

    private func pattern(_ value: JSONValue, _ pointer: String) throws(SchemaError) -> String {
        guard case .string(let text) = value else { throw fault(pointer, "must be a text") }
        guard SchemaPattern(text) != nil else { throw fault(pointer, "must be a regular expression") }
        return text
    }

    /// Only within the document: nothing is ever fetched.
    private mutating func reference(_ value: JSONValue, _ pointer: String) throws(SchemaError) -> Int {
        guard case .string(let text) = value, text == "#" || text.hasPrefix("#/") else {
            throw fault(pointer, "must mean a part of this schema, such as #/$defs/name")
        }
        let path = String(text.dropFirst())
        var part = document
        for step in path.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let name = Self.decoded(String(step)).replacing("~1", with: "/").replacing("~0", with: "~")
            if case .array(let values) = part, let index = Int(name), values.indices.contains(index) {
                part = values[index]
            } else if let inner = part[name] {
                part = inner
            } else {
                throw fault(pointer, "means \(text.prefix(200)), which is not there")
            }
        }
        return try node(part, at: Self.normalized(path))
    }

    /// A pointer as this reader writes it, so that the same part has one place.
    private static func normalized(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false)
            .map { escaped(decoded(String($0)).replacing("~1", with: "/").replacing("~0", with: "~")) }
            .joined(separator: "/")
    }

    /// With `%41` read as `A`: a pointer stands in a URI there.
    private static func decoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
