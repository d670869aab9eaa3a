/// A queue: what comes first leaves first, both at a constant cost.
struct FIFO<Element>: Sequence {
    private var elements: [Element?] = []
    private var head = 0

    func makeIterator() -> some IteratorProtocol<Element> {
        elements[head...].lazy.compactMap { $0 }.makeIterator()
    }

    var count: Int { elements.count - head }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let element = elements[head]
        elements[head] = nil
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 64, head * 2 > elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }

    /// Takes out all that fit, in order.
    mutating func remove(where isRemoved: (Element) -> Bool) -> [Element] {
        let all = Array(self)
        elements = all.filter { !isRemoved($0) }
        head = 0
        return all.filter(isRemoved)
    }
}
