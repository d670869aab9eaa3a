import OutboxStore
import Postgres

/// Looks for events step by step, and says how far it came.
struct EventSearch {
    let connection: PostgresConnection
    let progress: Progress

    struct Page {
        var deliveries: [EventDelivery] = []
        /// Whether there may be more rows.
        var hasMore = false
        /// The last row's event, of which no row is missing; what comes next is before it.
        var last: String? { hasMore ? deliveries.last?.webhookID : nil }
    }

    /// - Parameters:
    ///   - place: what is found is before it.
    ///   - limit: the most rows.
    func page(_ selection: Events.Selection, before place: EventPlace, limit: Int32) async throws -> Page {
        let source = EventSource.of(selection)
        var place = place
        var pace = SearchPace(limit: limit)
        var seen = 0
        var page = Page()
        while page.deliveries.count < Int(limit) {
            let began = ContinuousClock.now
            // One row more tells whether there are more.
            let wanted = limit - Int32(clamping: page.deliveries.count) + 1
            let count = pace.count
            var step: (seen: Int32, place: EventPlace?) = (0, nil)
            for row in try await connection.rows(
                Events.find(selection, in: source, from: place, count: count, limit: wanted))
            {
                switch row {
                case .reached(let seen, let place): step = (seen, place)
                case .delivery(let delivery): page.deliveries.append(delivery)
                }
            }
            guard let reached = step.place, step.seen == count || page.deliveries.count > Int(limit) else {
                page.hasMore = false
                break
            }
            place = reached
            seen += Int(step.seen)
            pace.took(.now - began)
            progress.say("looked at \(seen), back to \(reached.at), found \(page.deliveries.count)")
            page.hasMore = true
        }
        page.hasMore = page.hasMore && page.deliveries.count >= Int(limit)
        return Self.whole(page, limit: Int(limit))
    }

    /// Cuts a page to its limit, without parting the rows of an event, unless that alone is more than a page.
    static func whole(_ page: Page, limit: Int) -> Page {
        guard page.deliveries.count > limit else { return page }
        var page = page
        page.hasMore = true
        let next = page.deliveries[limit]
        page.deliveries.removeSubrange(limit...)
        guard let first = page.deliveries.first, first.webhookID != next.webhookID else { return page }
        while page.deliveries.last?.webhookID == next.webhookID { page.deliveries.removeLast() }
        return page
    }
}

/// Where a search reads what may fit. Decides only.
enum EventSource {
    static func of(_ selection: Events.Selection) -> Events.Source {
        guard selection.ids == nil else { return .events }
        switch selection.status.flatMap(DeliveryStatus.init(rawValue:)) {
        case .pending, .inFlight, .retrying, .held, .blocked: return .live
        case .dead: return .dead
        case .expired, .cancelled, .filtered, .superseded: return .closed
        case .delivered, .noSubscriber: return .events
        case nil: break
        }
        // What was answered 2xx is delivered, and has no code.
        let isSuccess = selection.httpStatus.map { (200...299).contains($0) } ?? false
        return selection.errorCode != nil || selection.httpStatus != nil && !isSuccess ? .failed : .events
    }
}
