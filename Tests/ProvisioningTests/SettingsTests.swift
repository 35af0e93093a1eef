import Configuration
import Foundation
import JSONBytes
import Observability
import Testing
import UVHTTPClient
import UVLoop

@testable import Provisioning

/// What the environment makes of a backend.
@Suite struct SettingsTests {
    private func read(_ environment: [String: String]) -> (settings: ProvisionerSettings, problems: [String]) {
        let reader = ConfigurationReader(environment: environment)
        return (ProvisionerSettings(reader), reader.problems.map(\.name))
    }

    @Test func `nothing is configured unless it is`() {
        let (settings, problems) = read([:])
        #expect(problems.isEmpty && settings.instance.configured == nil)
        guard case .none = settings.backend else { return #expect(Bool(false), "\(settings.backend)") }
        #expect(!settings.makeProvisioner(loops: loops, logger: .disabled).isConfigured)
        #expect(settings.tiers == TierLimits.defaults)
    }

    @Test(arguments: ["default", "eu/prod-1", "a", String(repeating: "x", count: 128)])
    func `PLATFORM_INSTANCE_ID is taken exactly as it is`(_ id: String) async throws {
        let (settings, problems) = read(["PLATFORM_INSTANCE_ID": id])
        #expect(problems.isEmpty && settings.instance.configured == id)
        #expect(try await settings.instance.id(for: .start) == id)
    }

    @Test(arguments: ["a b", "a\tb", "ä", String(repeating: "x", count: 129)])
    func `a PLATFORM_INSTANCE_ID that is no label is refused`(_ id: String) {
        #expect(read(["PLATFORM_INSTANCE_ID": id]).problems == ["PLATFORM_INSTANCE_ID"])
    }

    /// Without the setting the file that Docker puts into containers decides: these tests may run in one.
    @Test func `MOLECULE_IN_DOCKER has agents reached by name`() {
        let isContainer = FileManager.default.fileExists(atPath: "/.dockerenv")
        for (text, expected) in [("true", true), ("1", true), ("false", isContainer), (nil, isContainer)] {
            let (settings, problems) = read(text.map { ["MOLECULE_IN_DOCKER": $0] } ?? [:])
            #expect(problems.isEmpty && settings.isInContainer == expected, "\(text ?? "unset")")
        }
        #expect(read(["MOLECULE_IN_DOCKER": "perhaps"]).problems == ["MOLECULE_IN_DOCKER"])
    }

    @Test(arguments: [
        ("unix:///run/docker.sock", EngineAddress.unixSocket(path: "/run/docker.sock")),
        ("tcp://127.0.0.1:2375", ClientURL("http://127.0.0.1:2375").map(EngineAddress.server)),
        ("http://engine:2375", ClientURL("http://engine:2375").map(EngineAddress.server)),
        ("https://engine", ClientURL("https://engine").map(EngineAddress.server)),
        ("ssh://engine", nil), ("unix://relative", nil), ("tcp://user@engine:1", nil), ("engine", nil),
    ])
    func `DOCKER_HOST names an engine`(_ text: String, _ expected: EngineAddress?) {
        let (settings, problems) = read(["DOCKER_HOST": text])
        if let expected {
            guard case .engine(expected) = settings.backend else { return #expect(Bool(false), "\(settings.backend)") }
            #expect(settings.makeProvisioner(loops: loops, logger: .disabled) is ContainerEngine)
        } else {
            #expect(problems == ["DOCKER_HOST"])
        }
    }

    @Test func `a control plane has a URL and a bearer`() {
        let (settings, problems) = read(["CONTROL_PLANE_URL": "https://plane/v1", "CONTROL_PLANE_TOKEN": "t"])
        #expect(problems.isEmpty)
        guard case .controlPlane(let url, "t") = settings.backend else { return #expect(Bool(false)) }
        #expect(url.description == "https://plane/v1")
    }

    @Test(arguments: [
        (["DOCKER_HOST": "unix:///s", "CONTROL_PLANE_URL": "http://p"], "CONTROL_PLANE_URL"),
        (["CONTROL_PLANE_URL": "http://user:pw@p"], "CONTROL_PLANE_URL"), (["GHCR_USER": "me"], "GHCR_TOKEN"),
        (["GHCR_TOKEN": "secret"], "GHCR_USER"), (["WORKSPACE_IMAGES": "langgraph"], "WORKSPACE_IMAGES"),
        (["WORKSPACE_IMAGES": "a=b,=c"], "WORKSPACE_IMAGES"), (["TIER2_MEMORY_MB": "0"], "TIER2_MEMORY_MB"),
        (["TIER4_CPU_SHARES": "many"], "TIER4_CPU_SHARES"),
    ])
    func `what cannot be used is named`(_ environment: [String: String], _ name: String) {
        #expect(read(environment).problems == [name])
    }

    @Test func `images come from the default registry unless configured otherwise`() {
        let images = read(["WORKSPACE_IMAGES": "langgraph=registry:5000/mine, own=local/own:2,pinned=x@sha256:ab"])
            .settings.images
        #expect(images.image(for: "hermes") == "ghcr.io/molecule-ai/workspace-template-hermes:latest")
        #expect(images.image(for: "langgraph") == "registry:5000/mine:latest")
        #expect(images.image(for: "own") == "local/own:2" && images.image(for: "pinned") == "x@sha256:ab")
        #expect(images.image(for: "cobol") == nil)
        #expect(
            images.knownRuntimes == [
                "autogen", "claude-code", "crewai", "deepagents", "gemini-cli", "hermes", "langgraph", "openclaw",
                "own",
                "pinned",
            ])
    }

    @Test(arguments: [(-1, 0), (0, 0), (1, 0), (2, 1), (4, 3), (5, 3), (1 << 30, 3)])
    func `a tier without limits of its own takes the nearest`(_ tier: Int, _ index: Int) {
        #expect(TierLimits.defaults.limits(ofTier: tier) == TierLimits.defaults[index])
    }

    @Test func `limits of a tier are read`() {
        let settings = read(["TIER2_MEMORY_MB": "100", "TIER2_CPU_SHARES": "7"]).settings
        #expect(settings.tiers[1] == TierLimits(memoryMegabytes: 100, cpuShares: 7))
    }

    @Test func `our registry's password is shown to our registry alone`() throws {
        let credentials = try #require(read(["GHCR_USER": "me", "GHCR_TOKEN": "p?>~~w"]).settings.credentials)
        for image in ["docker.io/x/y:1", "x/y", "ghcr.io.evil.example/x/y:1", "evil.example/ghcr.io/x"] {
            #expect(credentials.header(forImage: image) == nil)
        }
        let header = try #require(credentials.header(forImage: "ghcr.io/molecule-ai/x:latest"))
        #expect(header.utf8.allSatisfy { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") })
    }
}
