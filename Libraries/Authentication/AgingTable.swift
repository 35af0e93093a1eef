/// A dictionary of bounded size that forgets by halves: when the younger half is full it becomes the older one, whose
/// entries, not written since, go. So an entry costs the same however full the table is.
struct AgingTable<Key: Hashable, Value> {
    private let half: Int
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]

    /// - Parameter limit: entries at most; the last half of it is always kept.
    init(limit: Int) {
        half = max(1, limit / 2)
    }

    var count: Int { young.count + old.count }

    /// Writing makes an entry a young one; `nil` forgets it.
    subscript(key: Key) -> Value? {
        get { young[key] ?? old[key] }
        set {
            old[key] = nil
            if newValue != nil, young.count >= half, young[key] == nil {
                old = young
                young = [:]
            }
            young[key] = newValue
        }
    }

    /// Changes a young entry in place, with one look at the table.
    ///
    /// - Returns: what `change` returned; nil when there is no such entry among the young ones.
    mutating func updateYoung<Result>(_ key: Key, _ change: (inout Value) -> Result) -> Result? {
        guard let index = young.index(forKey: key) else { return nil }
        return change(&young.values[index])
    }

    mutating func removeAll() {
        young = [:]
        old = [:]
    }
}
