/// The number by which PostgreSQL knows a type: the `oid` in `pg_type`.
package struct PostgresType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The oid.
    package let rawValue: UInt32

    /// Takes any oid; those of built-in types never change.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The name of a type of ``names``, otherwise its oid.
    package var description: String { Self.names[self] ?? "the type with oid \(rawValue)" }
}

extension PostgresType {
    /// Leaves it to the server to find the type.
    package static let unspecified = PostgresType(rawValue: 0)
    /// `boolean`
    package static let bool = PostgresType(rawValue: 16)
    /// `bytea`
    package static let bytea = PostgresType(rawValue: 17)
    /// `"char"`
    package static let char = PostgresType(rawValue: 18)
    /// `name`
    package static let name = PostgresType(rawValue: 19)
    /// `bigint`
    package static let int8 = PostgresType(rawValue: 20)
    /// `smallint`
    package static let int2 = PostgresType(rawValue: 21)
    /// `integer`
    package static let int4 = PostgresType(rawValue: 23)
    /// `text`
    package static let text = PostgresType(rawValue: 25)
    /// `oid`
    package static let oid = PostgresType(rawValue: 26)
    /// `json`
    package static let json = PostgresType(rawValue: 114)
    /// `real`
    package static let float4 = PostgresType(rawValue: 700)
    /// `double precision`
    package static let float8 = PostgresType(rawValue: 701)
    /// A literal whose type the server has not settled.
    package static let unknown = PostgresType(rawValue: 705)
    /// `inet`
    package static let inet = PostgresType(rawValue: 869)
    /// `character(n)`
    package static let bpchar = PostgresType(rawValue: 1042)
    /// `character varying`
    package static let varchar = PostgresType(rawValue: 1043)
    /// `timestamp with time zone`
    package static let timestamptz = PostgresType(rawValue: 1184)
    /// `interval`
    package static let interval = PostgresType(rawValue: 1186)
    /// What a function or statement without a result returns.
    package static let void = PostgresType(rawValue: 2278)
    /// `jsonb`
    package static let jsonb = PostgresType(rawValue: 3802)
    /// `xid8`
    package static let xid8 = PostgresType(rawValue: 5069)

    static let jsonArray = PostgresType(rawValue: 199)
    static let boolArray = PostgresType(rawValue: 1000)
    static let byteaArray = PostgresType(rawValue: 1001)
    static let int2Array = PostgresType(rawValue: 1005)
    static let int4Array = PostgresType(rawValue: 1007)
    static let textArray = PostgresType(rawValue: 1009)
    static let int8Array = PostgresType(rawValue: 1016)
    static let float4Array = PostgresType(rawValue: 1021)
    static let float8Array = PostgresType(rawValue: 1022)
    static let inetArray = PostgresType(rawValue: 1041)
    static let timestamptzArray = PostgresType(rawValue: 1185)
    static let intervalArray = PostgresType(rawValue: 1187)
    static let jsonbArray = PostgresType(rawValue: 3807)

    /// The names of the types known here, for messages.
    private static let names: [PostgresType: String] = [
        .bool: "boolean", .bytea: "bytea", .char: "\"char\"", .name: "name", .int8: "bigint", .int2: "smallint",
        .int4: "integer", .text: "text", .oid: "oid", .json: "json", .float4: "real", .float8: "double precision",
        .unknown: "unknown", .inet: "inet", .bpchar: "character", .varchar: "character varying",
        .timestamptz: "timestamp with time zone", .interval: "interval", .void: "void", .jsonb: "jsonb", .xid8: "xid8",
        .jsonArray: "json[]", .boolArray: "boolean[]", .byteaArray: "bytea[]", .int2Array: "smallint[]",
        .int4Array: "integer[]", .textArray: "text[]", .int8Array: "bigint[]", .float4Array: "real[]",
        .float8Array: "double precision[]", .inetArray: "inet[]",
        .timestamptzArray: "timestamp with time zone[]", .intervalArray: "interval[]", .jsonbArray: "jsonb[]",
        PostgresType(rawValue: 1114): "timestamp without time zone (use timestamptz)",
        PostgresType(rawValue: 1082): "date (cast it to timestamptz)",
        PostgresType(rawValue: 1700): "numeric (cast it to bigint or double precision)",
        PostgresType(rawValue: 2950): "uuid (cast it to text)",
    ]
}
