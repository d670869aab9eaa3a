internal import CLibPQ

/// One setting of a connection, in libpq's words: `host`, `port`, `dbname`, `sslmode`, …
struct ConnectionOption: Equatable, Sendable {
    let keyword: String
    let value: String
}

extension ConnectionOption {
    /// What a connection string sets, read by libpq itself.
    ///
    /// libpq's own complaint quotes what it could not read, which may be part of the password: the quotes are left out.
    static func parse(_ connectionString: String) throws(PostgresError) -> [ConnectionOption] {
        var complaint: UnsafeMutablePointer<CChar>?
        let parsed = unsafe PQconninfoParse(connectionString, &complaint)
        defer {
            unsafe PQconninfoFree(parsed)
            unsafe PQfreemem(complaint)
        }
        guard let parsed = unsafe parsed else {
            let text = unsafe complaint.map { unsafe String(cString: $0) } ?? "out of memory"
            throw .malformed(OneLine.withoutQuotes(text))
        }
        return unsafe collect(parsed)
    }

    /// What libpq takes where a connection string is silent: its `PG*` variables, its service file, its built-in values.
    static func defaults() -> [ConnectionOption] {
        let defaults = unsafe PQconndefaults()
        defer { unsafe PQconninfoFree(defaults) }
        return unsafe defaults.map { unsafe collect($0) } ?? []
    }

    /// What a service of libpq's service file sets, with libpq's defaults for the rest.
    ///
    /// libpq reads the file only when it begins to connect. So it is told to, with a setting that it refuses before it opens a
    /// socket.
    static func defaults(ofService service: String) -> [ConnectionOption] {
        let refused = ConnectionOption(keyword: "channel_binding", value: "none of these")
        guard let handle = try? ConnectionHandle([ConnectionOption(keyword: "service", value: service), refused])
        else { return defaults() }
        return handle.options.filter { $0.keyword != refused.keyword }
    }

    static func collect(_ first: UnsafeMutablePointer<PQconninfoOption>) -> [ConnectionOption] {
        var options: [ConnectionOption] = []
        var next = unsafe first
        while let keyword = unsafe next.pointee.keyword {
            if let value = unsafe next.pointee.val {
                unsafe options.append(
                    ConnectionOption(keyword: String(cString: keyword), value: String(cString: value)))
            }
            unsafe next += 1
        }
        return options
    }
}

extension [ConnectionOption] {
    /// The value of a setting; an empty one counts as none, as it does for libpq.
    subscript(keyword: String) -> String? {
        guard let value = first(where: { $0.keyword == keyword })?.value, !value.isEmpty else { return nil }
        return value
    }

    /// The settings with one of them replaced, or added.
    func setting(_ keyword: String, to value: String) -> [ConnectionOption] {
        filter { $0.keyword != keyword } + [ConnectionOption(keyword: keyword, value: value)]
    }
}

extension PostgresError {
    /// A connection string that libpq cannot read, or that we will not pass on.
    static func malformed(_ why: String) -> PostgresError {
        PostgresError(.invalidConfiguration, "the connection string is malformed: \(why)")
    }
}
