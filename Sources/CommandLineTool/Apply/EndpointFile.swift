import Outbox
import OutboxStore
import Settings
import Webhooks

/// Reads a file of endpoints.
///
///     endpoints:
///       - name: billing
///         url: https://billing.example.com/hooks
///         event_types: [order.*]
struct EndpointFile {
    let outside: OutsideTexts
    let policy: EndpointPolicy

    /// As many as one transaction should change.
    static let limit = 10_000
    /// Names that differ in more letters than this are not slips.
    private static let slips = 2

    /// What the file wants, each endpoint checked by itself.
    func entries(_ bytes: [UInt8]) throws(FileFault) -> [EndpointEntry] {
        guard let document = try YAMLValue.read(bytes) else { throw FileFault("it is empty") }
        guard case .map(let top) = document.content else {
            throw FileFault("it must be a map with the key endpoints", line: document.line)
        }
        for entry in top where entry.key != "endpoints" { throw Self.unknown(entry, among: ["endpoints"]) }
        guard let endpoints = top.first else { throw FileFault("the key endpoints is missing", line: document.line) }
        let list = try Self.list(endpoints)
        guard list.count <= Self.limit else {
            throw FileFault("more than \(Self.limit) endpoints", line: endpoints.line, key: endpoints.key)
        }
        var lines: [EndpointReference: Int] = [:]
        var found: [EndpointEntry] = []
        for value in list {
            let entry = try endpoint(value)
            if let earlier = lines.updateValue(entry.line, forKey: entry.reference) {
                throw FileFault("'\(entry.name)' stands in line \(earlier) too", line: entry.line, key: "name")
            }
            found.append(entry)
        }
        return found
    }

    private func endpoint(_ value: YAMLValue) throws(FileFault) -> EndpointEntry {
        guard case .map(let entries) = value.content else {
            throw FileFault("an endpoint must be a map", line: value.line)
        }
        let keys = EndpointField.otherKeys + EndpointField.all.map(\.key)
        for entry in entries where !keys.contains(entry.key) { throw Self.unknown(entry, among: keys) }
        func entry(_ key: String) -> YAMLValue.Entry? { entries.first { $0.key == key } }
        guard let named = entry("name") else {
            throw FileFault("an endpoint must have one", line: value.line, key: "name")
        }
        guard entry("url") != nil else { throw FileFault("an endpoint must have one", line: value.line, key: "url") }
        let name = try Self.checked(named) { try EndpointName(Self.text(named)).text }
        let tenant = try entry("tenant").map { (entry) throws(FileFault) in
            try Self.checked(entry) { try Tenant.check(try Self.text(entry)) }
        }
        var written: [(field: EndpointField, words: [String], line: Int)] = []
        for field in EndpointField.all {
            guard let entry = entry(field.key) else { continue }
            written.append((field, try words(field, entry), entry.line))
        }
        return EndpointEntry(
            name: name, line: named.line, tenant: tenant ?? "", settings: try settings(written),
            secret: try entry("secret").map { (entry) throws(FileFault) in
                try Self.outside(entry, "the secret must not stand in the file")
            })
    }

    private func settings(_ written: [(field: EndpointField, words: [String], line: Int)]) throws(FileFault)
        -> EndpointSettings
    {
        do {
            var settings = try EndpointField.settings(written.map { ($0.field, $0.words) }, policy: policy)
            // No options at all would leave them as they are.
            if written.contains(where: { $0.field.form == .headers && $0.words.isEmpty }) { settings.headers = [] }
            return settings
        } catch {
            // Which of them it is: they are checked one by one only now, for most files have no faults.
            for (field, words, line) in written {
                do {
                    _ = try EndpointField.settings([(field, words)], policy: policy)
                } catch {
                    throw FileFault(EndpointField.rule(error), line: line, key: field.key)
                }
            }
            throw FileFault(EndpointField.rule(error), line: written.first?.line)
        }
    }

    private func words(_ field: EndpointField, _ entry: YAMLValue.Entry) throws(FileFault) -> [String] {
        switch field.form {
        case .word, .number, .flag: return [try Self.text(entry)]
        case .list:
            let words = try Self.list(entry).map { (value) throws(FileFault) in
                try Self.text(YAMLValue.Entry(key: entry.key, line: value.line, value: value))
            }
            guard !words.isEmpty else { throw FileFault("it must not be empty", line: entry.line, key: entry.key) }
            return words
        case .headers:
            guard case .map(let headers) = entry.value.content else {
                throw FileFault("it must be a map of names and values", line: entry.line, key: entry.key)
            }
            return try headers.map { (header) throws(FileFault) in
                if case .text(let value) = header.value.content { return "\(header.key): \(value)" }
                let rule = "it must have a value"
                return "\(header.key): \(try outside.read(try Self.outside(header, rule)))"
            }
        }
    }

    private static func unknown(_ entry: YAMLValue.Entry, among keys: [String]) -> FileFault {
        let meant = Spelling.nearest(to: entry.key, among: keys, within: slips).map { "; did you mean \($0)?" }
        return FileFault("there is no such key" + (meant ?? ""), line: entry.line, key: entry.key)
    }

    private static func text(_ entry: YAMLValue.Entry) throws(FileFault) -> String {
        switch entry.value.content {
        case .text(let text): return text
        case .nothing: throw FileFault("it has no value", line: entry.line, key: entry.key)
        case .list, .map: throw FileFault("it must be one value", line: entry.line, key: entry.key)
        }
    }

    private static func list(_ entry: YAMLValue.Entry) throws(FileFault) -> [YAMLValue] {
        switch entry.value.content {
        case .list(let list): return list
        case .nothing: throw FileFault("it has no value; an empty list is []", line: entry.line, key: entry.key)
        case .text, .map: throw FileFault("it must be a list", line: entry.line, key: entry.key)
        }
    }

    /// `{env: NAME}` or `{file: PATH}`.
    private static func outside(_ entry: YAMLValue.Entry, _ rule: String) throws(FileFault) -> EndpointEntry.OutsideText
    {
        guard case .map(let places) = entry.value.content, let place = places.first, places.count == 1,
            ["env", "file"].contains(place.key)
        else {
            throw FileFault("\(rule); write {env: NAME} or {file: PATH}", line: entry.line, key: entry.key)
        }
        let name = try text(place)
        return EndpointEntry.OutsideText(
            place: place.key == "env" ? .environment(name) : .file(name), line: place.line, key: entry.key)
    }

    private static func checked<Value>(_ entry: YAMLValue.Entry, _ check: () throws -> Value) throws(FileFault) -> Value
    {
        do {
            return try check()
        } catch let fault as FileFault {
            throw fault
        } catch {
            throw FileFault(EndpointField.rule(error), line: entry.line, key: entry.key)
        }
    }
}
