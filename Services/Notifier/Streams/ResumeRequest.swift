import HTTPCore
import UVHTTPServer

/// The position at which a client wants a stream to start.
enum ResumeRequest: Equatable, Sendable {
    /// New events only.
    case now
    /// The start of the log.
    case oldest
    /// After this event.
    case after(Int64)
    /// Not a valid position. Reported on the stream: an error response would end an `EventSource` permanently.
    case unreadable

    /// `Last-Event-ID`, which a client sends when it reconnects, takes precedence over `?since=`, with which the stream
    /// was opened first.
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

/// The position at which a stream starts.
enum StreamStart: Equatable, Sendable {
    case now
    case after(LogPosition)
    /// The client may have missed events: it is sent the reason and the oldest available event.
    case reset(reason: String, oldest: Int64?, after: LogPosition)

    /// - Parameters:
    ///   - known: the position of the event that the client named; nil when the log does not have it.
    ///   - bounds: the oldest event and the last position.
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
