/// A first-in, first-out queue: append and pop in constant time.
struct FIFO<Element> {
    private var storage: [Element?] = []
    private var head = 0

    var count: Int { storage.count - head }
    var isEmpty: Bool { head == storage.count }
    var first: Element? { isEmpty ? nil : storage[head] }

    mutating func append(_ element: Element) { storage.append(element) }

    mutating func popFirst() -> Element? {
        guard head < storage.count else { return nil }
        let element = storage[head]
        storage[head] = nil
        head += 1
        if head == storage.count {
            storage.removeAll(keepingCapacity: storage.count <= 4096)
            head = 0
        } else if head > 1024, head * 2 > storage.count {
            storage.removeFirst(head)
            head = 0
        }
        return element
    }

    /// Takes everything out, oldest first.
    mutating func takeAll() -> [Element] {
        defer { self = FIFO() }
        return storage[head...].compactMap { $0 }
    }

    mutating func removeAll(where predicate: (Element) -> Bool) {
        var remaining = FIFO()
        for element in storage[head...] {
            if let element, !predicate(element) { remaining.append(element) }
        }
        self = remaining
    }

    func forEach(_ body: (Element) -> Void) {
        for element in storage[head...] {
            if let element { body(element) }
        }
    }
}
