/// What waits for a batch, oldest first, kept in batches already: adding and taking cost the same however much waits.
///
/// Of elements with a key only one of each key stands in line, or is in a batch under way. The others wait behind it, and
/// take the end of the line one after the other as it is finished: so no two batches that run at once, nor one of
/// them, hold a key twice, and none of them has to be looked for.
struct Backlog<Element> {
    /// Each full but for the last, none empty.
    private var batches: [[Element]] = []
    /// Of what stands in line or is in a batch under way.
    private var keys: Set<AnyHashable> = []
    private var behind: [AnyHashable: Followers<Element>] = [:]
    private(set) var count = 0
    /// How many of them a batch could take now.
    private(set) var ready = 0
    private let limit: Int
    private let key: ((Element) -> AnyHashable)?

    /// - Parameters:
    ///   - limit: the largest batch.
    ///   - key: of elements with the same key only one may be in batches under way.
    init(limit: Int, key: ((Element) -> AnyHashable)? = nil) {
        self.limit = limit
        self.key = key
    }

    mutating func add(_ element: Element) {
        count += 1
        if let key {
            let value = key(element)
            guard keys.insert(value).inserted else {
                behind[value, default: Followers()].elements.append(element)
                return
            }
        }
        append(element)
    }

    private mutating func append(_ element: Element) {
        ready += 1
        if let last = batches.indices.last, batches[last].count < limit {
            batches[last].append(element)
        } else {
            batches.append([element])
        }
    }

    /// Takes what is next, at most a full batch; nothing when nothing may be taken. What was taken is to be finished.
    mutating func take() -> [Element] {
        if batches.isEmpty { return [] }
        let taken = batches.removeFirst()
        count -= taken.count
        ready -= taken.count
        return taken
    }

    /// A batch that was taken is done with: what waits behind its keys follows.
    mutating func finish(_ batch: [Element]) {
        guard let key else { return }
        // All keys are this batch's, as mostly.
        if behind.isEmpty, keys.count == batch.count { return keys.removeAll(keepingCapacity: true) }
        for element in batch {
            let value = key(element)
            guard let next = behind[value]?.popFirst() else {
                keys.remove(value)
                continue
            }
            if behind[value]?.isEmpty == true { behind[value] = nil }
            append(next)
        }
    }
}

/// Elements of one key, behind the one that stands in line.
private struct Followers<Element> {
    var elements: [Element?] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            elements[head] = nil
            head += 1
            if head > 1024 && head * 2 > elements.count {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }
}
