/// An acknowledgement to send to the broker.
enum Acknowledgement: Equatable {
    /// With `multiple`, all unsettled deliveries up to this one.
    case ack(UInt64, multiple: Bool)
    case nack(UInt64, requeue: Bool)
}

/// The deliveries of one channel that are being handled; gathers their acknowledgements, so that a run of finished
/// ones costs one frame. Pure bookkeeping: tags count up from 1 without gaps.
struct AcknowledgementWindow {
    private enum Slot { case open, done, sent }

    private var slots: [Slot] = []
    private var firstTag: UInt64 = 1
    private var pending: [Acknowledgement] = []
    private var hasChanges = false
    /// Deliveries whose handlers have not returned.
    private(set) var openCount = 0

    /// - Parameter tag: counts up; the protocol numbers deliveries from 1.
    mutating func opened(_ tag: UInt64) {
        if slots.isEmpty { firstTag = tag }
        slots.append(.open)
        openCount += 1
    }

    mutating func settle(_ tag: UInt64, _ outcome: AMQPOutcome) {
        guard tag >= firstTag, tag - firstTag < UInt64(slots.count) else { return }
        let index = Int(tag - firstTag)
        guard slots[index] == .open else { return }
        openCount -= 1
        hasChanges = true
        switch outcome {
        case .done: slots[index] = .done
        case .retry, .reject:
            slots[index] = .sent
            pending.append(.nack(tag, requeue: outcome == .retry))
        }
    }

    /// The acknowledgements to send now.
    mutating func flush() -> [Acknowledgement] {
        guard hasChanges else { return [] }
        hasChanges = false
        var commands = pending
        pending = []
        let run = slots.firstIndex(of: .open) ?? slots.count
        // A multiple acknowledgement must name a delivery that the broker still waits for: the last one done.
        if let last = slots[..<run].lastIndex(of: .done) {
            let isSingle = slots[..<last].allSatisfy { $0 == .sent }
            commands.append(.ack(firstTag + UInt64(last), multiple: !isSingle))
        }
        slots.removeFirst(run)
        firstTag += UInt64(run)
        // Behind a slow one: acknowledged one by one, so that the broker sends new deliveries.
        for index in slots.indices where slots[index] == .done {
            slots[index] = .sent
            commands.append(.ack(firstTag + UInt64(index), multiple: false))
        }
        return commands
    }
}
