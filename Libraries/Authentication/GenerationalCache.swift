/// A dictionary of bounded size that evicts by generations: when the young one is full it becomes the old one, and the
/// previous old one, whose entries were not written since, is dropped. So a write costs the same however full the table
/// is.
struct GenerationalCache<Key: Hashable, Value> {
    private let generationLimit: Int
    private(set) var young: [Key: Value] = [:]
    private(set) var old: [Key: Value] = [:]

    /// - Parameter limit: the most entries; the half of it written last is never evicted.
    init(limit: Int) {
        generationLimit = max(1, limit / 2)
    }

    /// Writing moves an entry to the young generation; `nil` removes it.
    subscript(key: Key) -> Value? {
        get { young[key] ?? old[key] }
        set {
            old[key] = nil
            if newValue != nil, young.count >= generationLimit, young[key] == nil {
                old = young
                young = [:]
            }
            young[key] = newValue
        }
    }

    /// Changes an entry of the young generation in place, with one hash look-up.
    ///
    /// - Returns: what `change` returned; nil when the young generation has no such entry.
    mutating func updateYoung<Result>(_ key: Key, _ change: (inout Value) -> Result) -> Result? {
        guard let index = young.index(forKey: key) else { return nil }
        return change(&young.values[index])
    }

    mutating func removeAll() {
        young = [:]
        old = [:]
    }
}
