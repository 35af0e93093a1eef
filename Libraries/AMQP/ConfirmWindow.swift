/// The messages that were sent and not confirmed yet, by their publishing sequence number, which counts from 1 on
/// every channel. Pure bookkeeping.
struct ConfirmWindow<Element> {
    private var slots: [Element?] = []
    /// Slots before this one are settled; they are removed in bulk.
    private var head = 0
    private var nextNumber: UInt64 = 1
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    private var firstNumber: UInt64 { nextNumber - UInt64(slots.count - head) }

    /// - Returns: the sequence number that the broker will confirm it by.
    @discardableResult
    mutating func append(_ element: Element) -> UInt64 {
        slots.append(element)
        count += 1
        defer { nextNumber += 1 }
        return nextNumber
    }

    /// Removes the messages that a confirm covers; numbers that are not outstanding are ignored.
    ///
    /// - Parameter multiple: all numbers up to this one. With number 0, all.
    mutating func settle(_ number: UInt64, multiple: Bool, _ body: (Element) -> Void) {
        let last = multiple && number == 0 ? nextNumber - 1 : number
        guard last >= firstNumber, last < nextNumber else { return }
        let lastIndex = head + Int(last - firstNumber)
        for index in (multiple ? head : lastIndex)...lastIndex {
            guard let element = slots[index] else { continue }
            slots[index] = nil
            count -= 1
            body(element)
        }
        while head < slots.count, slots[head] == nil { head += 1 }
        guard head > 1024 || head == slots.count else { return }
        slots.removeFirst(head)
        head = 0
    }

    /// The one that has waited longest.
    var oldest: Element? { head < slots.count ? slots[head] : nil }
}
