/// What becomes of an ordering key at an endpoint when one of its events has died there.
package enum OrderingFailure: String, CaseIterable, Sendable {
    /// The next event of the key goes.
    case skip
    /// Nothing of the key goes until the dead letter is replayed or discarded.
    case block
    /// The later events of the key become dead letters too, in their order.
    case park
}
