import OutboxStore

/// Endpoints as a file: what is not as by default, without secrets and headers.
struct ExportedEndpoints: Encodable {
    struct Endpoint: Encodable {
        let name: String
        let tenant: String
        let settings: [(field: EndpointField, words: [String])]
        let headerNames: [String]

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { return nil }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(name, forKey: Key(stringValue: "name"))
            if !tenant.isEmpty { try container.encode(tenant, forKey: Key(stringValue: "tenant")) }
            for (field, words) in settings {
                let key = Key(stringValue: field.key)
                switch (field.form, words.first) {
                case (.list, _): try container.encode(words, forKey: key)
                case (.number, let word?) where Int64(word) != nil: try container.encode(Int64(word), forKey: key)
                case (.flag, let word?): try container.encode(word == "true", forKey: key)
                case (.number, let word?): try container.encode(Double(word), forKey: key)
                default: try container.encode(words.first, forKey: key)
                }
            }
        }
    }

    let endpoints: [Endpoint]

    init(_ stored: [StoredEndpoint]) {
        endpoints = stored.map { endpoint in
            let settings = endpoint.settings
            // What depends on another setting, such as the attempts on the schedule, has its default by that one.
            return Endpoint(
                name: endpoint.name, tenant: endpoint.setup.tenant,
                settings: EndpointField.all.filter { $0.form != .headers }.compactMap { field in
                    let words = field.words(settings)
                    return words == field.defaultWords(beside: settings) && !field.isAlwaysWritten
                        ? nil : (field, words)
                }, headerNames: endpoint.setup.headerNames)
        }
    }

    /// The lines of a YAML file.
    var yaml: [String] {
        guard !endpoints.isEmpty else { return ["endpoints: []"] }
        return ["endpoints:"] + endpoints.flatMap(\.yaml)
    }
}

extension ExportedEndpoints.Endpoint {
    fileprivate var yaml: [String] {
        var lines = ["  - name: \(YAMLText(name))"]
        if !tenant.isEmpty { lines.append("    tenant: \(YAMLText(tenant))") }
        for (field, words) in settings {
            let texts = words.map { field.form == .number || field.form == .flag ? $0 : "\(YAMLText($0))" }
            lines.append(
                "    \(field.key): " + (field.form == .list ? "[\(texts.joined(separator: ", "))]" : texts.joined()))
        }
        if !headerNames.isEmpty {
            let names = headerNames.map { "\(YAMLText($0))" }
            lines.append("    # headers, which stay as they are: \(names.joined(separator: ", "))")
        }
        return lines
    }
}
