import Contracts
import Foundation
import UVLoop

/// The live part of one open stream: sends the hub's events to its client, with a bounded backlog while the client is
/// not ready.
///
/// `@unchecked Sendable`: confined to the loop; `end` goes there first.
final class Viewer: @unchecked Sendable {
    /// Limits of a slow client's backlog in events and bytes; a single event may have any size. Events beyond are
    /// dropped and counted, and the client is notified.
    static let capacity = 256
    static let capacityBytes = 1 << 20
    /// Keep-alive interval of an idle stream, so that proxies do not close it. In milliseconds, as the loop's clock.
    static let keepAlive: UInt64 = 15_000
    /// Intervals of token checks while events are sent, and while the stream is idle. In milliseconds.
    private static let check: (busy: UInt64, idle: UInt64) = (5_000, 15_000)

    let filter: StreamFilter
    let loop: EventLoop
    private let writer: any StreamWriter
    private let memory: StreamMemory
    var format: StreamFormat { writer.format }

    /// Its index among the viewers of its loop; nil while it is not attached.
    var shardIndex: Int?
    /// The position up to which the client has the log already.
    private(set) var seen = LogPosition.start
    /// Whether its stream is ending, as soon as pending output is drained.
    private(set) var isEnding = false
    /// Whether its stream has ended.
    private var isClosed = false
    private var waiting: [EventBytes] = []
    private var waitingBytes = 0
    private var dropped = 0
    /// An event whose first chunks have been sent, so that it cannot be dropped any more.
    private var unfinished: (bytes: EventBytes, next: Int)?
    /// Pending bytes of its connection, as counted in the shared memory.
    private var countedCopies = 0
    private var sentAt: UInt64
    /// The writer's `takenBytes` at the last check while output was in flight.
    private var lastTakenBytes = 0
    /// When it was last sent data, or made progress in reading. In milliseconds, as the loop's clock.
    private(set) var lastProgressAt: UInt64
    private var checkedAt: UInt64
    private var isBeingChecked = false
    /// Called once, when its stream has ended.
    var onClose: (() -> Void)?
    /// Called when a check of its token is due, to be followed by `tokenCheckSucceeded` or `end`.
    var onCheck: (() -> Void)?

    /// On the loop.
    init(filter: StreamFilter, writer: some StreamWriter, on loop: EventLoop, in memory: StreamMemory) {
        self.filter = filter
        self.writer = writer
        self.loop = loop
        self.memory = memory
        (sentAt, lastProgressAt, checkedAt) = (loop.nowMilliseconds, loop.nowMilliseconds, loop.nowMilliseconds)
    }

    /// Skips events of the log up to this position: the client has them.
    func start(after position: LogPosition) {
        seen = position
        lastProgressAt = loop.nowMilliseconds
        countCopies()
    }

    /// Ends the stream once pending output is drained. From any thread.
    func end() {
        loop.execute {
            self.isEnding = true
            if self.writer.pendingBytes == 0 { self.close() }
        }
    }

    /// Ends the stream at once.
    ///
    /// - Parameter error: why the stream is incomplete, when the client is still connected.
    func close(_ error: (any Error)? = nil) {
        guard !isClosed else { return }
        (isEnding, isClosed) = (true, true)
        (waiting, waitingBytes, unfinished) = ([], 0, nil)
        countCopies()
        let handler = onClose
        (onClose, onCheck) = (nil, nil)
        handler?()
        writer.finish(error)
    }

    // MARK: - Events

    /// No earlier output is pending.
    private var isReady: Bool { isBacklogEmpty && writer.pendingBytes == 0 }
    private var isBacklogEmpty: Bool { unfinished == nil && waiting.isEmpty && dropped == 0 }

    /// Whether its filter admits an event that its client does not have yet.
    func wants(_ event: StreamEvent, _ positions: TreePositions) -> Bool {
        if let position = event.position, position <= seen { return false }
        return filter.admits(event.type, of: event.event.subject, positions)
    }

