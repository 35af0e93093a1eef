import Foundation
import HTTPCore
import JSONBytes
import Observability
import Provisioning
import TestSupport
import UVHTTPClient
import UVHTTPServer

/// The backends that the conformance suite runs against.
enum BackendKind: String, CaseIterable, Sendable {
    case engine, controlPlane, none
}

/// One backend with the server behind it, as the conformance suite needs to see and to break it.
struct Backend: Sendable {
    let provisioner: any Provisioner
    /// The text of a file of the config volume as the workspace's first process found it.
    let fileAtStart: @Sendable (WorkspaceSpecification, String) async throws -> String
    /// Makes the backend fail, or work again.
    let setBroken: @Sendable (Bool) async throws -> Void
}

/// Runs a test against a backend of each kind; one that it may break is its own.
func withBackend(_ kind: BackendKind, breakable: Bool = false, _ body: (Backend) async throws -> Void) async throws {
    switch kind {
    case .engine:
        if breakable {
            try await withOwnEngine { try await body(try engineBackend($0)) }
        } else {
            try await body(try engineBackend(try await SharedEngine.get()))
        }
    case .controlPlane:
        try await withControlPlane { try await body(controlPlaneBackend($0)) }
    case .none:
        try await body(
            Backend(
                provisioner: ProvisionerSettings(backend: .none).makeProvisioner(loops: loops, logger: .disabled),
                fileAtStart: { _, _ in throw ProcessFailure("nothing was started") }, setBroken: { _ in }))
    }
}

private func engineBackend(_ podman: PodmanServer) throws -> Backend {
    let engine = try makeEngine(podman)
    return Backend(
        provisioner: engine,
        fileAtStart: { workspace, path in
            guard let url = await engine.isRunning(workspace.id).url else { throw ProcessFailure("no url") }
            return try await eventualResponse(podman, path == ".auth_token" ? "\(url)/token" : "\(url)/files/\(path)")
        },
        setBroken: { broken in
            if broken { await podman.killService() } else { try await podman.startService() }
        })
}

/// A container's process needs a moment until it serves.
func eventualResponse(_ podman: PodmanServer, _ url: String) async throws -> String {
    var response = ""
    try await eventually("a response from \(url)") {
        guard let found = try? await podman.get(url) else { return false }
        response = found
        return true
    }
    return response
}

func withControlPlane(_ body: (ControlPlaneServer) async throws -> Void) async throws {
    let server = try await ControlPlaneServer.start(loops: loops, token: "plane-token")
    do {
        try await body(server)
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}

func makeControlPlane(_ server: ControlPlaneServer, token: String = "plane-token") throws -> ControlPlane {
    guard let url = ClientURL(server.url + "/") else { throw ProcessFailure("no url") }
    var settings = ProvisionerSettings(
        backend: .controlPlane(url: url, token: token), instance: PlatformInstance("test"), images: TestImage.all)
    settings.inspectTimeout = .seconds(30)
    return ControlPlane(url, token: token, settings: settings, loops: loops)
}

private func controlPlaneBackend(_ server: ControlPlaneServer) throws -> Backend {
    Backend(
        provisioner: try makeControlPlane(server),
        fileAtStart: { workspace, path in
            let machine = server.machine(WorkspaceName(workspace.id).container)
            guard let bytes = machine?.files[path] else { throw ProcessFailure("no \(path)") }
            return String(decoding: bytes, as: UTF8.self)
        },
        setBroken: { broken in server.respond(with: broken ? outOfMachines : nil) })
}

/// Quotes what it was sent, as engines do.
@Sendable private func outOfMachines(_ request: Request) async throws -> Response {
    let body = String(decoding: try await request.body.collect(upTo: 1 << 20), as: UTF8.self)
    let bearer = request.headers["Authorization"] ?? ""
    return .json(.serviceUnavailable) { $0.member("error", "out of machines: \(bearer) \(body)") }
}
