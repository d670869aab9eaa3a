/// What became of a request that was to be stored.
package struct Receipt: Hashable, Sendable {
    /// The number under which it is stored; that of the first one where the same id came before. Nil when the source was removed.
    package let inboxID: Int64?
    /// Whether it is the first of its id.
    package let isNew: Bool

    package init(inboxID: Int64?, isNew: Bool) {
        self.inboxID = inboxID
        self.isNew = isNew
    }
}
