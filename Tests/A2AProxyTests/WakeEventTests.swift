import A2AProxy
import Contracts
import Foundation
import Testing

@Suite struct WakeEventTests {
    private let id = UUID()

    @Test func onlyHeartbeatsWithCapacityWake() throws {
        func beat(_ hasCapacity: Bool) throws -> CloudEvent {
            try CloudEvent(
                source: "switchyard/registry", type: .heartbeatReceived, subject: id,
                data: HeartbeatReceived(
                    activeTasks: 0, uptimeSeconds: 1, maxConcurrentTasks: 1, hasCapacity: hasCapacity))
        }
        let events = try CloudEvent.decode(CloudEvent.encodeBatch([beat(true), beat(false)]))
        #expect(events.count == 2)
        #expect(DrainTriggers.withRoom(events) == [id])
    }

    @Test func readsWhatOthersWrite() throws {
        let text = """
            [{"specversion": "1.0", "id": "\(UUID())", "source": "x", "type": "heartbeat.received",
              "subject": "\(id.lowercased)", "time": "2026-01-01T00:00:00Z", "datacontenttype": "application/json",
              "data": {"active_tasks": 0, "has_capacity": true}}]
            """
        #expect(DrainTriggers.withRoom(try CloudEvent.decode(Array(text.utf8))) == [id])
    }

    @Test func aDelegationConcernsItsTarget() throws {
        let target = UUID()
        let sent = try CloudEvent(
            source: "switchyard/a2a-proxy", type: .delegationSent, subject: id,
            data: DelegationChanged(delegationID: UUID(), targetID: target, status: .pending))
        let queued = try CloudEvent(
            source: "switchyard/a2a-proxy", type: .a2aQueued, subject: id,
            data: A2AQueued(queueID: UUID(), queueDepth: 1, method: "message/send"))
        #expect(DrainTriggers.concerned([sent, queued]) == [target, id])
    }
}
