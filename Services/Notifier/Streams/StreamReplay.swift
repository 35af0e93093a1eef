import Contracts
import EventLoop
import Foundation
import HTTPServer
import PostgresClient

/// Brings a viewer from where its client left off to where the hub is, so that there is neither a gap nor a double.
///
/// The log is read a piece at a time, the next one when the client has taken the one before: a client that does not
/// read holds one piece, and of one caller's clients only a few hold one at a time.
struct StreamReplay: Sendable {
    /// Data of events in a piece.
    static let pieceBytes = 256 << 10
    /// What pieces of all viewers may take together, and what those of one workspace may.
    private static let memory = (everyone: 64 << 20, workspace: 2 << 20)
    /// How long a viewer waits for its turn before the stream ends; its client will come again.
    private static let patience: Duration = .seconds(20)
    /// How soon a viewer looks again for a hub that has not read its log yet.
    private static let pause: Duration = .milliseconds(50)

    let log: EventLog
    let hub: EventHub
    private let positions: TreePositionCache
    /// What events take that are being sent.
    let events: StreamMemory
    /// How often a client hears something meanwhile, though nothing of what is read may concern it.
    private let keepAlive: Duration
    private let pieces = CallerQuota(total: memory.everyone) { caller in
        caller.isWorkspace ? memory.workspace : memory.everyone / 2
    }

    init(
        log: EventLog, hub: EventHub, positions: TreePositionCache, events: StreamMemory,
        keepAlive: Duration = .milliseconds(Viewer.keepAlive)
    ) {
        self.log = log
        self.hub = hub
        self.positions = positions
        self.events = events
        self.keepAlive = keepAlive
    }

    /// Where a stream begins that a client asks for.
    func start(_ request: ResumeRequest) async throws(PostgresError) -> StreamStart {
        var known: LogPosition?
        switch request {
        case .now: return .now
        case .oldest: return .after(.start)
        case .after(let sequence): known = try await log.position(ofSequence: sequence)
        case .unreadable: break
        }
        if let known { return .after(known) }
        return StreamStart(request, known: nil, bounds: try await log.bounds())
    }

    /// Sends what the client missed, until the viewer has caught up with the hub and gets the rest from there. On the
    /// request's loop.
    ///
    /// - Returns: false when there was no room for it, or its token is no longer valid: the stream should end.
    func attach(
        _ viewer: Viewer, from start: StreamStart, _ request: Request, _ writer: some StreamWriter,
        _ token: inout TokenCheck
    ) async throws -> Bool {
        let timer = request.loop.makeTimer { if writer.pendingBytes == 0 { writer.keepAlive() } }
        timer.start(after: keepAlive, repeating: keepAlive)
        defer { timer.close() }
        switch start {
        case .now:
            while !hub.attachNow(viewer) {
                guard !viewer.isOver else { return false }
                try await request.loop.sleep(for: Self.pause)
            }
            return true
        case .after(let position):
            return try await replay(after: position, to: viewer, request, writer, &token)
        case .reset(let reason, let oldest, let position):
            let reset = writer.format.reset(reason, position: position.sequence, oldest: oldest)
            try await writer.write([EventBytes(reset, as: writer.format, in: events)])
            return try await replay(after: position, to: viewer, request, writer, &token)
        }
    }

    private func replay(
        after start: LogPosition, to viewer: Viewer, _ request: Request, _ writer: some StreamWriter,
        _ token: inout TokenCheck
    ) async throws -> Bool {
        var position = start
        while !viewer.isOver {
            // Read before the log: what is readable then covers everything up to here.
            let hubPosition = hub.position
            guard
                let page = try await send(
                    after: position, isWhole: position != .start, to: viewer, request, writer, &token)
            else { return false }
            if let end = page.end { position = end }
            guard page.isLast else { continue }
            if let hubPosition { position = max(position, hubPosition) }
            if hub.attach(viewer, at: position) { return true }
            if hubPosition == nil { try await request.loop.sleep(for: Self.pause) }
        }
        return false
    }

    /// Sends one piece of the log.
    ///
    /// - Parameter isWhole: nothing of it may be missing. What was pruned since the client's position was found would be;
    ///   the client comes again then, and is told.
    /// - Returns: where it ended; nil when there was no room for it, the token is no longer valid, or some of it is gone.
    private func send(
        after position: LogPosition, isWhole: Bool, to viewer: Viewer, _ request: Request, _ writer: some StreamWriter,
        _ token: inout TokenCheck
    ) async throws -> (end: LogPosition?, isLast: Bool)? {
        guard
            let reservation = try? await pieces.take(
                Self.pieceBytes, for: request.caller, within: Self.patience, on: request.loop)
        else { return nil }
        // Asked behind the wait for a turn, which may be long.
        guard await token.isStillValid() else { return nil }
        let page = try await log.read(after: position, workspace: viewer.filter.workspace, bytes: Self.pieceBytes)
        if isWhole, try await !log.isWhole(after: position) { return nil }
        reservation.resize(to: page.entries.reduce(0) { $0 + $1.event.data.bytes.count + 500 })
        try await write(page.entries, to: viewer, writer)
        withExtendedLifetime(reservation) {}
        return (page.end, page.isLast)
    }

    /// Short events are sent together.
    private func write(_ entries: [LogEntry], to viewer: Viewer, _ writer: some StreamWriter) async throws {
        let agents = viewer.filter.agent.map { [$0] } ?? []
        let positions = try await positions.find(of: entries.map(\.event), for: Set(agents))
        var together: [EventBytes] = []
        var bytes = 0
        for entry in entries where viewer.filter.admits(entry.event, positions) {
            guard let text = writer.format.text(of: entry.event) else { continue }
            if !together.isEmpty, bytes + text.count > EventBytes.piece {
                try await writer.write(together)
                (together, bytes) = ([], 0)
            }
            together.append(EventBytes(text, as: writer.format, in: events))
            bytes += text.count
        }
        if !together.isEmpty { try await writer.write(together) }
    }
}
