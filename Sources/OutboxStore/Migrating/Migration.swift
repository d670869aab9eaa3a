/// One step of the schema, forward only: a file of migrations/, carried in the executable.
package struct Migration: Hashable, Sendable {
    /// Its place in the order, counted from 1 without gaps.
    package let version: Int32
    /// What the file is called, without number and ending.
    package let name: String
    /// The whole file. It says at its top what it does, which locks it takes and whether old workers may keep running.
    package let sql: String

    /// All that this executable knows, in order.
    package static let all: [Migration] = [
        Migration(1, "tables", PackageResources._001_tables_sql),
        Migration(2, "publishing", PackageResources._002_publishing_sql),
        Migration(3, "delivering", PackageResources._003_delivering_sql),
        Migration(4, "operating", PackageResources._004_operating_sql),
        Migration(5, "reading", PackageResources._005_reading_sql),
        Migration(6, "housekeeping", PackageResources._006_housekeeping_sql),
        Migration(7, "roles", PackageResources._007_roles_sql),
        Migration(8, "bulk", PackageResources._008_bulk_sql),
        Migration(9, "finding", PackageResources._009_finding_sql),
        Migration(10, "replaying", PackageResources._010_replaying_sql),
        Migration(11, "watching", PackageResources._011_watching_sql),
        Migration(12, "catalogue", PackageResources._012_catalogue_sql),
        Migration(13, "shaping", PackageResources._013_shaping_sql),
        Migration(14, "receiving", PackageResources._014_receiving_sql),
        Migration(15, "expecting", PackageResources._015_expecting_sql),
        Migration(16, "tokens", PackageResources._016_tokens_sql),
    ]

    /// The schema that this executable works with.
    package static var newest: Int32 { all.last?.version ?? 0 }

    private init(_ version: Int32, _ name: String, _ bytes: [UInt8]) {
        self.version = version
        self.name = name
        sql = String(decoding: bytes, as: UTF8.self)
    }
}
