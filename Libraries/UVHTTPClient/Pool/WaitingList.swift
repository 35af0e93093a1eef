/// Elements in the order of their coming, which may leave from anywhere and are let go at once: connections that hang
/// may keep calls waiting, with their bodies, for as long as there are more of those.
struct WaitingList<Element> {
    /// Names one element of one list; never given twice.
    struct Ticket: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct Slot {
        let ticket: Ticket
        var element: Element?
    }

    /// Empty slots that are not worth a pass over the list.
    private static var slack: Int { 64 }

    /// In the order of the tickets; without an element where one has left.
    private var slots: [Slot] = []
    /// The first slot that is not known to be empty.
    private var head = 0
    private var nextNumber: UInt64 = 0
    private(set) var count = 0

    mutating func append(_ element: Element) -> Ticket {
        let ticket = Ticket(number: nextNumber)
        nextNumber += 1
        slots.append(Slot(ticket: ticket, element: element))
        count += 1
        return ticket
    }

    /// - Returns: nil when it has left before.
    @discardableResult
    mutating func remove(_ ticket: Ticket) -> Element? {
        guard let index = index(of: ticket), let element = slots[index].element else { return nil }
        slots[index].element = nil
        count -= 1
        compact()
        return element
    }

    mutating func popFirst() -> Element? {
        while head < slots.count {
            let element = slots[head].element
            slots[head].element = nil
            head += 1
            guard let element else { continue }
            count -= 1
            compact()
            return element
        }
        return nil
    }

    /// Takes out those for which the condition holds, in order.
    mutating func removeAll(where condition: (Element) -> Bool) -> [Element] {
        var removed: [Element] = []
        for index in slots[head...].indices {
            guard let element = slots[index].element, condition(element) else { continue }
            slots[index].element = nil
            removed.append(element)
        }
        count -= removed.count
        compact()
        return removed
    }

    func forEach(_ body: (Element) -> Void) {
        for slot in slots[head...] { if let element = slot.element { body(element) } }
    }

    private func index(of ticket: Ticket) -> Int? {
        var (low, high) = (head, slots.count)
        while low < high {
            let middle = (low + high) / 2
            if slots[middle].ticket.number < ticket.number { low = middle + 1 } else { high = middle }
        }
        return low < slots.count && slots[low].ticket == ticket ? low : nil
    }

    /// Each pass over the list is paid for by as many elements that have left.
    private mutating func compact() {
        guard slots.count > 2 * count + Self.slack else { return }
        slots.removeAll { $0.element == nil }
        head = 0
    }
}
