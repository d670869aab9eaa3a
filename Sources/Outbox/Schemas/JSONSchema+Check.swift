package import Formats

extension JSONSchema {
    /// What is wrong with a payload: a place, and the rule. Never what stands there, which may be a secret.
    package struct Fault: Hashable, Sendable, CustomStringConvertible {
        /// `$`, `$.order.lines[2]`.
        package let path: String
        package let rule: String
        package var description: String { "\(path) \(rule)" }
    }

    /// The most faults that are told.
    package static let mostFaults = 20

    /// What is wrong with a value; empty when nothing is.
    package func check(_ value: JSONValue) -> [Fault] {
        var check = SchemaCheck(nodes: nodes)
        check.run(0, value, "$", depth: 0)
        return check.faults
    }
}

/// Compares a value with a schema.
private struct SchemaCheck {
    /// A schema may mean itself: deeper than this it does so without end.
    private static let mostDepth = 200

    let nodes: [JSONSchema.Node]
    var faults: [JSONSchema.Fault] = []

    private mutating func add(_ path: String, _ rule: String) {
        guard faults.count < JSONSchema.mostFaults else { return }
        faults.append(JSONSchema.Fault(path: path, rule: rule))
    }

    private func fits(_ place: Int, _ value: JSONValue, _ path: String, _ depth: Int) -> Bool {
        var inner = SchemaCheck(nodes: nodes)
        inner.run(place, value, path, depth: depth)
        return inner.faults.isEmpty
    }

    mutating func run(_ place: Int, _ value: JSONValue, _ path: String, depth: Int) {
        guard faults.count < JSONSchema.mostFaults else { return }
        guard depth < Self.mostDepth else {
            return add(path, "is nested too deeply, or the schema means itself without end")
        }
        let node = nodes[place]
        if node.verdict == false { return add(path, "must not be there") }
        if let types = node.types, !types.contains(where: { value.isOf($0) }) {
            return add(path, "must be of type \(types.sorted().joined(separator: " or "))")
        }
        if let allowed = node.allowed, !allowed.contains(value) {
            add(path, "must be one of the values that are allowed")
        }
        switch value {
        case .number(let number): run(node.numbers, number, path)
        case .string(let text): run(node, text, path)
        case .array(let values): run(node.items, values, path, depth)
        case .object(let members): run(node.properties, members, value, path, depth)
        case .null, .bool: break
        }
        runCombined(node, value, path, depth)
    }

    private mutating func runCombined(_ node: JSONSchema.Node, _ value: JSONValue, _ path: String, _ depth: Int) {
        if let reference = node.reference { run(reference, value, path, depth: depth + 1) }
        for place in node.all { run(place, value, path, depth: depth + 1) }
        if let any = node.any, !any.contains(where: { fits($0, value, path, depth + 1) }) {
            add(path, "must fit one of the schemas in anyOf")
        }
        if let one = node.one {
            let count = one.count { fits($0, value, path, depth + 1) }
            if count != 1 { add(path, "must fit exactly one of the schemas in oneOf, and fits \(count)") }
        }
        if let not = node.not, fits(not, value, path, depth + 1) { add(path, "must not fit the schema in not") }
        if let condition = node.condition {
            let branch = fits(condition.test, value, path, depth + 1) ? condition.then : condition.otherwise
            if let branch { run(branch, value, path, depth: depth + 1) }
        }
    }

    private mutating func run(_ rule: JSONSchema.NumberRule, _ number: JSONNumber, _ path: String) {
        if let minimum = rule.minimum, number < minimum { add(path, "must not be below its minimum") }
        if let maximum = rule.maximum, number > maximum { add(path, "must not be above its maximum") }
        if let above = rule.above, number <= above { add(path, "must be above its exclusiveMinimum") }
        if let below = rule.below, number >= below { add(path, "must be below its exclusiveMaximum") }
        if let divisor = rule.divisor, !number.isMultiple(of: divisor) {
            add(path, "must be a multiple of its multipleOf")
        }
    }

    private mutating func run(_ rule: JSONSchema.CountRule, _ count: Int, _ path: String, _ things: String) {
        if let least = rule.least, count < least { add(path, "must have at least \(least) \(things)") }
        if let most = rule.most, count > most { add(path, "must have at most \(most) \(things)") }
    }

    private mutating func run(_ node: JSONSchema.Node, _ text: String, _ path: String) {
        run(node.lengths, text.unicodeScalars.count, path, "characters")
        if let pattern = node.pattern, SchemaPattern(pattern)?.matches(text) != true {
            add(path, "must match its pattern")
        }
    }

    private mutating func run(_ rule: JSONSchema.ArrayRule, _ values: [JSONValue], _ path: String, _ depth: Int) {
        run(rule.count, values.count, path, "items")
        for (index, value) in values.enumerated() {
            let place = index < rule.prefix.count ? rule.prefix[index] : rule.rest
            if let place { run(place, value, "\(path)[\(index)]", depth: depth + 1) }
        }
        if rule.isUnique, values.indices.contains(where: { values[..<$0].contains(values[$0]) }) {
            add(path, "must not hold a value twice")
        }
        if let contains = rule.contains {
            let count = values.count { fits(contains, $0, path, depth + 1) }
            if count < rule.contained.least ?? 1 {
                add(path, "must contain at least \(rule.contained.least ?? 1) that fit contains")
            }
            if let most = rule.contained.most, count > most {
                add(path, "must contain at most \(most) that fit contains")
            }
        }
    }

    private mutating func run(
        _ rule: JSONSchema.ObjectRule, _ members: [JSONMember], _ value: JSONValue, _ path: String, _ depth: Int
    ) {
        run(rule.count, members.count, path, "properties")
        for name in rule.required where value[name] == nil { add(path, "must have '\(name.prefix(100))'") }
        for (name, others) in rule.needed where value[name] != nil {
            for other in others where value[other] == nil {
                add(path, "must have '\(other.prefix(100))', since it has '\(name.prefix(100))'")
            }
        }
        for (name, place) in rule.dependent where value[name] != nil { run(place, value, path, depth: depth + 1) }
        let patterns = rule.patterned.map { (pattern: SchemaPattern($0.pattern), node: $0.node) }
        for member in members {
            let inner = "\(path).\(member.name.prefix(100))"
            var isKnown = false
            for entry in rule.named where member.has(entry.name) {
                isKnown = true
                run(entry.node, member.value, inner, depth: depth + 1)
            }
            for entry in patterns where entry.pattern?.matches(member.name) == true {
                isKnown = true
                run(entry.node, member.value, inner, depth: depth + 1)
            }
            if !isKnown, let additional = rule.additional { run(additional, member.value, inner, depth: depth + 1) }
            if let names = rule.names, !fits(names, .string(member.name), inner, depth + 1) {
                add(inner, "must have a name that fits propertyNames")
            }
        }
    }
}

extension JSONValue {
    /// Whether it is of a type by the words of JSON Schema: 1.0 is an integer.
    fileprivate func isOf(_ type: String) -> Bool {
        switch self {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .number(let number): type == "number" || type == "integer" && number.isInteger
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }
}
