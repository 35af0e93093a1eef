/// Which names of one origin are being looked up and which wait for their turn: the rule, without any I/O.
struct LookupQueue {
    /// What becomes of a name.
    enum Admission {
        case start
        case wait
        case refuse
    }

    private let concurrent: Int
    private let waitingLimit: Int
    private var running = 0
    private var waiting: [String] = []

    init(concurrent: Int, waitingLimit: Int) {
        self.concurrent = concurrent
        self.waitingLimit = waitingLimit
    }

    mutating func admit(_ host: String) -> Admission {
        if running < concurrent {
            running += 1
            return .start
        }
        guard waiting.count < waitingLimit else { return .refuse }
        waiting.append(host)
        return .wait
    }

    /// A look-up has ended.
    /// - Returns: the name whose turn it is.
    mutating func finish() -> String? {
        guard !waiting.isEmpty else {
            running -= 1
            return nil
        }
        return waiting.removeFirst()
    }

    /// A name's callers have all given up before its turn.
    mutating func withdraw(_ host: String) {
        if let index = waiting.firstIndex(of: host) { waiting.remove(at: index) }
    }
}
