import Contracts
import Foundation

/// A type that is data of events, or part of it, written by the real encoder: with everything that it can hold, and with
/// nothing that it can do without.
struct EventSample: Sendable {
    /// The name of its schema: the type's.
    let schema: String
    let types: [EventType]
    let fullest: RawJSON
    let barest: RawJSON

    private init<Data: EventData>(_ fullest: Data, _ barest: Data) throws {
        try self.init(fullest, barest, types: Data.types)
    }

    private init<Value: Encodable>(_ fullest: Value, _ barest: Value, types: [EventType]) throws {
        schema = String(describing: Value.self)
        self.types = types
        self.fullest = try RawJSON(encoding: fullest)
        self.barest = try RawJSON(encoding: barest)
    }

    private static let id = UUID()
    private static let card = RawJSON(unchecked: Array(#"{"name":"a","skills":[{"id":"s"}]}"#.utf8))

    /// One for every type of data, and for what data holds.
    static func all() throws -> [EventSample] {
        try workspaces() + configuration() + messages() + feed()
    }

    private static func workspaces() throws -> [EventSample] {
        let heartbeat = HeartbeatReceived(activeTasks: 1, uptimeSeconds: 2, maxConcurrentTasks: 3, hasCapacity: true)
        let task = TaskUpdated(currentTask: "t", activeTasks: 1)
        let provisioning = WorkspaceProvisioning(name: "n", tier: 2, runtime: "r")
        let offline = WorkspaceOffline(reason: "r")
        let waiting = WorkspaceAwaitingAgent(name: "n")
        return [
            try EventSample(heartbeat, heartbeat),
            try EventSample(task, task),
            try EventSample(provisioning, provisioning),
            try EventSample(
                WorkspaceOnline(url: "http://a", agentCard: card, recoveredFrom: .degraded), WorkspaceOnline()),
            try EventSample(
                WorkspaceDegraded(runtimeState: "wedged", errorRate: 0.5, sampleError: "e"),
                WorkspaceDegraded(sampleError: "e")),
            try EventSample(offline, offline),
            try EventSample(
                WorkspaceProvisionFailed(error: "e", source: "s", timeoutSeconds: 600, runtime: "r"),
                WorkspaceProvisionFailed(error: "e")),
            try EventSample(waiting, waiting),
            try EventSample(
                WorkspaceStopped(name: "n", cascadeDeleted: 2, purged: true), WorkspaceStopped(name: "n")),
        ]
    }

    private static func configuration() throws -> [EventSample] {
        let updated = WorkspaceUpdated(name: "n", fields: ["role"])
        let card = AgentCardUpdated(agentCard: card)
        let guarded = SweepGuardChanged(scope: .managed, reason: "r", candidates: 4, running: 5)
        var released = guarded
        released.by = "admin"
        return [
            try EventSample(updated, updated),
            try EventSample(WorkspaceMoved(parentID: id, previousParentID: UUID()), WorkspaceMoved()),
            try EventSample(card, card),
            try EventSample(RuntimeUpdated(), RuntimeUpdated()),
            try EventSample(TokenRevoked(tokenID: id, kind: "console"), TokenRevoked()),
            try EventSample(released, guarded),
        ]
    }

    private static func messages() throws -> [EventSample] {
        let response = A2AResponse(responseBody: card, method: "message/send", durationMilliseconds: 8)
        return [
            try EventSample(
                A2AQueued(
                    queueID: id, callerID: id, queueDepth: 2, method: "message/send", delegationID: id, scheduleID: id),
                A2AQueued(queueID: id, queueDepth: 2, method: "message/send")),
            try EventSample(A2AContextWaiting(), A2AContextWaiting()),
            try EventSample(
                A2AOutcome(queueID: id, attempts: 5, error: "e", delegationID: id, scheduleID: id),
                A2AOutcome(queueID: id, attempts: 0)),
            try EventSample(response, response),
            try EventSample(
                DelegationChanged(
                    delegationID: id, targetID: id, status: .completed, taskPreview: "t", responsePreview: "r",
                    error: "e", via: "queue_drain"),
                DelegationChanged(delegationID: id, targetID: id, status: .pending)),
        ]
    }

    private static func feed() throws -> [EventSample] {
        let file = Attachment(uri: "workspace:/a", name: "a")
        let whole = Attachment(uri: "workspace:/a", name: "a", mimeType: "text/plain", size: 3)
        return [
            try EventSample(
                ActivityLogged(
                    id: id, workspaceID: id, activityType: .cronRun, sourceID: id, targetID: id, method: "m",
                    summary: "s", status: "ok", durationMilliseconds: 8, errorDetail: "e", createdAt: Date()),
                ActivityLogged(id: id, workspaceID: id, activityType: .error, status: "error", createdAt: Date())),
            try EventSample(
                AgentMessage(message: "m", workspaceID: id, name: "n", attachments: [whole, file]),
                AgentMessage(message: "m", workspaceID: id, name: "n")),
            try EventSample(whole, file, types: []),
            try EventSample(
                ScheduleChanged(scheduleID: id, scheduleName: "n", status: "error", error: "e", queueID: id),
                ScheduleChanged(scheduleID: id, scheduleName: "n", status: "fired")),
        ]
    }
}
