/// A first-in, first-out queue: append and pop in constant time. Inlinable: several go with every query.
package struct FIFO<Element> {
    @usableFromInline var storage: [Element?] = []
    @usableFromInline var head = 0

    /// An empty queue.
    @inlinable package init() {}

    /// Elements in it.
    @inlinable package var count: Int { storage.count - head }
    /// Whether there is none.
    @inlinable package var isEmpty: Bool { head == storage.count }
    /// The oldest, which stays.
    @inlinable package var first: Element? { isEmpty ? nil : storage[head] }

    /// Adds an element behind all others.
    @inlinable package mutating func append(_ element: Element) { storage.append(element) }

    /// Takes the oldest out.
    @discardableResult
    @inlinable package mutating func popFirst() -> Element? {
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
    @inlinable package mutating func takeAll() -> [Element] {
        defer { self = FIFO() }
        return storage[head...].compactMap { $0 }
    }

    /// Drops those for which the predicate holds; the others keep their order.
    @inlinable package mutating func removeAll(where predicate: (Element) -> Bool) {
        var remaining = FIFO()
        for element in storage[head...] {
            if let element, !predicate(element) { remaining.append(element) }
        }
        self = remaining
    }

    /// Visits all, oldest first.
    @inlinable package func forEach(_ body: (Element) -> Void) {
        for element in storage[head...] {
            if let element { body(element) }
        }
    }
}
