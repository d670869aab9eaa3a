/// The version of this executable.
package enum PostriderVersion {
    /// Semantic, without a `v`.
    package static let current = "0.1.0"
}
