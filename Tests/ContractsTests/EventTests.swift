import Foundation
import Testing

@testable import Contracts

@Suite struct EventTypeTests {
    /// The contract's table: routing key, client name, durable.
    @Test func table() {
        let table: [(String, String?, Bool)] = [
            ("heartbeat.received", "WORKSPACE_HEARTBEAT", false), ("task.updated", "TASK_UPDATED", false),
            ("workspace.provisioning", "WORKSPACE_PROVISIONING", true), ("workspace.online", "WORKSPACE_ONLINE", true),
            ("workspace.degraded", "WORKSPACE_DEGRADED", true), ("workspace.offline", "WORKSPACE_OFFLINE", true),
            ("workspace.provision_failed", "WORKSPACE_PROVISION_FAILED", true),
            ("workspace.awaiting_agent", "WORKSPACE_AWAITING_AGENT", true),
            ("workspace.paused", "WORKSPACE_PAUSED", true), ("workspace.hibernated", "WORKSPACE_HIBERNATED", true),
            ("workspace.removed", "WORKSPACE_REMOVED", true), ("agent_card.updated", "AGENT_CARD_UPDATED", true),
            ("a2a.queued", "A2A_QUEUED", true), ("a2a.completed", "A2A_COMPLETED", true),
            ("a2a.failed", "A2A_FAILED", true), ("a2a.dropped", "A2A_DROPPED", true),
            ("a2a.response", "A2A_RESPONSE", false), ("delegation.sent", "DELEGATION_SENT", true),
            ("delegation.status", "DELEGATION_STATUS", true), ("delegation.completed", "DELEGATION_COMPLETE", true),
            ("delegation.failed", "DELEGATION_FAILED", true), ("activity.logged", "ACTIVITY_LOGGED", false),
            ("agent.message", "AGENT_MESSAGE", false), ("schedule.fired", "CRON_FIRED", true),
            ("schedule.executed", "CRON_EXECUTED", true), ("schedule.skipped", "CRON_SKIPPED", true),
            ("token.revoked", nil, true), ("workspace.moved", nil, true),
            // Ours, beyond the table.
            ("workspace.updated", "WORKSPACE_UPDATED", true), ("sweep.held", "SWEEP_HELD", true),
            ("sweep.released", "SWEEP_RELEASED", true), ("a2a.context_waiting", nil, false),
            ("runtime.updated", nil, false),
        ]
        #expect(Set(table.map(\.0)) == Set(EventType.allCases.map(\.rawValue)))
        for (key, name, isDurable) in table {
            let type = EventType(rawValue: key)
            #expect(type?.clientName == name, "\(key)")
            #expect(type?.isDurable == isDurable, "\(key)")
            if let name { #expect(EventType(clientName: name) == type) }
        }
        #expect(
            EventType.allCases.filter(\.isBatched) == [
                .heartbeatReceived, .taskUpdated, .activityLogged, .runtimeUpdated,
            ])
        #expect(EventType(clientName: "NOTHING") == nil)
    }

    @Test func everyTypeHasExactlyOneKindOfData() {
        let all: [any EventData.Type] = [
            HeartbeatReceived.self, TaskUpdated.self, WorkspaceProvisioning.self, WorkspaceOnline.self,
            WorkspaceDegraded.self, WorkspaceOffline.self, WorkspaceProvisionFailed.self, WorkspaceAwaitingAgent.self,
            WorkspaceStopped.self, WorkspaceUpdated.self, WorkspaceMoved.self, AgentCardUpdated.self,
            RuntimeUpdated.self, TokenRevoked.self, SweepGuardChanged.self, A2AQueued.self, A2AContextWaiting.self,
            A2AOutcome.self,
            A2AResponse.self,
            DelegationChanged.self, ActivityLogged.self, AgentMessage.self, ScheduleChanged.self,
        ]
        let types = all.flatMap { $0.types }
        #expect(types.count == Set(types).count)
        #expect(Set(types) == Set(EventType.allCases))
    }
}

