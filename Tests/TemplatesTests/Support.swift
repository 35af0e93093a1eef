import Foundation
import Observability
import TestSupport
import UVLoop

@testable import Templates

/// Loops shared by all tests of this target; they end with the process.
let loops = EventLoopGroup(count: 1)

/// A templates' folder of one test.
struct TemplatesFolder {
    let path: String

    init() throws { path = try TemporaryFolder.make("templates") + "/templates" }

    /// Writes a file below the folder, and the folders above it.
    func write(_ relative: String, _ text: String) throws {
        let url = URL(fileURLWithPath: "\(path)/\(relative)")
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    /// Makes a link; its target is taken as it is.
    func link(_ relative: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(path)/\(relative)", withDestinationPath: target)
    }

    func catalog(maximumAge: Duration = .zero, logger: Logger = .disabled) -> TemplateCatalog {
        TemplateCatalog(path: path, maximumAge: maximumAge, loops: loops, logger: logger)
    }

    /// What one scan of the folder finds.
    var listing: TemplateFolder.Listing { TemplateFolder(path: path).list() }
}
