import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

/// Addresses and header fields: what of a call's head is taken, and what gets to the agent; how often it is passed on.
extension StandardProtocolTests {
    @Test("The same endpoint with a slash behind it, and the version of the protocol in the query")
    func addresses() async throws {
        try await with { fleet, agent in
            let slash = try await fleet.api.call(.post, "/agents/\(agent.id)/", body: Self.message("s"))
            #expect(slash.status == 200)
            #expect(slash.json["result"]?["kind"] == "message")
            for path in ["/agents/\(agent.id)", "/agents/\(agent.id)/", "/workspaces/\(agent.id)/a2a"] {
                _ = try await fleet.api.call(.post, path + "?A2A-Version=1.0", body: Self.message("v"))
                #expect(agent.deliveries.last?.headers.values("a2a-version") == ["1.0"], "\(path)")
                _ = try await fleet.api.call(
                    .post, path + "?A2A-Version=1.0", body: Self.message("v"), headers: ["A2A-Version": "0.3"])
                #expect(agent.deliveries.last?.headers.values("a2a-version") == ["0.3"], "\(path)")
            }
            let count = agent.deliveries.count
            let bad = try await fleet.api.call(
                .post, "/workspaces/\(agent.id)/a2a?A2A-Version=1.0%0D%0AX-Evil:%20yes", body: Self.message("v"))
            #expect(bad.status == 400)
            #expect(agent.deliveries.count == count)
        }
    }

    @Test(
        "A type that a foreign page may send is refused",
        arguments: [
            "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data",
        ]
    )
    func types(_ type: String) async throws {
        try await with { fleet, agent in
            let body = String(decoding: Self.message("t").encoded, as: UTF8.self)
            for path in ["/agents/\(agent.id)", "/workspaces/\(agent.id)/a2a"] {
                let refused = try await post(body, to: path, fleet.api, type: type)
                #expect(refused.status == 415)
                let taken = try await post(body, to: path, fleet.api, type: "application/json; charset=utf-8")
                #expect(taken.status == 200)
            }
            #expect(agent.deliveries.count == 2)
        }
    }

    @Test("A traceparent that cannot be read goes nowhere")
    func traceparent() async throws {
        try await with { fleet, agent in
            let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            for (sent, passed) in [
                (String(repeating: "x", count: 12_000), nil), ("00-xyz", nil), (good, good),
                ("01" + good.dropFirst(2) + "-" + String(repeating: "x", count: 12_000), good),
            ] {
                _ = try await fleet.api.call(
                    .post, "/workspaces/\(agent.id)/a2a", body: Self.message("t"), headers: ["traceparent": sent])
                #expect(agent.deliveries.last?.headers["traceparent"] == passed)
            }
        }
    }

    @Test("Passes are counted, also while a message waits, and end at ten")
    func hops() async throws {
        try await with { fleet, agent in
            func send(_ id: String, _ path: String, _ hops: String?) async throws -> API.ReceivedResponse {
                try await fleet.api.call(
                    .post, path, body: Self.message(id), headers: hops.map { ["X-Switchyard-Hops": $0] } ?? [:])
            }
            for path in ["/agents/\(agent.id)", "/workspaces/\(agent.id)/a2a"] {
                for (sent, passed) in [(nil, "1"), ("nonsense", "1"), ("1", "2"), ("9", "10")] {
                    let response = try await send("h", path, sent)
                    #expect(response.status == 200)
                    #expect(agent.deliveries.last?.headers.values("x-switchyard-hops") == [passed])
                }
                for sent in ["10", "981"] {
                    let response = try await send("h", path, sent)
                    #expect(response.status == 508)
                    #expect(response.json["error"]?.string?.isEmpty == false)
                }
            }
            agent.does(ScriptedAgent.busy)
            let waits = try await send("waits", "/workspaces/\(agent.id)/a2a", "4")
            #expect(waits.status == 202)
            agent.does(ScriptedAgent.echo)
            try await eventually("the message to be delivered") {
                agent.deliveries.filter { $0.messageID == "waits" }.count == 2
            }
            for delivery in agent.deliveries where delivery.messageID == "waits" {
                #expect(delivery.headers.values("x-switchyard-hops") == ["5"])
            }
        }
    }

    @Test("A workspace whose address is the platform itself ends its own message")
    func loop() async throws {
        try await Fleet.with(["a2a-proxy", "registry"], environment: ["ADMIN_TOKEN": ""]) { fleet in
            let id = UUID().uuidString.lowercased()
            let path = "/workspaces/\(id)/a2a"
            let url = fleet.services[0].baseURL.replacing("127.0.0.1", with: "localhost") + path
            let joined = try await fleet.apis[1].call(
                .post, "/registry/register", bearer: nil,
                body: [
                    "id": .string(id), "url": .string(url), "agent_card": ["name": "loop"],
                ])
            #expect(joined.status == 200, "\(joined.text)")
            let response = try await fleet.api.call(.post, path, bearer: nil, body: Self.message("loop"))
            #expect(response.status == 508, "\(response.text)")
            // All ten calls are noted by the time that the first one is.
            try await eventually("the calls to be noted") {
                try await fleet.sql("SELECT count(*)::int FROM activity_logs")[0].int(0) >= 10
            }
            #expect(try await fleet.sql("SELECT count(*)::int FROM activity_logs")[0].int(0) == 10)
        }
    }
}
