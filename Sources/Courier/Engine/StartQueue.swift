/// Requests that wait to begin: those that pass others, and the others, each in the order in which they came.
///
/// One in ``turn`` is of the others while both wait, so that none waits for ever. A value, so that this order is tested without
/// I/O.
struct StartQueue: Sendable {
    /// With more, hundreds of requests to endpoints that never answered are begun later while many quick ones are busy; with
    /// less, each of these, which cost ten times as much, keeps quick ones waiting.
    static let turn = 8

    private var passing = Line()
    private var others = Line()
    /// How many have passed since one of the others began.
    private var passed = 0

    var count: Int { passing.count + others.count }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ request: any CourierRequest) {
        if request.passesOthers { passing.append(request) } else { others.append(request) }
    }

    /// Takes out the one whose turn it is.
    mutating func next() -> (any CourierRequest)? {
        if passed + 1 < Self.turn || others.count == 0, let request = passing.next() {
            passed = others.count == 0 ? 0 : passed + 1
            return request
        }
        passed = 0
        return others.next()
    }

    /// Takes out all.
    mutating func takeAll() -> [any CourierRequest] {
        var all: [any CourierRequest] = []
        all.reserveCapacity(count)
        while let request = next() { all.append(request) }
        return all
    }
}

/// A queue in an array: what was taken out at its beginning is dropped now and then.
private struct Line: Sendable {
    private static let mostTaken = 1024

    private var requests: [any CourierRequest] = []
    private var head = 0

    var count: Int { requests.count - head }

    mutating func append(_ request: any CourierRequest) { requests.append(request) }

    mutating func next() -> (any CourierRequest)? {
        guard head < requests.count else { return nil }
        let request = requests[head]
        head += 1
        if head == requests.count {
            requests.removeAll(keepingCapacity: head <= Self.mostTaken)
            head = 0
        } else if head > Self.mostTaken {
            requests.removeFirst(head)
            head = 0
        }
        return request
    }
}
