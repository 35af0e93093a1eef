import Configuration
import Foundation
import Observability
import Testing
import TestSupport

@testable import Templates

/// The catalogue as services use it.
@Suite struct TemplateCatalogTests {
    private func config(_ runtime: String, _ timeout: String) -> String {
        "runtime: \(runtime)\nruntime_config: {provision_timeout_seconds: \(timeout)}"
    }

    @Test func `of several templates of a runtime the longest timeout wins`() async throws {
        let folder = try TemplatesFolder()
        try folder.write("a/config.yaml", config("hermes", "600"))
        try folder.write("b/config.yaml", config("hermes", "1800"))
        try folder.write("c/config.yaml", config("hermes", "-5"))
        try folder.write("d/config.yaml", config("hermes", "60"))
        try folder.write("e/config.yaml", config("crewai", "90"))
        try folder.write("f/config.yaml", "runtime: autogen")
        let catalog = folder.catalog()
        #expect(await catalog.provisionTimeouts() == ["hermes": .seconds(1800), "crewai": .seconds(90)])
        #expect(await catalog.list().map(\.name) == ["a", "b", "c", "d", "e", "f"])
        #expect(await catalog.template(named: "e")?.configuration.runtime == "crewai")
        #expect(await catalog.template(named: "../a") == nil)
        #expect(try await catalog.files(of: "f").map(\.path) == ["config.yaml"])
    }

    @Test func `without a folder there are no templates`() async throws {
        let none = TemplateCatalog(path: nil, loops: loops, logger: .disabled)
        #expect(await none.list().isEmpty)
        await #expect(throws: TemplateError.unknown) { try await none.files(of: "a") }
        let missing = TemplateCatalog(path: "/nowhere/at/all", loops: loops, logger: .disabled)
        #expect(await missing.list().isEmpty)
        #expect(await missing.template(named: "a") == nil)
    }

    @Test func `what was read is used until it is too old`() async throws {
        let folder = try TemplatesFolder()
        try folder.write("a/config.yaml", "runtime: x")
        let (fresh, lasting) = (folder.catalog(), folder.catalog(maximumAge: .seconds(3600)))
        #expect(await fresh.list().count == 1)
        #expect(await lasting.list().count == 1)
        try folder.write("b/config.yaml", "runtime: y")
        #expect(await fresh.list().count == 2)
        #expect(await lasting.list().count == 1)
    }

    @Test func `concurrent callers get the same result`() async throws {
        let folder = try TemplatesFolder()
        try folder.write("a/config.yaml", "runtime: x")
        let catalog = folder.catalog()
        let counts = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { await catalog.list().count } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(counts == Array(repeating: 1, count: 50))
    }

    @Test func `the same fault is warned about once`() async throws {
        let folder = try TemplatesFolder()
        try folder.write("a/config.yaml", "runtime: [")
        let lines = LogLines()
        let catalog = folder.catalog(logger: Logger(service: "test", output: lines.output))
        for _ in 0..<3 { _ = await catalog.list() }
        try folder.write("b/config.yaml", "max_concurrent_tasks: 0")
        for _ in 0..<3 { _ = await catalog.list() }
        let written = lines.all
        #expect(written.count == 2 && written.allSatisfy { $0.contains("something of a template is ignored") })
    }

    @Test func `the folder comes from the environment`() {
        #expect(TemplateCatalog.path(ConfigurationReader(environment: [:])) == nil)
        #expect(TemplateCatalog.path(ConfigurationReader(environment: ["TEMPLATES_DIR": "/t"])) == "/t")
    }
}
