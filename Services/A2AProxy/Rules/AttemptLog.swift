import Contracts
import Foundation
import HTTPCore
import JSONBytes

/// What an item's log says of a delivery that did not end it well.
package struct LoggedAttempt: Sendable, Equatable {
    package var kind: QueueStep
    /// The agent's HTTP status.
    package var status: Int?

    package init(_ kind: QueueStep, status: Int? = nil) {
        self.kind = kind
        self.status = status
    }
}

extension QueueVerdict {
    /// What the item's log keeps of it: nothing of what was delivered or dropped, which its row tells, and nothing where
    /// nothing was tried.
    ///
    /// - Parameter facts: of the item before.
    package func logged(after facts: ItemFacts, _ outcome: CallOutcome) -> LoggedAttempt? {
        let kind: QueueStep
        switch next {
        case .completed, .dropped: return nil
        case .failed: kind = .failed
        case .waits, .retries:
            if isUncertain {
                kind = .uncertain
            } else if attempts > facts.attempts {
                kind = .failed
            } else if error != nil {
                kind = .refused
            } else {
                return nil
            }
        }
        return LoggedAttempt(kind, status: outcome.agentStatus)
    }
}

extension CallOutcome {
    /// The status that the agent answered with.
    var agentStatus: Int? {
        switch self {
        case .answered(let answer): answer.status.code
        case .busy(.tooManyRequests, _): 429
        case .busy(.unavailable, _): 503
        default: nil
        }
    }
}

/// The story of a queue item, made of its columns and of its log.
package struct QueueStory: Sendable {
    package var status: QueueStatus
    package var enqueuedAt: Date
    package var dispatchedAt: Date?
    package var completedAt: Date?
    package var expiresAt: Date
    package var wasClaimed: Bool
    package var lastError: String?
    package var responseStatus: Int?
    /// `a2a_queue.attempts_log`: a JSON array, nil for none.
    package var log: [UInt8]?

    package init(
        status: QueueStatus, enqueuedAt: Date, dispatchedAt: Date? = nil, completedAt: Date? = nil, expiresAt: Date,
        wasClaimed: Bool = false, lastError: String? = nil, responseStatus: Int? = nil, log: [UInt8]? = nil
    ) {
        self.status = status
        self.enqueuedAt = enqueuedAt
        self.dispatchedAt = dispatchedAt
        self.completedAt = completedAt
        self.expiresAt = expiresAt
        self.wasClaimed = wasClaimed
        self.lastError = lastError
        self.responseStatus = responseStatus
        self.log = log
    }

    /// Oldest first, the newest 30.
    package var entries: [QueueLogEntry] {
        let logged = Self.read(log ?? [])
        // Why it was stored at all: its target was busy then.
        let isUntried = !wasClaimed && status.isActive
        var entries = [QueueLogEntry(at: enqueuedAt, kind: .enqueued, error: isUntried ? lastError : nil)]
        entries += logged
        if let dispatchedAt { entries.append(QueueLogEntry(at: dispatchedAt, kind: .claimed)) }
        if let end = end(after: logged.last) { entries.append(end) }
        // Of the same instant, in the order in which they stand here.
        let sorted = entries.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
        return sorted.suffix(Limits.queueLog).map(\.element)
    }

    private func end(after last: QueueLogEntry?) -> QueueLogEntry? {
        guard let completedAt else { return nil }
        switch status {
        case .queued, .dispatched: return nil
        case .completed: return QueueLogEntry(at: completedAt, kind: .delivered, status: responseStatus)
        case .failed:
            // Written to the log when it failed, unless that was before there was one.
            return last?.kind == .failed ? nil : QueueLogEntry(at: completedAt, kind: .failed, error: lastError)
        case .dropped:
            // Whoever ends a delegation has its item expire in the moment that it was stored.
            let hasExpired = completedAt >= expiresAt && expiresAt > enqueuedAt
            return QueueLogEntry(at: completedAt, kind: hasExpired ? .expired : .dropped, error: lastError)
        }
    }

    private static func read(_ log: [UInt8]) -> [QueueLogEntry] {
        let elements = (try? JSONSlice(validating: log))?.elements ?? []
        return elements.compactMap { element in
            guard let entry = element.object, let at = entry["at"]?.double,
                let kind = entry["kind"]?.string.flatMap(QueueStep.init(rawValue:))
            else { return nil }
            return QueueLogEntry(
                at: Date(timeIntervalSince1970: at), kind: kind, error: entry["error"]?.string,
                status: entry["status"]?.int)
        }
    }
}
