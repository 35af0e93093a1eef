/// What waits for a batch, oldest first. Adding and taking cost the same however much waits.
///
/// Of elements with a key only one of each key stands in line. The others wait behind it, and take the end of the line
/// one after the other as it is taken: so no batch holds a key twice, and none of them has to be looked for.
struct Backlog<Element> {
    private var line = Line<(element: Element, key: AnyHashable?)>()
    private var behind: [AnyHashable: Line<Element>] = [:]
    private(set) var count = 0

    mutating func add(_ element: Element, key: AnyHashable? = nil) {
        count += 1
        if let key {
            if behind[key] != nil {
                behind[key]?.append(element)
                return
            }
            behind[key] = Line()
        }
        line.append((element, key))
    }

    /// Takes what is next, at most `limit`.
    mutating func take(_ limit: Int) -> [Element] {
        var taken: [Element] = []
        taken.reserveCapacity(min(limit, line.count))
        var followers: [(Element, AnyHashable?)] = []
        while taken.count < limit, let (element, key) = line.popFirst() {
            taken.append(element)
            guard let key else { continue }
            // After the loop: one that follows now could fall into this very batch.
            if let next = behind[key]?.popFirst() { followers.append((next, key)) } else { behind[key] = nil }
        }
        for follower in followers { line.append(follower) }
        count -= taken.count
        return taken
    }
}

/// A queue on an array; what was taken is given back in lumps.
private struct Line<Element> {
    private var storage: [Element?] = []
    private var head = 0

    var count: Int { storage.count - head }

    mutating func append(_ element: Element) { storage.append(element) }

    mutating func popFirst() -> Element? {
        guard head < storage.count else { return nil }
        defer {
            storage[head] = nil
            head += 1
            if head == storage.count || (head > 1024 && head * 2 > storage.count) {
                storage.removeFirst(head)
                head = 0
            }
        }
        return storage[head]
    }
}
