package import Formats

/// A chat service whose incoming webhooks take a text. What comes from a payload is escaped, so that it is read as text and
/// calls no one; what the operator wrote is not.
package enum ChatService: Sendable {
    case slack, discord, teams

    /// The most that a message may hold: the services refuse or cut a longer one.
    ///
    /// Slack and Discord count characters; counted in UTF-16 no text is longer than they allow. Teams counts 28 KB for all of a
    /// request: bytes of JSON here, with room for what stands around the text.
    var limit: Int {
        switch self {
        case .slack: 40_000
        case .discord: 2_000
        case .teams: 24_000
        }
    }

    /// The body of a message.
    ///
    /// - Parameters:
    ///   - template: what it says; nil says the type of the event.
    ///   - type: of the event; it also stands in for a text that turns out to be blank, which the services refuse.
    ///   - payload: nil when the event has a body instead.
    package func body(_ template: TextTemplate?, type: String, payload: JSONText?) -> [UInt8] {
        var message = CutText(service: self)
        for piece in template?.pieces ?? [] {
            switch piece {
            case .text(let text): message.append(text)
            case .value(let path): message.append(value: payload?.value(at: path)?.plainText ?? "")
            }
        }
        if message.text.allSatisfy(\.isWhitespace) { message.append(value: type) }
        return Array(envelope(message.text).utf8)
    }

    private func envelope(_ text: String) -> String {
        var json = ""
        for scalar in text.unicodeScalars { JSONString.append(scalar, to: &json) }
        return switch self {
        case .slack: #"{"text":"\#(json)"}"#
        case .discord: #"{"content":"\#(json)","allowed_mentions":{"parse":[]}}"#
        case .teams:
            #"{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"#
                + #""$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4","#
                + #""body":[{"type":"TextBlock","text":"\#(json)","wrap":true}]}}]}"#
        }
    }

    /// One scalar of a value as the service shows it unchanged.
    func escaped(_ scalar: Unicode.Scalar) -> String {
        switch (self, scalar) {
        // https://docs.slack.dev/messaging/formatting-message-text#escaping
        case (.slack, "&"): "&amp;"
        case (.slack, "<"): "&lt;"
        case (.slack, ">"): "&gt;"
        case (.slack, _): String(scalar)
        // Both read Markdown, in which a backslash makes any punctuation plain (CommonMark section 2.4).
        case (.discord, _), (.teams, _): Self.marks.contains(scalar) ? "\\\(scalar)" : String(scalar)
        }
    }

    private static let marks = Set("\\`*_~|<>#[](){}@+-!&".unicodeScalars)

    /// How much of the limit a piece takes.
    func cost(_ piece: String) -> Int {
        guard self == .teams else { return piece.utf16.count }
        var json = ""
        for scalar in piece.unicodeScalars { JSONString.append(scalar, to: &json) }
        return json.utf8.count
    }
}

/// The text of a message, cut where the limit is, never within a character or its escape.
private struct CutText {
    let service: ChatService
    private(set) var text = ""
    private var room: Int
    private var isFull = false

    private static let ellipsis = "…"

    init(service: ChatService) {
        self.service = service
        room = service.limit - service.cost(Self.ellipsis)
    }

    mutating func append(_ text: String) {
        for character in text where !isFull { append(piece: String(character)) }
    }

    mutating func append(value: String) {
        for character in value where !isFull {
            append(piece: character.unicodeScalars.map(service.escaped).joined())
        }
    }

    private mutating func append(piece: String) {
        let cost = service.cost(piece)
        guard cost <= room else {
            isFull = true
            return text += Self.ellipsis
        }
        room -= cost
        text += piece
    }
}
