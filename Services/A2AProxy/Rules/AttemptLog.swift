import Contracts
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals

/// The log entry of a delivery attempt that was not successful.
package struct LoggedAttempt: Sendable, Equatable {
    package var kind: QueueStep
    /// The agent's HTTP status.
    package var status: Int?

    package init(_ kind: QueueStep, status: Int? = nil) {
        self.kind = kind
        self.status = status
    }
}

extension DeliveryDecision {
    /// The log entry for the verdict: none for an item that was delivered or dropped, which its row shows, and none
    /// where nothing was attempted.
    ///
    /// - Parameter previous: the item before this attempt.
    package func logged(after previous: DeliveryState, _ outcome: CallOutcome) -> LoggedAttempt? {
        let kind: QueueStep
        switch next {
        case .completed, .dropped: return nil
        case .failed: kind = .failed
        case .waits, .retries:
            if isUncertain {
                kind = .uncertain
            } else if attempts > previous.attempts {
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
    /// The status of the agent's response.
    var agentStatus: Int? {
        switch self {
        case .responded(let response): response.status.code
        case .busy(.tooManyRequests, _): 429
        case .busy(.unavailable, _): 503
        default: nil
        }
    }
}

/// The history of a queue item, built from its columns and its log.
package struct QueueItemHistory: Sendable {
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
        // `last_error` of an unclaimed item is the reason why it was stored: its target was busy.
        let isUntried = !wasClaimed && status.isActive
        var entries = [QueueLogEntry(at: enqueuedAt, kind: .enqueued, error: isUntried ? lastError : nil)]
        entries += logged
        if let dispatchedAt { entries.append(QueueLogEntry(at: dispatchedAt, kind: .claimed)) }
        if let end = end(after: logged.last) { entries.append(end) }
        // A stable sort: entries of the same instant keep this order.
        let sorted = entries.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
        return sorted.suffix(Limits.queueLog).map(\.element)
    }

    private func end(after last: QueueLogEntry?) -> QueueLogEntry? {
        guard let completedAt else { return nil }
        switch status {
        case .queued, .dispatched: return nil
        case .completed: return QueueLogEntry(at: completedAt, kind: .delivered, status: responseStatus)
        case .failed:
            // In the log already, unless the item failed before the log was introduced.
            return last?.kind == .failed ? nil : QueueLogEntry(at: completedAt, kind: .failed, error: lastError)
        case .dropped:
            // A source that ends a delegation sets its item's expiry to the time at which it was stored.
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
