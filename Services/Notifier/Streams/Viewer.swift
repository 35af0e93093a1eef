import Contracts
import EventLoop
import Foundation

/// One open stream: sends its client what the hub hands over, and keeps a bounded part of that while the client is not
/// ready for it.
///
/// `@unchecked Sendable`: confined to the loop; `end` goes there first.
final class Viewer: @unchecked Sendable {
    /// Events that wait for a slow client, and their bytes, but for one of any size; what comes beyond is dropped,
    /// counted and told.
    static let capacity = 256
    static let capacityBytes = 1 << 20
    /// A stream that is idle says so this often, which keeps proxies from closing it. In milliseconds, as the loop's
    /// clock.
    static let keepAlive: UInt64 = 15_000
    /// How often its token is looked at while events are sent, and while none are.
    private static let check: (busy: UInt64, idle: UInt64) = (5_000, 15_000)

    let filter: StreamFilter
    let loop: EventLoop
    private let writer: any StreamWriter
    private let memory: StreamMemory
    var format: StreamFormat { writer.format }

    /// Where it is among the viewers of its loop; nil while it is not.
    var place: Int?
    /// What the client has had already, from the log.
    private(set) var seen = LogPosition.start
    /// Its stream is to end, as soon as its client has what is being sent.
    private(set) var isOver = false
    /// Its stream has ended.
    private var isClosed = false
    private var waiting: [EventBytes] = []
    private var waitingBytes = 0
    private var dropped = 0
    /// One whose first pieces have been sent: nobody can give it up any more.
    private var unfinished: (bytes: EventBytes, next: Int)?
    /// What its connection holds until the client takes it, as it is counted among the memory of all.
    private var copied = 0
    private var sentAt: UInt64
    /// What its client had taken when it was looked at last, while something was on its way.
    private var taken = 0
    /// When it was last sent something, or seen to have taken something. In milliseconds, as the loop's clock.
    private(set) var movedAt: UInt64
    private var checkedAt: UInt64
    private var isBeingChecked = false
    /// Called once, when its stream has ended.
    var onClose: (() -> Void)?
    /// Called when it is time to look at its token; `isChecked` or `end` is the answer.
    var onCheck: (() -> Void)?

    /// On the loop.
    init(filter: StreamFilter, writer: some StreamWriter, on loop: EventLoop, in memory: StreamMemory) {
        self.filter = filter
        self.writer = writer
        self.loop = loop
        self.memory = memory
        (sentAt, movedAt, checkedAt) = (loop.nowMilliseconds, loop.nowMilliseconds, loop.nowMilliseconds)
    }

    /// Leaves out events of the log up to this position: the client has had them.
    func start(after position: LogPosition) {
        seen = position
        movedAt = loop.nowMilliseconds
        countCopied()
    }

    /// Ends the stream when its client has what was sent. From any thread.
    func end() {
        loop.execute {
            self.isOver = true
            if self.writer.pendingBytes == 0 { self.close() }
        }
    }

    /// Ends the stream at once.
    ///
    /// - Parameter error: why the client does not have all of it, where it is still there.
    func close(_ error: (any Error)? = nil) {
        guard !isClosed else { return }
        (isOver, isClosed) = (true, true)
        (waiting, waitingBytes, unfinished) = ([], 0, nil)
        countCopied()
        let handler = onClose
        (onClose, onCheck) = (nil, nil)
        handler?()
        writer.finish(error)
    }

    // MARK: - Events

    /// Nothing of what was sent before is still here.
    private var isReady: Bool { hasNothing && writer.pendingBytes == 0 }
    private var hasNothing: Bool { unfinished == nil && waiting.isEmpty && dropped == 0 }

    /// Whether its client is to see an event, and has not yet.
    func wants(_ event: StreamEvent, _ positions: TreePositions) -> Bool {
        if let position = event.position, position <= seen { return false }
        return filter.admits(event.type, of: event.event.subject, positions)
    }

    /// Sends what concerns it of the round, or keeps it for when its client is ready; never waits.
    func take(_ round: Round) {
        guard !isOver else { return }
        let selection = round.selection(for: self)
        var taken = 0
        if isReady, !selection.events.isEmpty {
            for piece in selection.pieces {
                send(piece.bytes)
                taken = piece.end
                guard isReady else { break }
            }
        }
        round.sent += taken
        for event in selection.events[taken...] {
            if keep(event) { round.sent += 1 } else { round.dropped += 1 }
        }
    }

    private func keep(_ event: StreamEvent) -> Bool {
        // Nothing is taken behind a gap before the client has been told of it.
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
        defer { countCopied() }
        unfinished = nil
        (sentAt, movedAt) = (loop.nowMilliseconds, loop.nowMilliseconds)
        for piece in first..<bytes.pieces {
            guard writer.pendingBytes == 0 else {
                unfinished = (bytes, piece)
                return
            }
            writer.send(bytes, piece: piece)
        }
    }

    /// The client has taken all that was sent: it gets more, and is told how much it missed behind that.
    func drained() {
        countCopied()
        while !isClosed, writer.pendingBytes == 0 {
            if let (bytes, next) = unfinished {
                send(bytes, from: next)
            } else if isOver {
                close()
            } else if let bytes = takeWaiting() {
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

    /// Short ones together, or one of any length.
    private func takeWaiting() -> EventBytes? {
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

    private func countCopied() {
        let pending = isClosed ? 0 : writer.pendingBytes
        guard pending != copied else { return }
        memory.changeCopies(by: pending - copied)
        copied = pending
    }

    /// Bytes that wait for a client that was not ready for them.
    var backlog: Int { waitingBytes }
    /// Whether its client has not taken what is on its way to it since a time.
    ///
    /// - Parameter time: milliseconds on the loop's clock.
    func isStuck(since time: UInt64) -> Bool {
        (copied > 0 || unfinished != nil) && movedAt <= time
    }

    /// Gives up what waits, to be told to the client.
    ///
    /// - Returns: how many events.
    func dropBacklog() -> Int {
        let count = waiting.count
        dropped += count
        (waiting, waitingBytes) = ([], 0)
        return count
    }

    // MARK: - Time

    /// Does what is due.
    ///
    /// - Parameter now: milliseconds on the loop's clock.
    func tick(_ now: UInt64) {
        guard !isOver else { return }
        countCopied()
        if copied > 0, writer.takenBytes > taken { (taken, movedAt) = (writer.takenBytes, now) }
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

    /// Its token is still one. On the loop.
    func isChecked() {
        isBeingChecked = false
    }
}
