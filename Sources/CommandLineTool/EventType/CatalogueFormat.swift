import Formats
import OutboxStore

/// How the catalogue is written for customers.
enum CatalogueFormat: String, CaseIterable {
    case markdown, asyncapi

    func document(_ types: [EventTypeRecord], title: String) -> String {
        switch self {
        case .markdown: Self.markdown(types, title)
        case .asyncapi: Self.asyncAPI(types, title)
        }
    }

    // MARK: Markdown

    private static func markdown(_ types: [EventTypeRecord], _ title: String) -> String {
        var text = "# \(inline(title))\n"
        for type in types {
            text += "\n## `\(type.type)`\n"
            if let description = type.description { text += "\n\(inline(description))\n" }
            if let schema = type.schema { text += block("Schema of the payload", schema) }
            if let example = type.example { text += block("Example", example) }
        }
        return text
    }

    /// What a person wrote must not become markup of its own.
    private static func inline(_ text: String) -> String {
        let marks: Set<Character> = ["\\", "`", "*", "_", "[", "]", "<", ">", "#", "|", "&"]
        return text.map { marks.contains($0) ? "\\\($0)" : String($0) }.joined()
    }

    /// A fence that is longer than any in the text.
    private static func block(_ title: String, _ json: [UInt8]) -> String {
        let text = String(decoding: json, as: UTF8.self)
        var longest = 0
        var run = 0
        for character in text {
            run = character == "`" ? run + 1 : 0
            longest = max(longest, run)
        }
        let fence = String(repeating: "`", count: max(3, longest + 1))
        return "\n\(title):\n\n\(fence)json\n\(text)\n\(fence)\n"
    }

    // MARK: AsyncAPI 3.0

    /// Schemas and examples are put in as they were written.
    private static func asyncAPI(_ types: [EventTypeRecord], _ title: String) -> String {
        let names = types.map(\.type)
        let messages = types.map { type in
            var parts = [("name", quoted(type.type)), ("contentType", quoted("application/json"))]
            if let description = type.description { parts.append(("description", quoted(description))) }
            if let schema = type.schema {
                let format = quoted("application/schema+json;version=draft-2020-12")
                parts.append(("payload", object([("schemaFormat", format), ("schema", text(schema))])))
            }
            if let example = type.example { parts.append(("examples", "[\(object([("payload", text(example))]))]")) }
            return (type.type, object(parts))
        }
        let references = names.map { ($0, reference("#/components/messages/\($0)")) }
        let operation = object([
            ("action", quoted("send")), ("channel", reference("#/channels/webhooks")),
            (
                "messages",
                "[" + names.map { reference("#/channels/webhooks/messages/\($0)") }.joined(separator: ",") + "]"
            ),
        ])
        return object([
            ("asyncapi", quoted("3.0.0")),
            ("info", object([("title", quoted(title)), ("version", quoted("1.0.0"))])),
            ("channels", object([("webhooks", object([("messages", object(references))]))])),
            ("operations", object([("send", operation)])),
            ("components", object([("messages", object(messages))])),
        ])
    }

    private static func reference(_ pointer: String) -> String { object([("$ref", quoted(pointer))]) }

    private static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }

    private static func text(_ json: [UInt8]) -> String { String(decoding: json, as: UTF8.self) }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars { JSONString.append(scalar, to: &quoted) }
        return quoted + "\""
    }
}
