import AMQP
import Contracts
import Foundation
import JSONBytes

/// Extracts from events the workspaces whose queues are to be drained.
package enum DrainTriggers {
    /// Workspaces that have just sent a heartbeat with capacity.
    ///
    /// Scanned instead of decoded: there are thousands a second.
    package static func withRoom(_ events: [CloudEvent]) -> [UUID] {
        events.compactMap { event in
            guard let data = try? JSONObject(validating: event.data.bytes), (try? data.bool("has_capacity")) == true
            else { return nil }
            return event.subject
        }
    }

    /// Workspaces whose queues may have claimable items.
    package static func concerned(_ events: [CloudEvent]) -> [UUID] {
        events.compactMap { event in
            guard event.kind == .delegationSent else { return event.subject }
            // Its subject is the delegating workspace.
            guard let data = try? JSONObject(validating: event.data.bytes) else { return nil }
            return (try? data.string("target_id")).flatMap { UUID(uuidString: $0) }
        }
    }
}