@Suite struct CloudEventTests {
    static let event = CloudEvent(
        id: UUID(uuid: (0xAB, 0xCD, 0xEF, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xFF)), source: "switchyard/registry",
        type: "workspace.offline", subject: UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)),
        time: Date(timeIntervalSince1970: 1_738_314_307.25),
        data: RawJSON(unchecked: Array(#"{"reason": "no sign\tof life"}"#.utf8)),
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", sequence: 9_007_199_254_740_993)

    @Test func isWrittenAsStructuredJSON() {
        #expect(
            String(decoding: Self.event.encoded(), as: UTF8.self)
                == #"{"specversion":"1.0","id":"abcdef01-0203-0405-0607-08090a0b0cff","source":"switchyard/registry","#
                + #""type":"workspace.offline","subject":"01020304-0506-0708-090a-0b0c0d0e0f10","#
                + #""time":"2025-01-31T09:05:07.250000Z","datacontenttype":"application/json","#
                + #""traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","#
                + #""sequence":"9007199254740993","data":{"reason": "no sign\tof life"}}"#)
    }

    @Test func bothFormsAreRead() throws {
        var bare = Self.event
        bare.subject = nil
        bare.traceparent = nil
        bare.sequence = nil
        #expect(try CloudEvent.decode(Self.event.encoded()) == [Self.event])
        #expect(try CloudEvent.decode(CloudEvent.encodeBatch([Self.event, bare])) == [Self.event, bare])
        #expect(try CloudEvent.decode(CloudEvent.encodeBatch([])).isEmpty)
        #expect(CloudEvent.encodeBatch([]) == Array("[]".utf8))
    }

    @Test func foreignFormsAreRead() throws {
        let text = #"""
             { "data" : [ 1 , {"id":"no"} ] , "time":"2025-01-31T10:05:07+01:00", "sequence": 7, "subject": null,
              "extension":{"a":[]}, "type":"custom\u002ething", "source":"s", "specversion":"1.0",
              "id":"ABCDEF01-0203-0405-0607-08090A0B0CFF"}
            """#
        let event = try #require(try CloudEvent.decode(Array(text.utf8)).first)
        #expect(event.type == "custom.thing" && event.kind == nil && event.sequence == 7 && event.subject == nil)
        #expect(String(decoding: event.data.bytes, as: UTF8.self) == #"[ 1 , {"id":"no"} ]"#)
        #expect(event.time == Date(timeIntervalSince1970: 1_738_314_307))
    }

    @Test(
        arguments: [
            ("", nil), ("{", nil), ("[1]", nil), ("5", nil), ("[{}", nil), (#"{"a":1} x"#, nil),
            ("{}", "specversion"), (#"{"specversion":"0.3"}"#, "specversion"), (#"{"specversion":"1.0"}"#, "id"),
            (#"{"specversion":"1.0","id":"x"}"#, "id"),
            (#"{"specversion":"1.0","id":"abcdef01-0203-0405-0607-08090a0b0cff"}"#, "time"),
            (#"{"specversion":"1.0","id":"abcdef01-0203-0405-0607-08090a0b0cff","time":"now"}"#, "time"),
            (#"{"specversion":"1.0","id":"abcdef01-0203-0405-0607-08090a0b0cff","subject":"w"}"#, "subject"),
        ] as [(String, String?)])
    func whatIsNoEventIsRefused(_ text: String, _ field: String?) {
        let error = #expect(throws: WireError.self) { try CloudEvent.decode(Array(text.utf8)) }
        #expect(error?.field == field)
    }

    @Test func trailingBytesAndInvalidUTF8AreRefused() {
        #expect(throws: WireError.self) { try CloudEvent.decode(Self.event.encoded() + [UInt8(ascii: "x")]) }
        var bytes = Self.event.encoded()
        bytes[bytes.count - 4] = 0xFF
        #expect(throws: WireError.self) { try CloudEvent.decode(bytes) }
    }

    @Test func dataComesBackAsItsType() throws {
        let data = A2AQueued(queueID: UUID(), callerID: nil, queueDepth: 2, method: "message/send")
        let event = try CloudEvent(
            source: CloudEvent.source(ofService: "a2a-proxy"), type: .a2aQueued, subject: UUID(), data: data)
        let read = try #require(try CloudEvent.decode(event.encoded()).first)
        #expect(read.kind == .a2aQueued && read.source == "switchyard/a2a-proxy")
        #expect(try read.decodeData(as: A2AQueued.self) == data)
        #expect(String(decoding: read.data.bytes, as: UTF8.self).contains(#""caller_id":null"#))
        #expect(throws: WireError.self) { try read.decodeData(as: WorkspaceOffline.self) }
    }
}
