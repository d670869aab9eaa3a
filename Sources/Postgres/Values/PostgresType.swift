/// The number by which PostgreSQL knows a type: the `oid` in `pg_type`.
package struct PostgresType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    /// Takes any oid; those of built-in types never change.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The name of a type of ``names``, otherwise its oid.
    package var description: String { Self.names[self] ?? "the type with oid \(rawValue)" }
}

extension PostgresType {
    /// The server finds the type.
    package static let unspecified = PostgresType(rawValue: 0)
    package static let bool = PostgresType(rawValue: 16)
    package static let bytea = PostgresType(rawValue: 17)
    package static let char = PostgresType(rawValue: 18)
    package static let name = PostgresType(rawValue: 19)
    package static let int8 = PostgresType(rawValue: 20)
    package static let int2 = PostgresType(rawValue: 21)
    package static let int4 = PostgresType(rawValue: 23)
    package static let text = PostgresType(rawValue: 25)
    package static let oid = PostgresType(rawValue: 26)
    package static let json = PostgresType(rawValue: 114)
    package static let float4 = PostgresType(rawValue: 700)
    package static let float8 = PostgresType(rawValue: 701)
    /// A literal whose type the server has not settled.
    package static let unknown = PostgresType(rawValue: 705)
    package static let bpchar = PostgresType(rawValue: 1042)
    package static let varchar = PostgresType(rawValue: 1043)
    package static let timestamptz = PostgresType(rawValue: 1184)
    package static let interval = PostgresType(rawValue: 1186)
    package static let jsonb = PostgresType(rawValue: 3802)
    package static let xid8 = PostgresType(rawValue: 5069)

    static let byteaArray = PostgresType(rawValue: 1001)
    static let int2Array = PostgresType(rawValue: 1005)
    static let int4Array = PostgresType(rawValue: 1007)
    static let textArray = PostgresType(rawValue: 1009)
    static let int8Array = PostgresType(rawValue: 1016)
    static let timestamptzArray = PostgresType(rawValue: 1185)
    static let intervalArray = PostgresType(rawValue: 1187)

    /// The names of the types known here, for messages.
    private static let names: [PostgresType: String] = [
        .bool: "boolean", .bytea: "bytea", .char: "\"char\"", .name: "name", .int8: "bigint", .int2: "smallint",
        .int4: "integer", .text: "text", .oid: "oid", .json: "json", .float4: "real", .float8: "double precision",
        .unknown: "unknown", .bpchar: "character", .varchar: "character varying",
        .timestamptz: "timestamp with time zone", .interval: "interval", .jsonb: "jsonb", .xid8: "xid8",
        .byteaArray: "bytea[]", .int2Array: "smallint[]", .int4Array: "integer[]", .textArray: "text[]",
        .int8Array: "bigint[]",
        .timestamptzArray: "timestamp with time zone[]", .intervalArray: "interval[]",
        PostgresType(rawValue: 869): "inet (cast it to text)",
        PostgresType(rawValue: 1114): "timestamp without time zone (use timestamptz)",
        PostgresType(rawValue: 1082): "date (cast it to timestamptz)",
        PostgresType(rawValue: 1700): "numeric (cast it to bigint or double precision)",
        PostgresType(rawValue: 2278): "void",
        PostgresType(rawValue: 2950): "uuid (cast it to text)",
    ]
}
