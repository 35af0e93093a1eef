/// What waits for a batch, oldest first, kept in batches already: adding and taking cost the same however much waits.
///
/// Of elements with a key only one of each key stands in line. The others wait behind it, and take the end of the line
/// one after the other as it is taken: so no batch holds a key twice, and none of them has to be looked for.
struct Backlog<Element> {
    /// Each full but for the last, none empty.
    private var batches: [[Element]] = []
    private var inLine: Set<AnyHashable> = []
    private var behind: [AnyHashable: Followers<Element>] = [:]
    private(set) var count = 0
    private let limit: Int
    private let key: ((Element) -> AnyHashable)?

    /// - Parameters:
    ///   - limit: the largest batch.
    ///   - key: of elements with the same key only one may stand in a batch.
    init(limit: Int, key: ((Element) -> AnyHashable)? = nil) {
        self.limit = limit
        self.key = key
    }

    mutating func add(_ element: Element) {
        count += 1
        if let key {
            let value = key(element)
            guard inLine.insert(value).inserted else {
                behind[value, default: Followers()].elements.append(element)
                return
            }
        }
        append(element)
    }

    private mutating func append(_ element: Element) {
        if let last = batches.indices.last, batches[last].count < limit {
            batches[last].append(element)
        } else {
            batches.append([element])
        }
    }

    /// Takes what is next, at most a full batch; nothing when nothing waits.
    mutating func take() -> [Element] {
        if batches.isEmpty { return [] }
        let taken = batches.removeFirst()
        count -= taken.count
        if let key { lineUpFollowers(of: taken, key) }
        return taken
    }

    private mutating func lineUpFollowers(of taken: [Element], _ key: (Element) -> AnyHashable) {
        if behind.isEmpty, batches.isEmpty { return inLine.removeAll(keepingCapacity: true) }
        for element in taken {
            let value = key(element)
            guard let next = behind[value]?.popFirst() else {
                inLine.remove(value)
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
