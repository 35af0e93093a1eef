import Contracts
import Foundation
import HTTPCore
import JSONBytes
import Observability
import Provisioning
import Testing
import TestSupport
import UVHTTPServer

/// What is sent to a control plane, and what unexpected responses mean.
@Suite struct ControlPlaneTests {
    @Test func `a start says everything that a machine needs`() async throws {
        try await withControlPlane { server in
            var workspace = makeSpecification(environment: ["KEY": "v\"1"])
            workspace.tier = 4
            workspace.workspaceDirectory = "/srv/work"
            workspace.access = .readOnly
            _ = try await makeControlPlane(server).start(workspace)
            let request = try #require(server.machine(WorkspaceName(workspace.id).container)).request
            let id = workspace.id.uuidString.lowercased()
            #expect(request["workspace_id"] == .string(id) && request["token"] == .string(workspace.token))
            #expect(request["runtime"] == "agent" && request["image"] == "localhost/agent:latest")
            #expect(request["tier"] == 4 && request["memory_mb"] == 4096 && request["cpu_shares"] == 4096)
            #expect(request["port"] == 8000)
            #expect(
                request["environment"] == [
                    "KEY": "v\"1", "WORKSPACE_ID": .string(id), "CONFIGS_DIR": "/configs", "HOST": "0.0.0.0",
                    "PORT": "8000",
                ])
            #expect(request["workspace_directory"] == "/srv/work" && request["workspace_access"] == "read_only")
            #expect(request["labels"]?["molecule.platform.managed"] == "true")
        }
    }

    @Test func `a wrong bearer is a refusal that is not transient`() async throws {
        try await withControlPlane { server in
            let plane = try makeControlPlane(server, token: "not-the-token")
            let error = await failure { try await plane.stop(UUID()) }
            #expect(error?.kind == .refused && error?.isTransient == false)
            #expect(await plane.isRunning(UUID()).isRunning)
        }
    }

    @Test func `a list of many pages is read to its end`() async throws {
        try await withControlPlane { server in
            for number in 0..<7 { server.addMachine("ws-0000000\(number)-000", state: "stopped") }
            server.addMachine("unrelated")
            let found = try await makeControlPlane(server).listManaged()
            #expect(found.map(\.idPrefix) == (0..<7).map { "0000000\($0)-000" })
            #expect(!found.contains { $0.belongsToInstance } && Set(found.map(\.state)) == ["stopped"])
            #expect(server.received.count == 4)
        }
    }

    @Test func `a machine that has ended is not running`() async throws {
        try await withControlPlane { server in
            let id = UUID()
            server.addMachine(WorkspaceName(id).container, state: "stopped")
            let plane = try makeControlPlane(server)
            #expect(await plane.isRunning(id) == .gone)
        }
    }

    @Test(arguments: UnexpectedResponse.allCases)
    func `an unexpected response is never taken for a missing machine`(_ response: UnexpectedResponse) async throws {
        try await withControlPlane { server in
            let plane = try makeControlPlane(server)
            let id = UUID()
            server.respond { _ in response.response }
            let state = await plane.isRunning(id)
            #expect(state.isRunning && state.error != nil)
            #expect(await failure { try await plane.start(makeSpecification()) } != nil)
            #expect(await failure { try await plane.listManaged() } != nil)
            if response != .okWithoutMeaning {
                #expect(await failure { try await plane.stop(id) } != nil)
                #expect(await failure { try await plane.removeVolume(id) } != nil)
            }
        }
    }

    @Test func `a list whose cursor stands still ends`() async throws {
        try await withControlPlane { server in
            server.respond { _ in .json(bytes: Array(#"{"items": [], "next_cursor": "same"}"#.utf8)) }
            let error = await failure { try await makeControlPlane(server).listManaged() }
            #expect(error?.kind == .refused)
        }
    }

    @Test func `a plane that went away comes back with its machines`() async throws {
        try await withControlPlane { server in
            let plane = try makeControlPlane(server)
            let workspace = makeSpecification()
            _ = try await plane.start(workspace)
            await server.stop()
            #expect(await plane.isRunning(workspace.id).error?.kind == .unavailable)
            try await server.listen(on: loops)
            #expect(await plane.isRunning(workspace.id).error == nil)
            try await plane.stop(workspace.id)
        }
    }
}

/// Responses of something that is no control plane, or not a healthy one.
enum UnexpectedResponse: String, CaseIterable, Sendable {
    case notFoundOfAnother, html, redirect, teapot, okWithoutMeaning

    var response: Response {
        switch self {
        case .notFoundOfAnother: .error(.notFound, "no route")
        case .html: .text(.badGateway, "<html>", contentType: "text/html")
        case .redirect: Response(302, headers: ["Location": "http://127.0.0.1:1/"])
        case .teapot: .error(418, "short and stout")
        case .okWithoutMeaning: .json(bytes: Array("{}".utf8))
        }
    }
}
