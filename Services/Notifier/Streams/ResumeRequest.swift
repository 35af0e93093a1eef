import HTTPCore
import HTTPServer

/// Where a client wants a stream to begin.
enum ResumeRequest: Equatable, Sendable {
    /// With what comes from now on.
    case now
    /// With everything that is kept.
    case oldest
    /// Behind this event.
    case after(Int64)
    /// What it gave is no position. That is told on the stream: a refusal would end an `EventSource` for good.
    case unreadable

    /// Reads `Last-Event-ID`, which a client that reconnects by itself sends, before `?since=`, which it was opened
    /// with.
    init(_ request: Request) {
        self.init(lastEventID: request.headers["last-event-id"], since: request.query("since"))
    }

    init(lastEventID: String?, since: String?) {
        guard let text = [lastEventID, since].lazy.compactMap({ $0 }).first(where: { !$0.isEmpty }) else {
            self = .now
            return
        }
        guard let sequence = Int64(text), sequence >= 0 else {
            self = .unreadable
            return
        }
        self = sequence == 0 ? .oldest : .after(sequence)
    }
}

/// Where a stream begins.
enum StreamStart: Equatable, Sendable {
    case now
    case after(LogPosition)
    /// The client may have missed something: it is told why, and the oldest event there is.
    case reset(reason: String, oldest: Int64?, after: LogPosition)

    /// - Parameters:
    ///   - known: where the event that the client named stands; nil when the log does not have it.
    ///   - bounds: the oldest event, and the last position.
    init(_ request: ResumeRequest, known: LogPosition?, bounds: (oldest: Int64?, last: LogPosition)) {
        switch request {
        case .now: self = .now
        case .oldest: self = .after(.start)
        case .unreadable: self = .reset(reason: "not a position", oldest: bounds.oldest, after: bounds.last)
        case .after(let sequence):
            if let known {
                self = .after(known)
                return
            }
            let isOld = bounds.oldest.map { sequence < $0 } ?? false
            self = .reset(
                reason: isOld ? "older than what is kept" : "unknown position", oldest: bounds.oldest,
                after: bounds.last)
        }
    }
}
