import AMQP
import Contracts
import Foundation
import PlatformInternals

/// Publishes transient events: without a row, without a confirm, dropped while the broker is not available.
package struct EventBroadcast: Sendable {
    private let publisher: AMQPPublisher
    private let source: String

    /// - Parameter service: the service's name, for the events' `source`.
    package init(publisher: AMQPPublisher, service: String) {
        self.publisher = publisher
        source = CloudEvent.source(ofService: service)
    }

    /// Sends the events of one commit as one message in the batch form, whatever its size.
    ///
    /// - Returns: false when the broker is not available or cannot keep up; the events are dropped then.
    @discardableResult
    package func send(_ type: EventType, _ events: [(workspace: UUID, data: RawJSON)]) -> Bool {
        guard !events.isEmpty else { return true }
        let now = Date()
        return publisher.tryPublish(
            AMQPMessage(
                exchange: Topology.events.name, routingKey: type.rawValue,
                body: CloudEvent.encodeBatch(type: type.rawValue, source: source, time: now, events),
                type: type.rawValue, contentType: CloudEvent.batchContentType, persistent: false))
    }

    /// Sends one event.
    @discardableResult
    package func send(_ type: EventType, workspace: UUID?, data: RawJSON, traceparent: String? = nil) -> Bool {
        let event = CloudEvent(
            source: source, type: type.rawValue, subject: workspace, data: data, traceparent: traceparent)
        var message = event.message
        message.persistent = false
        return publisher.tryPublish(message)
    }
}
