/// Where each lane (or tenant) stands in a heap, by its slot. Heaps that never hold the same slot at once may share one.
struct HeapPlaces: Sendable {
    private var places: ContiguousArray<Int32> = []

    /// The place of a slot, or `nil` when it is in no heap.
    subscript(slot: Int) -> Int? {
        get {
            guard slot < places.count, places[slot] >= 0 else { return nil }
            return Int(places[slot])
        }
        set {
            if slot >= places.count {
                places.append(contentsOf: repeatElement(-1, count: max(slot + 1 - places.count, places.count)))
            }
            places[slot] = newValue.map { Int32(truncatingIfNeeded: $0) } ?? -1
        }
    }
}

/// The order in a heap: by one number first, by turn among equals.
struct HeapRank: Comparable, Sendable {
    var value: Int64
    var turn: Int64

    static func < (left: HeapRank, right: HeapRank) -> Bool {
        left.value != right.value ? left.value < right.value : left.turn < right.turn
    }
}

/// A binary heap of slots in which each slot is found, moved and removed in O(log n).
struct LaneHeap: Sendable {
    struct Entry: Sendable {
        let slot: Int
        let rank: HeapRank
    }

    private var entries: ContiguousArray<Entry> = []

    var count: Int { entries.count }
    var top: Entry? { entries.first }

    /// Puts a slot in, or moves it to where its new rank belongs.
    mutating func put(_ slot: Int, _ rank: HeapRank, _ places: inout HeapPlaces) {
        let entry = Entry(slot: slot, rank: rank)
        if let place = places[slot] {
            entries[place] = entry
            rise(sink(place, &places), &places)
        } else {
            entries.append(entry)
            places[slot] = entries.count - 1
            rise(entries.count - 1, &places)
        }
    }

    mutating func remove(_ slot: Int, _ places: inout HeapPlaces) {
        guard let place = places[slot] else { return }
        places[slot] = nil
        let last = entries.removeLast()
        guard place < entries.count else { return }
        entries[place] = last
        places[last.slot] = place
        rise(sink(place, &places), &places)
    }

    private mutating func rise(_ start: Int, _ places: inout HeapPlaces) {
        var place = start
        let entry = entries[place]
        while place > 0 {
            let parent = (place - 1) / 2
            guard entry.rank < entries[parent].rank else { break }
            entries[place] = entries[parent]
            places[entries[place].slot] = place
            place = parent
        }
        entries[place] = entry
        places[entry.slot] = place
    }

    private mutating func sink(_ start: Int, _ places: inout HeapPlaces) -> Int {
        var place = start
        let entry = entries[place]
        while true {
            var child = place * 2 + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].rank < entries[child].rank { child += 1 }
            guard entries[child].rank < entry.rank else { break }
            entries[place] = entries[child]
            places[entries[place].slot] = place
            place = child
        }
        entries[place] = entry
        places[entry.slot] = place
        return place
    }
}

/// Lanes in the order of a time or of a turn, each at most once.
struct LaneTimes: Sendable {
    private var heap = LaneHeap()
    private var places = HeapPlaces()

    var count: Int { heap.count }
    var first: (slot: Int, time: Int64)? { heap.top.map { ($0.slot, $0.rank.value) } }

    func contains(_ slot: Int) -> Bool { places[slot] != nil }

    mutating func put(_ slot: Int, at time: Int64) {
        heap.put(slot, HeapRank(value: time, turn: 0), &places)
    }

    mutating func remove(_ slot: Int) {
        heap.remove(slot, &places)
    }

    /// Takes out the first one if its time has come.
    mutating func pop(upTo time: Int64) -> Int? {
        guard let first, first.time <= time else { return nil }
        heap.remove(first.slot, &places)
        return first.slot
    }
}
