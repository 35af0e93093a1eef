import Foundation
import HTTPCore
import Testing
import TestSupport

@testable import Notifier

@Suite("Pages of the console")
struct ConsolePagesTests {
    private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Services/Notifier/Console/Pages").standardized

    @Test("are all compiled in, as they are written, and weigh no more than they may")
    func embedded() throws {
        let pages = ConsolePages()
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(pages.pages.keys) == Set(names))
        for name in names where name != "index.html" {
            let written = try Data(contentsOf: folder.appendingPathComponent(name))
            #expect(pages[name].map { Data($0.bytes) } == written, "\(name)")
            #expect(pages[name]?.contentType != "application/octet-stream", "\(name)")
        }
        #expect(pages.pages.values.reduce(0) { $0 + $1.bytes.count } <= 200 * 1024)
    }

    @Test("refer to each other by the version that they are")
    func version() throws {
        let pages = ConsolePages()
        let index = String(decoding: try #require(pages["index.html"]).bytes, as: UTF8.self)
        #expect(index.contains("/console/assets/\(pages.version)/app.js"))
        #expect(!index.contains("{{"))
        #expect(pages.version.count == 16)
        // What browsers do not load from elsewhere, and do not run, is not there.
        for name in pages.pages.keys {
            let text = String(decoding: try #require(pages[name]).bytes, as: UTF8.self)
            #expect(!text.contains("innerHTML") && !text.contains("insertAdjacentHTML"), "\(name)")
            #expect(!text.contains(" style=\"") && !text.contains(" onclick="), "\(name)")
            let links = text.matches(of: /https?:\/\/[^\s"'`)]+/).map { String($0.0) }
            #expect(links.allSatisfy { $0.hasPrefix("http://www.w3.org/") }, "\(name): \(links)")
        }
    }
}
