import CConsolePages
import Contracts
import Crypto
import HTTPCore
import UVHTTPServer

/// The files of the console by name, compiled into the executable.
struct ConsolePages: Sendable {
    struct Page: Sendable {
        let bytes: [UInt8]
        let contentType: String
    }

    /// The placeholder of the version in `index.html`.
    private static let placeholder = Array("{{version}}".utf8)
    private static let contentTypes = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
    ]

    /// A hash over the content of all files.
    let version: String
    let pages: [String: Page]

    init() {
        var pages: [String: Page] = [:]
        var digests: [String] = []
        var count = 0
        let first = switchyard_pages(&count)
        for page in UnsafeBufferPointer(start: first, count: count) {
            let name = String(cString: page.name)
            let bytes = [UInt8](UnsafeBufferPointer(start: page.bytes, count: page.count))
            let type = Self.contentTypes[String(name.split(separator: ".").last ?? "")]
            pages[name] = Page(bytes: bytes, contentType: type ?? "application/octet-stream")
            digests.append(name + hex(sha256(bytes)))
        }
        version = hex(sha256(digests.sorted().joined()).prefix(8))
        let text = Array(version.utf8)
        pages["index.html"] = pages["index.html"].map { index in
            Page(bytes: Array(index.bytes.replacing(Self.placeholder, with: text)), contentType: index.contentType)
        }
        self.pages = pages
    }

    subscript(_ name: String) -> Page? { pages[name] }
}
