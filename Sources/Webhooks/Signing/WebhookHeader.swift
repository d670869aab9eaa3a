/// The header names of Standard Webhooks 1.0.0.
public enum WebhookHeader {
    /// What identifies the event: the same on every attempt, without a dot.
    public static let id = "webhook-id"
    /// The time of this attempt in seconds since 1970.
    public static let timestamp = "webhook-timestamp"
    /// The signatures, separated by spaces.
    public static let signature = "webhook-signature"

    /// The type of the event. Postrider adds it to those of the standard.
    package static let eventType = "webhook-event-type"
    /// The number of the attempt, which never repeats for a delivery. Postrider adds it to those of the standard.
    package static let attempt = "webhook-attempt"
}
