import Contracts
import Foundation
import Postgres
import UVHTTPServer
import UVLoop

/// Replays the log from a client's position to the hub's, without gaps or duplicates.
///
/// The log is read in pages, each once the client has read the previous one: a client that does not read holds one
/// page, and the pages of one caller's clients are limited by a quota.
struct StreamReplay: Sendable {
    /// Bytes of events' data in a page.
    static let pageBytes = 256 << 10
    /// Memory budgets of the pages of all viewers, and of those of one workspace.
    private static let memory = (everyone: 64 << 20, workspace: 2 << 20)
    /// How long a viewer waits for a reservation before the stream ends; its client reconnects.
    private static let reservationTimeout: Duration = .seconds(20)
    /// Polling interval while the hub has not read its log yet.
    private static let pause: Duration = .milliseconds(50)

    let log: EventLog
    let hub: EventHub
    private let positions: TreePositionCache
    /// Accounts for events being sent.
    let events: StreamMemory
    /// The keep-alive interval during a replay, in which no event may match the filter.
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

    /// Resolves the position at which a client wants a stream to start.
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

    /// Replays what the client missed, until the viewer has caught up with the hub and is attached to it. On the
    /// request's loop.
    ///
    /// - Returns: false without a reservation, or when its token is no longer valid: the stream should end.
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
                guard !viewer.isEnding else { return false }
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
        while !viewer.isEnding {
            // Taken before the log is read, which then includes everything up to here.
            let hubPosition = hub.position
            guard
                let page = try await send(
                    after: position, isComplete: position != .start, to: viewer, request, writer, &token)
            else { return false }
            if let end = page.end { position = end }
            guard page.isLast else { continue }
            if let hubPosition { position = max(position, hubPosition) }
            if hub.attach(viewer, at: position) { return true }
            if hubPosition == nil { try await request.loop.sleep(for: Self.pause) }
        }
        return false
    }

    /// Sends one page of the log.
    ///
    /// - Parameter isComplete: requires that no entry was pruned since the client's position was resolved; else the
    ///   stream ends, and the client gets a reset when it resumes.
    /// - Returns: the page's end; nil without a reservation, with an invalid token, or when entries are missing.
    private func send(
        after position: LogPosition, isComplete: Bool, to viewer: Viewer, _ request: Request,
        _ writer: some StreamWriter,
        _ token: inout TokenCheck
    ) async throws -> (end: LogPosition?, isLast: Bool)? {
        guard
            let reservation = try? await pieces.take(
                Self.pageBytes, for: request.caller, within: Self.reservationTimeout, on: request.loop)
        else { return nil }
        // Checked after the wait for a reservation, which may be long.
        guard await token.isStillValid() else { return nil }
        let page = try await log.read(after: position, workspace: viewer.filter.workspace, bytes: Self.pageBytes)
        if isComplete, try await !log.isComplete(after: position) { return nil }
        reservation.resize(to: page.entries.reduce(0) { $0 + $1.event.data.bytes.count + 500 })
        try await write(page.entries, to: viewer, writer)
        withExtendedLifetime(reservation) {}
        return (page.end, page.isLast)
    }

    /// Writes the entries that the viewer may see, short ones in batches.
    private func write(_ entries: [LogEntry], to viewer: Viewer, _ writer: some StreamWriter) async throws {
        let agents = viewer.filter.agent.map { [$0] } ?? []
        let positions = try await positions.find(of: entries.map(\.event), for: Set(agents))
        var batch: [EventBytes] = []
        var bytes = 0
        for entry in entries where viewer.filter.admits(entry.event, positions) {
            guard let text = writer.format.text(of: entry.event) else { continue }
            if !batch.isEmpty, bytes + text.count > EventBytes.piece {
                try await writer.write(batch)
                (batch, bytes) = ([], 0)
            }
            batch.append(EventBytes(text, as: writer.format, in: events))
            bytes += text.count
        }
        if !batch.isEmpty { try await writer.write(batch) }
    }
}