    /// Sends its selection of the pass's events, or buffers it while its client is not ready; never waits.
    func take(_ viewerPass: ViewerPass) {
        guard !isEnding else { return }
        let selection = viewerPass.selection(for: self)
        var sentCount = 0
        if isReady, !selection.events.isEmpty {
            for piece in selection.pieces {
                send(piece.bytes)
                sentCount = piece.end
                guard isReady else { break }
            }
        }
        viewerPass.sent += sentCount
        for event in selection.events[sentCount...] {
            if buffer(event) { viewerPass.sent += 1 } else { viewerPass.dropped += 1 }
        }
    }

    private func buffer(_ event: StreamEvent) -> Bool {
        // Nothing is buffered behind a gap before the client has been notified of it.
        guard dropped == 0, !memory.isOverfull, waiting.count < Self.capacity else {
            dropped += 1
            return false
        }
        let bytes = event.bytes(as: format)
        guard waiting.isEmpty || waitingBytes + bytes.count <= Self.capacityBytes else {
            dropped += 1
            return false
        }
        waiting.append(bytes)
        waitingBytes += bytes.count
        return true
    }

    private func send(_ bytes: EventBytes, from first: Int = 0) {
        defer { countCopies() }
        unfinished = nil
        (sentAt, lastProgressAt) = (loop.nowMilliseconds, loop.nowMilliseconds)
        for piece in first..<bytes.pieces {
            guard writer.pendingBytes == 0 else {
                unfinished = (bytes, piece)
                return
            }
            writer.send(bytes, piece: piece)
        }
    }

    /// All output was written: sends the backlog, and after it the number of dropped events.
    func drained() {
        countCopies()
        while !isClosed, writer.pendingBytes == 0 {
            if let (bytes, next) = unfinished {
                send(bytes, from: next)
            } else if isEnding {
                close()
            } else if let bytes = nextOfBacklog() {
                send(bytes)
            } else if dropped > 0 {
                let count = dropped
                dropped = 0
                send(EventBytes(format.lagged(count), as: format, in: memory))
            } else {
                return
            }
        }
    }

    /// Several short ones joined, or one of any length.
    private func nextOfBacklog() -> EventBytes? {
        guard let first = waiting.first else { return nil }
        var (count, bytes) = (1, first.count)
        while count < waiting.count, bytes + waiting[count].count <= EventBytes.piece {
            bytes += waiting[count].count
            count += 1
        }
        defer {
            waiting.removeFirst(count)
            waitingBytes -= bytes
        }
        return .joined(waiting[..<count], as: format, in: memory)
    }

    private func countCopies() {
        let pending = isClosed ? 0 : writer.pendingBytes
        guard pending != countedCopies else { return }
        memory.changeCopies(by: pending - countedCopies)
        countedCopies = pending
    }

    /// Bytes buffered for a client that was not ready.
    var backlog: Int { waitingBytes }
    /// Whether its client has read nothing of the output in flight since a time.
    ///
    /// - Parameter time: milliseconds on the loop's clock.
    func isStalled(since time: UInt64) -> Bool {
        (countedCopies > 0 || unfinished != nil) && lastProgressAt <= time
    }

    /// Drops the backlog; the client will be notified.
    ///
    /// - Returns: the number of dropped events.
    func dropBacklog() -> Int {
        let count = waiting.count
        dropped += count
        (waiting, waitingBytes) = ([], 0)
        return count
    }

    // MARK: - Time

    /// Runs what is due by time: keep-alive and token check.
    ///
    /// - Parameter now: milliseconds on the loop's clock.
    func tick(_ now: UInt64) {
        guard !isEnding else { return }
        countCopies()
        if countedCopies > 0, writer.takenBytes > lastTakenBytes {
            (lastTakenBytes, lastProgressAt) = (writer.takenBytes, now)
        }
        let isBusy = sentAt > checkedAt
        if isReady, now >= sentAt + Self.keepAlive {
            sentAt = now
            writer.keepAlive()
        }
        guard !isBeingChecked, now >= checkedAt + (isBusy ? Self.check.busy : Self.check.idle) else { return }
        isBeingChecked = true
        checkedAt = now
        onCheck?()
    }

    /// The token check succeeded. On the loop.
    func tokenCheckSucceeded() {
        isBeingChecked = false
    }
}
