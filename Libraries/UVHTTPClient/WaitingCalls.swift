/// Calls in the order of their coming. One that leaves, from wherever it stands, is let go at once with its request's
/// body: connections that hang may keep others waiting for as long as there are more of those. Loop thread only.
struct WaitingCalls {
    /// Where a call stands.
    struct Place {
        fileprivate(set) var next: HTTPCall?
        /// Kept by the one before it, or by the list.
        fileprivate weak var previous: HTTPCall?
    }

    private(set) var first: HTTPCall?
    private weak var last: HTTPCall?
    private(set) var count = 0

    mutating func append(_ call: HTTPCall) {
        call.place.previous = last
        if let last { last.place.next = call } else { first = call }
        last = call
        count += 1
    }

    /// - Parameter call: one that is in the list.
    mutating func remove(_ call: HTTPCall) {
        let (previous, next) = (call.place.previous, call.place.next)
        if let previous { previous.place.next = next } else { first = next }
        if let next { next.place.previous = previous } else { last = previous }
        call.place = Place()
        count -= 1
    }
}
