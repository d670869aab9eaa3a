import FoundationEssentials
import Telemetry

extension ReceivedRequest {
    /// The request in a line for people, and the beginning of its body in a second one.
    var text: String {
        var words = [clock, "\(status)", PrintableText("\(method) \(path)", limit: 200).description]
        for (name, label) in [("webhook-id", ""), ("webhook-event-type", ""), ("webhook-attempt", "attempt ")] {
            if let value = headers[name] {
                words.append(label + PrintableText(value, limit: 200).description)
            }
        }
        switch verification {
        case .unchecked: words.append("not verified (no --secret)")
        case .verified: words.append("signature verified")
        case .refused(_, let message): words.append("REFUSED: " + PrintableText(message, limit: 200).description)
        }
        words.append("\(body.count) bytes")
        let cut = body.count > Self.excerptLimit ? "…" : ""
        return words.joined(separator: "  ") + "\n    " + PrintableText(excerpt).description + cut
    }

    /// The time of day in UTC.
    private var clock: String {
        Date(timeIntervalSince1970: time).formatted(
            Date.ISO8601FormatStyle().time(includingFractionalSeconds: false))
    }
}
