import AMQPClient
import Contracts
import Foundation
import JSONBytes

/// What events say about room and work.
package enum WakeEvents {
    /// Workspaces that have just sent a heartbeat with room.
    ///
    /// Looked at by scanning: there are thousands a second.
    package static func withRoom(_ events: [CloudEvent]) -> [UUID] {
        events.compactMap { event in
            guard let data = try? JSONObject(validating: event.data.bytes), (try? data.bool("has_capacity")) == true
            else { return nil }
            return event.subject
        }
    }

    /// Workspaces whose queues may have something to do.
    package static func concerned(_ events: [CloudEvent]) -> [UUID] {
        events.compactMap { event in
            guard event.kind == .delegationSent else { return event.subject }
            // Its subject is who delegated.
            guard let data = try? JSONObject(validating: event.data.bytes) else { return nil }
            return (try? data.string("target_id")).flatMap { UUID(uuidString: $0) }
        }
    }
}
