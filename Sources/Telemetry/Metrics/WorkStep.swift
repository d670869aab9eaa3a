/// What a worker does again and again, most of it with the database: the label `step` of `postrider_failures_total`.
package enum WorkStep: String, CaseIterable, Sendable {
    /// Learning which lanes were written to.
    case look
    /// Reading all lanes, bit by bit.
    case walk
    /// Taking due deliveries.
    case claim
    /// Reading endpoints.
    case load
    /// Reading events.
    case fetch
    /// Asking filters and transforms.
    case shape
    /// Recording outcomes.
    case settle
    /// Asking whether the database can be written to, and which schema it has.
    case watch
    /// Saying that the worker is alive.
    case beat
    /// Making connections through the proxy, where there is one.
    case proxy
}
