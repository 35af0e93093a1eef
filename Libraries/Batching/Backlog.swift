/// The elements waiting for a batch, oldest first, already grouped in batches: adding takes constant time, and
/// taking moves one reference per waiting batch.
///
/// With a key, only one element of each key is queued or in a batch in flight. The others wait behind it, and join the
/// end of the queue one after the other as each is finished: so batches in flight at the same time never hold a key
/// twice, and no search is needed.
struct Backlog<Element> {
    /// Each full but for the last, none empty.
    private var batches: [[Element]] = []
    /// The keys that are queued or in a batch in flight.
    private var keys: Set<AnyHashable> = []
    private var followers: [AnyHashable: Followers<Element>] = [:]
    private(set) var count = 0
    /// How many of them a batch could take now.
    private(set) var ready = 0
    private let limit: Int
    private let key: ((Element) -> AnyHashable)?

    /// - Parameters:
    ///   - limit: the largest batch.
    ///   - key: of elements with the same key only one may be in batches in flight.
    init(limit: Int, key: ((Element) -> AnyHashable)? = nil) {
        self.limit = limit
        self.key = key
    }

    mutating func add(_ element: Element) {
        count += 1
        if let key {
            let value = key(element)
            guard keys.insert(value).inserted else {
                followers[value, default: Followers()].elements.append(element)
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

    /// Takes the next batch, empty when there is none. A batch that was taken must be passed to ``finish(_:)``.
    mutating func take() -> [Element] {
        if batches.isEmpty { return [] }
        let taken = batches.removeFirst()
        count -= taken.count
        ready -= taken.count
        return taken
    }

    /// Ends a batch that was taken: the next element of each of its keys is queued.
    mutating func finish(_ batch: [Element]) {
        guard let key else { return }
        // The usual case: all keys are this batch's.
        if followers.isEmpty, keys.count == batch.count { return keys.removeAll(keepingCapacity: true) }
        for element in batch {
            let value = key(element)
            guard let next = followers[value]?.popFirst() else {
                keys.remove(value)
                continue
            }
            if followers[value]?.isEmpty == true { followers[value] = nil }
            append(next)
        }
    }
}

/// Elements of one key, behind the one that is queued or in flight.
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
