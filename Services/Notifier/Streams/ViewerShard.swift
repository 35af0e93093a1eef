import EventLoop
import Observability

/// The viewers whose connections are on one loop.
///
/// Events are dispatched to the loop once, whatever the number of viewers, and written to each connection without
/// waking a task. Events that arrive during a pass are batched in the next one. Passes yield to the loop's other work.
///
/// `@unchecked Sendable`: confined to the loop; `take` goes there first.
final class ViewerShard: @unchecked Sendable {
    /// Time slice of a pass, after which it yields to the loop's other work.
    private static let slice: Duration = .microseconds(500)
    /// Viewers between two readings of the clock.
    private static let stride = 8
    /// The most bytes of events' data in a pass, unless a single batch is larger.
    private static let roundBytes = 1 << 20
    /// The interval of passes for timers.
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

    /// - Parameter patience: how long a client may read nothing of what is in flight when memory is short. In
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

    /// Enqueues events for its viewers. From any thread.
    func take(_ handover: Handover) {
        loop.execute {
            self.handovers.append(handover)
            self.schedule()
        }
    }

    // MARK: - Passes

    private func schedule() {
        guard !isScheduled else { return }
        isScheduled = true
        // In a later iteration of the loop, even on the loop: batches until then are coalesced.
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
        if memory.isOverfull { closeStalled() }
        for handover in round.handovers { handover.finished() }
    }

    /// Drops backlogs of this loop, the largest first, until memory is below the limit.
    private func dropBacklogs() {
        let slow = viewers.filter { $0.backlog > 0 }
        for viewer in slow.sorted(by: { $0.backlog > $1.backlog }) {
            guard memory.isFull else { return }
            dropped.increment(by: viewer.dropBacklog())
        }
    }

    /// Closes streams whose clients have stopped reading, the longest stalled first, until memory is below the limit.
    /// They resume when they reconnect.
    private func closeStalled() {
        let time = loop.nowMilliseconds - min(loop.nowMilliseconds, patience)
        for viewer in viewers.filter({ $0.isStuck(since: time) }).sorted(by: { $0.movedAt < $1.movedAt }) {
            guard memory.isOverfull else { return }
            cut.increment()
            viewer.close(ClientTooSlow())
        }
    }
}
