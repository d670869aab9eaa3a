/// The version of this executable.
public enum PostriderVersion {
    /// Semantic, without a `v`.
    public static let current = "0.1.0"
}
