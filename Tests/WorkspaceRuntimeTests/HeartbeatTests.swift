import Foundation
import HTTPCore
import JSONBytes
import Observability
import Synchronization
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

@testable import WorkspaceRuntime

private let beatCall = "POST /registry/heartbeat"
private let registerCall = "POST /registry/register"

@Suite struct HeartbeatTests {
    @Test func registersSavesItsTokenAndBeatsAtOnce() async throws {
        try await withPlatform { platform in
            platform.setResponse(registerCall, #"{"status":"registered","auth_token":"fresh"}"#)
            try await withAgent(platform, change: { $0.registrationToken = "operator" }) { agent in
                try await eventually("the agent is online") { agent.isOnline }
                let registration = try #require(platform.received(registerCall).first)
                #expect(registration.bearer == "Bearer operator")
                #expect(registration.json["id"]?.string == agent.platform.id)
                #expect(registration.json["url"]?.string == "http://localhost:\(agent.port ?? 0)")
                #expect(registration.json["agent_card"]?["name"] == "Test")
                #expect(PlatformAuth(configsDirectory: agent.configuration.configsDirectory).token == "fresh")
                let beat = try #require(platform.received(beatCall).first)
                #expect(beat.bearer == "Bearer fresh")
                #expect(try await status(agent, .get, "/ready") == 200)
            }
        }
    }

    @Test func theBodyIsWhatThePlatformExpects() async throws {
        try await withPlatform { platform in
            try await withAgent(platform) { agent in
                #expect(await agent.sendHeartbeat())
                let body = try #require(platform.received(beatCall).last?.json.object)
                let names = Set(body.keys)
                let wanted: Set = [
                    "workspace_id", "error_rate", "sample_error", "active_tasks", "current_task", "uptime_seconds",
                    "runtime_metadata",
                ]
                #expect(names == wanted)
                #expect(body["workspace_id"]?.string == agent.platform.id)
                #expect(body["error_rate"]?.double == 0)
                #expect(body["runtime_metadata"]?["idle_timeout_seconds"] == nil)
                let capabilities = try #require(body["runtime_metadata"]?["capabilities"]?.object)
                #expect(Set(capabilities.keys) == Set(RuntimeMetadata.Capability.allCases.map(\.rawValue)))
                #expect(capabilities.values.allSatisfy { $0 == false })
            }
        }
    }

    @Test func metadataIsReportedAndItsFailureBreaksNothing() async throws {
        try await withPlatform { platform in
            let fails = Mutex(false)
            try await withAgent(
                platform,
                change: {
                    $0.metadata = {
                        if fails.withLock({ $0 }) { throw AgentError("adapter is gone") }
                        return RuntimeMetadata(capabilities: [.session], idleTimeoutSeconds: 900)
                    }
                }
            ) { agent in
                #expect(await agent.sendHeartbeat())
                let metadata = platform.received(beatCall).last?.json["runtime_metadata"]
                #expect(metadata?["capabilities"]?["session"] == true)
                #expect(metadata?["idle_timeout_seconds"] == 900)
                fails.withLock { $0 = true }
                #expect(await agent.sendHeartbeat())
                #expect(platform.received(beatCall).last?.json["runtime_metadata"] == nil)
            }
        }
    }

    @Test func anErrorRateIsShownUntilABeatWithItArrived() async throws {
        try await withPlatform { platform in
            try await withAgent(
                platform,
                handler: { message, _ in
                    if message.text == "bad" { throw AgentError("it broke") }
                    return "fine"
                }
            ) { agent in
                _ = await agent.sendHeartbeat()
                for text in ["bad", "good", "good", "bad"] { _ = try await call(agent, body: rpc(text)) }
                platform.setResponse(beatCall, .serviceUnavailable, #"{"error":"platform datastore unavailable"}"#)
                #expect(await !agent.sendHeartbeat())
                #expect(!agent.isOnline)
                platform.setResponse(beatCall, #"{"status":"ok"}"#)
                #expect(await agent.sendHeartbeat())
                #expect(await agent.sendHeartbeat())
                let beats = platform.received(beatCall).suffix(3).map(\.json)
                #expect(beats.map { $0["error_rate"]?.double } == [0.5, 0.5, 0])
                #expect(beats.map { $0["sample_error"]?.string } == ["it broke", "it broke", ""])
            }
        }
    }

    /// A beat that is requested before a round begins is that round's: a second would follow at once, and report half
    /// of what the next one is to report.
    @Test func aRequestedBeatIsSentOnce() async throws {
        try await withPlatform { platform in
            let interval = Duration.milliseconds(300)
            let arrivals = Mutex<[ContinuousClock.Instant]>([])
            platform.setResponse(beatCall) { _ in
                arrivals.withLock { $0.append(.now) }
                return .json(bytes: Array("{}".utf8))
            }
            let beats = HeartbeatLoop(
                platform: try makeClient(platform), activity: AgentActivity(maxConcurrentTasks: 1),
                wedge: RuntimeWedge(), interval: interval,
                registration: { ("http://localhost:1", AgentCard(name: "Test")) }, results: nil, loop: loops.any(),
                logger: .disabled)
            beats.scheduleHeartbeat()
            let run = Task { await beats.run() }
            try await eventually("two beats") { arrivals.withLock { $0.count } >= 2 }
            run.cancel()
            await run.value
            let (first, second) = arrivals.withLock { ($0[0], $0[1]) }
            #expect(second - first >= interval * 0.9)
        }
    }

    @Test func aWedgeIsReportedAtOnceAndTakenBackAtOnce() async throws {
        try await withPlatform { platform in
            try await withAgent(platform) { agent in
                #expect(await agent.sendHeartbeat())
                agent.wedge.markWedged("SDK session lost")
                try await eventually("the wedge is reported") {
                    let beat = platform.received(beatCall).last?.json
                    return beat?["runtime_state"] == "wedged" && beat?["sample_error"] == "SDK session lost"
                }
                agent.wedge.clearWedge()
                try await eventually("the recovery is reported") {
                    platform.received(beatCall).last?.json["runtime_state"] == nil
                }
            }
        }
    }

    @Test func readsTheTokenAgainAfterA401AndTriesOnce() async throws {
        try await withPlatform { platform in
            let client = try makeClient(platform, token: "old")
            platform.setResponse(beatCall) { received in
                received.bearer == "Bearer new"
                    ? .json(bytes: Array("{}".utf8)) : .error(.unauthorized, "invalid workspace auth token")
            }
            // Another process of the same workspace rotated the token.
            _ = client.auth.token
            try "new".write(toFile: client.auth.path, atomically: true, encoding: .utf8)
            try await client.heartbeat(HeartbeatReport())
            #expect(platform.received(beatCall).map(\.bearer) == ["Bearer old", "Bearer new"])

            platform.setResponse(beatCall, .unauthorized, #"{"error":"invalid workspace auth token"}"#)
            await #expect(throws: PlatformError.self) { try await client.heartbeat(HeartbeatReport()) }
            #expect(platform.received(beatCall).count == 4, "one more try, not more")
        }
    }

    @Test func survivesManyFailuresAndReconnects() async throws {
        try await withPlatform { platform in
            try await withAgent(platform) { agent in
                #expect(await agent.sendHeartbeat())
                platform.setResponse(beatCall, .badGateway, "{}")
                for _ in 0...HeartbeatLoop.failuresBeforeReconnect { #expect(await !agent.sendHeartbeat()) }
                platform.setResponse(beatCall, #"{"status":"ok"}"#)
                #expect(await agent.sendHeartbeat())
            }
        }
    }

    @Test func registersAgainWhenThePlatformDoesNotKnowIt() async throws {
        try await withPlatform { platform in
            try await withAgent(platform) { agent in
                #expect(await agent.sendHeartbeat())
                let before = platform.received(registerCall).count
                platform.setResponse(beatCall, .notFound, #"{"error":"workspace not found"}"#)
                #expect(await !agent.sendHeartbeat())
                platform.setResponse(beatCall, #"{"status":"ok"}"#)
                try await eventually("the agent is online again") { agent.isOnline }
                #expect(platform.received(registerCall).count > before)
            }
        }
    }

    @Test func repeatsByItself() async throws {
        try await withPlatform { platform in
            try await withAgent(platform, change: { $0.heartbeatInterval = .milliseconds(20) }) { _ in
                try await eventually("several beats") { platform.received(beatCall).count >= 4 }
            }
            let count = platform.received(beatCall).count
            #expect(platform.received(beatCall).count == count, "a stopped agent beats no more")
        }
    }
}
