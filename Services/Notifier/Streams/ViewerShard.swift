import Observability
import UVLoop

/// The viewers whose connections are on one loop.
///
/// Events are dispatched to the loop once, whatever the number of viewers, and written to each connection without
/// waking a task. Events that arrive during a pass are batched in the next one. Passes yield to the loop's other work.
///
/// Loop thread only.
final class ViewerShard {
    /// Time slice of a pass, after which it yields to the loop's other work.
    private static let slice: Duration = .microseconds(500)
    /// Viewers between two readings of the clock.
    private static let stride = 8
    /// The most bytes of events' data in a pass, unless a single batch is larger.
    private static let passBytes = 1 << 20
    /// The interval of passes for timers.
    private static let interval: Duration = .seconds(1)

    let loop: EventLoop
    private let memory: StreamMemory
    private let sent: Counter
    private let dropped: Counter
    private let cut: Counter
    private let stallTimeout: UInt64
    private var viewers: [Viewer] = []
    private var batches: [DispatchBatch] = []
    private var viewerPass: ViewerPass?
    private var isScheduled = false
    private var isTickDue = false
    private var timer: LoopTimer?

    /// - Parameter stallTimeout: how long a client may read nothing of what is in flight when memory is short. In
    ///   milliseconds.
    init(
        loop: EventLoop, memory: StreamMemory, stallTimeout: UInt64, sent: Counter, dropped: Counter, cut: Counter
    ) {
        self.loop = loop
        self.memory = memory
        self.sent = sent
        self.dropped = dropped
        self.cut = cut
        self.stallTimeout = stallTimeout
    }

    func add(_ viewer: Viewer) {
        viewer.shardIndex = viewers.count
        viewers.append(viewer)
        guard timer == nil else { return }
        timer = loop.makeTimer { [weak self] in
            self?.isTickDue = true
            self?.schedule()
        }
        timer?.start(after: Self.interval, repeating: Self.interval)
    }

    func remove(_ viewer: Viewer) {
        guard let shardIndex = viewer.shardIndex else { return }
        viewer.shardIndex = nil
        let last = viewers.removeLast()
        if last !== viewer {
            viewers[shardIndex] = last
            last.shardIndex = shardIndex
        }
        guard viewers.isEmpty else { return }
        timer?.close()
        timer = nil
    }

    /// Enqueues events for its viewers.
    func take(_ batch: DispatchBatch) {
        batches.append(batch)
        schedule()
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
        guard let viewerPass = viewerPass ?? nextPass() else { return }
        self.viewerPass = viewerPass
        let (end, now) = (ContinuousClock.now + Self.slice, loop.nowMilliseconds)
        while viewerPass.next < viewerPass.viewers.count {
            let viewer = viewerPass.viewers[viewerPass.next]
            if viewerPass.batches.isEmpty { viewer.tick(now) } else { viewer.take(viewerPass) }
            viewerPass.next += 1
            if viewerPass.next % Self.stride == 0, ContinuousClock.now > end { return schedule() }
        }
        self.viewerPass = nil
        finish(viewerPass)
        if !batches.isEmpty || isTickDue { schedule() }
    }

    private func nextPass() -> ViewerPass? {
        if isTickDue {
            isTickDue = false
            return ViewerPass([], viewers, in: memory)
        }
        var (count, size) = (0, 0)
        while count < batches.count, count == 0 || size + batches[count].size <= Self.passBytes {
            size += batches[count].size
            count += 1
        }
        guard count > 0 else { return nil }
        defer { batches.removeFirst(count) }
        return ViewerPass(Array(batches[..<count]), viewers, in: memory)
    }

    private func finish(_ viewerPass: ViewerPass) {
        sent.increment(by: viewerPass.sent)
        dropped.increment(by: viewerPass.dropped)
        if memory.isFull { dropBacklogs() }
        if memory.isOverfull { closeStalled() }
        for batch in viewerPass.batches { batch.finished() }
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
        let time = loop.nowMilliseconds - min(loop.nowMilliseconds, stallTimeout)
        for viewer in viewers.filter({ $0.isStalled(since: time) }).sorted(by: { $0.lastProgressAt < $1.lastProgressAt }
        ) {
            guard memory.isOverfull else { return }
            cut.increment()
            viewer.close(ClientTooSlow())
        }
    }
}
