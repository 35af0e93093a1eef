import Foundation
import Testing
import TestSupport

@testable import Templates

/// What is inside the folder, and what only seems to be.
@Suite struct TemplateFolderTests {
    @Test(arguments: [
        "", ".", "..", "../outside", "a/b", "/etc", "..\\outside", "it/../../outside", "it/", "hidden\u{0}", ".hidden",
        "file",
        "away", "gone", "loop", "missing", String(repeating: "n", count: 300),
    ])
    func `a name that is no folder in here is none`(_ name: String) throws {
        let folder = try TemplatesFolder()
        try folder.write("it/config.yaml", "runtime: x")
        try folder.write(".hidden/config.yaml", "runtime: x")
        try folder.write("../outside/config.yaml", "runtime: x")
        try folder.write("file", "runtime: x")
        try folder.link("away", to: "../outside")
        try folder.link("gone", to: "nothing")
        try folder.link("loop", to: "loop")
        let reader = TemplateFolder(path: folder.path)
        #expect(reader.folder(named: name) == nil)
        #expect(throws: TemplateError.unknown) { try reader.files(of: name) }
        #expect(reader.list().templates.map(\.name) == ["it"])
    }

    @Test func `a folder whose name only begins like the root's is outside`() throws {
        let folder = try TemplatesFolder()
        try folder.write("it/config.yaml", "runtime: x")
        try folder.write("../templates-of-others/config.yaml", "runtime: y")
        try folder.link("away", to: "../templates-of-others")
        #expect(folder.listing.templates.map(\.name) == ["it"])
        #expect(folder.listing.warnings.map(\.template) == ["away"])
    }

    @Test func `links inside the folder are followed, and the folder may be one itself`() throws {
        let folder = try TemplatesFolder()
        try folder.write("it/config.yaml", "runtime: x")
        try folder.link("alias", to: "it")
        let link = try TemporaryFolder.make("link") + "/here"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder.path)
        let listing = TemplateFolder(path: link).list()
        #expect(listing.templates.map(\.name) == ["alias", "it"])
        #expect(listing.templates.allSatisfy { $0.configuration.runtime == "x" } && listing.warnings.isEmpty)
    }

    @Test func `a configuration that is a link out of here is not read`() throws {
        let folder = try TemplatesFolder()
        try folder.write("../secret.yaml", "runtime: stolen")
        try folder.write("it/other", "")
        try folder.link("it/config.yaml", to: "../../secret.yaml")
        let listing = folder.listing
        #expect(listing.templates == [Template(name: "it", configuration: TemplateConfiguration())])
        #expect(listing.warnings.count == 1)
    }

    @Test func `a configuration that is a pipe is not waited for`() throws {
        let folder = try TemplatesFolder()
        try folder.write("it/other", "")
        #expect(mkfifo("\(folder.path)/it/config.yaml", 0o600) == 0)
        #expect(folder.listing.warnings.map(\.reason) == ["config.yaml: cannot be read"])
    }

    @Test func `a configuration that is too long is ignored`() throws {
        let folder = try TemplatesFolder()
        try folder.write("it/config.yaml", "runtime: x\n" + String(repeating: "#", count: 1 << 20))
        #expect(folder.listing.templates.first?.configuration == TemplateConfiguration())
        #expect(folder.listing.warnings.map(\.reason) == ["config.yaml: longer than 262144 bytes"])
    }

    @Test func `no more templates than allowed are listed`() throws {
        let folder = try TemplatesFolder()
        for name in ["a", "b", "c"] { try folder.write("\(name)/config.yaml", "runtime: x") }
        var reader = TemplateFolder(path: folder.path)
        reader.limits.templates = 2
        #expect(reader.list().templates.map(\.name) == ["a", "b"])
        #expect(reader.list().warnings.map(\.reason) == ["more than 2 entries"])
    }

    @Test func `a template's files come with their paths`() throws {
        let folder = try TemplatesFolder()
        try folder.write("shared/prompt.md", "shared")
        try folder.write("../outside", "secret")
        try folder.write("it/config.yaml", "runtime: x")
        try folder.write("it/.env.example", "A=")
        try folder.write("it/skills/a/SKILL.md", "boil")
        try folder.write("it/.git/config", "url")
        try folder.link("it/prompt.md", to: "../shared/prompt.md")
        try folder.link("it/leak", to: "../../outside")
        try folder.link("it/everything", to: "..")
        #expect(mkfifo("\(folder.path)/it/pipe", 0o600) == 0)
        let files = try TemplateFolder(path: folder.path).files(of: "it")
        #expect(files.map(\.path) == [".env.example", "config.yaml", "prompt.md", "skills/a/SKILL.md"])
        #expect(files.map { String(decoding: $0.bytes, as: UTF8.self) } == ["A=", "runtime: x", "shared", "boil"])
    }

    @Test func `a template's files are bounded`() throws {
        let folder = try TemplatesFolder()
        for name in ["a", "b", "c"] { try folder.write("it/\(name)", "12345") }
        try folder.write("deep/1/2/3/4/file", "x")
        var reader = TemplateFolder(path: folder.path)
        reader.limits.files = 2
        #expect(throws: TemplateError.tooManyFiles(limit: 2)) { try reader.files(of: "it") }
        reader.limits.files = 3
        reader.limits.bytes = 14
        #expect(throws: TemplateError.tooLarge(limit: 14)) { try reader.files(of: "it") }
        reader.limits.bytes = 15
        #expect(try reader.files(of: "it").count == 3)
        reader.limits.depth = 3
        #expect(throws: TemplateError.self) { try reader.files(of: "deep") }
    }
}
