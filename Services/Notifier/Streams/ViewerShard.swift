import EventLoop
import Observability

/// The viewers whose connections are on one loop.
///
/// Events are handed over to the loop once, whatever the number of viewers, and go from here to each connection without
/// a task's waking up. What comes while a round is under way goes together in the next one. Rounds give way to the
/// loop's other work.
///
/// `@unchecked Sendable`: confined to the loop; `take` goes there first.
final class ViewerShard: @unchecked Sendable {
    /// How long the loop's other work waits for a round.
    private static let slice: Duration = .microseconds(500)
    /// How many viewers between two looks at the clock.
    private static let stride = 8
    /// Data of events in a round, but for those that came together.
    private static let roundBytes = 1 << 20
    /// How often viewers are looked at for what is due without an event.
    private static let interval: Duration = .seconds(1)

    let loop: EventLoop
    private let memory: StreamMemory
    private let sent: Counter
    private let dropped: Counter
    private let cut: Counter
    private let patience: UInt64
    private var viewers: [Viewer] = []
    private var handovers: [Handover] = []
    private var round: Round?
    private var isScheduled = false
    private var isTickDue = false
    private var timer: LoopTimer?

    /// - Parameter patience: how long a client may take nothing of what is on its way, where memory is short. In
    ///   milliseconds.
    init(
        loop: EventLoop, memory: StreamMemory, patience: UInt64, sent: Counter, dropped: Counter, cut: Counter
    ) {
        self.loop = loop
        self.memory = memory
        self.sent = sent
        self.dropped = dropped
        self.cut = cut
        self.patience = patience
    }

    func add(_ viewer: Viewer) {
        viewer.place = viewers.count
        viewers.append(viewer)
        guard timer == nil else { return }
        timer = loop.makeTimer { [weak self] in
            self?.isTickDue = true
            self?.schedule()
        }
        timer?.start(after: Self.interval, repeating: Self.interval)
    }

    func remove(_ viewer: Viewer) {
        guard let place = viewer.place else { return }
        viewer.place = nil
        let last = viewers.removeLast()
        if last !== viewer {
            viewers[place] = last
            last.place = place
        }
        guard viewers.isEmpty else { return }
        timer?.close()
        timer = nil
    }

    /// Takes events over for its viewers. From any thread.
    func take(_ handover: Handover) {
        loop.execute {
            self.handovers.append(handover)
            self.schedule()
        }
    }

    // MARK: - Rounds

    private func schedule() {
        guard !isScheduled else { return }
        isScheduled = true
        // In a later round of the loop, even here: what is handed over until then goes together.
        loop.post { self.run() }
    }

    private func run() {
        isScheduled = false
        guard let round = round ?? nextRound() else { return }
        self.round = round
        let (end, now) = (ContinuousClock.now + Self.slice, loop.nowMilliseconds)
        while round.next < round.viewers.count {
            let viewer = round.viewers[round.next]
            if round.handovers.isEmpty { viewer.tick(now) } else { viewer.take(round) }
            round.next += 1
            if round.next % Self.stride == 0, ContinuousClock.now > end { return schedule() }
        }
        self.round = nil
        finish(round)
        if !handovers.isEmpty || isTickDue { schedule() }
    }

    private func nextRound() -> Round? {
        if isTickDue {
            isTickDue = false
            return Round([], viewers, in: memory)
        }
        var (count, size) = (0, 0)
        while count < handovers.count, count == 0 || size + handovers[count].size <= Self.roundBytes {
            size += handovers[count].size
            count += 1
        }
        guard count > 0 else { return nil }
        defer { handovers.removeFirst(count) }
        return Round(Array(handovers[..<count]), viewers, in: memory)
    }

    private func finish(_ round: Round) {
        sent.increment(by: round.sent)
        dropped.increment(by: round.dropped)
        if memory.isFull { dropBacklogs() }
        if memory.isOverfull { endStuck() }
        for handover in round.handovers { handover.finished() }
    }

    /// Takes from the slowest of the loop first, until the rest may stay.
    private func dropBacklogs() {
        let slow = viewers.filter { $0.backlog > 0 }
        for viewer in slow.sorted(by: { $0.backlog > $1.backlog }) {
            guard memory.isFull else { return }
            dropped.increment(by: viewer.dropBacklog())
        }
    }

    /// Ends streams whose clients have taken nothing of what is on its way to them, for the longest first, until the rest
    /// may stay: they get it when they come again.
    private func endStuck() {
        let time = loop.nowMilliseconds - min(loop.nowMilliseconds, patience)
        for viewer in viewers.filter({ $0.isStuck(since: time) }).sorted(by: { $0.movedAt < $1.movedAt }) {
            guard memory.isOverfull else { return }
            cut.increment()
            viewer.close(ClientTooSlow())
        }
    }
}
