import Foundation

/// The body of an upload: one part named `files` per file.
struct MultipartForm {
    /// The platform's limits, in bytes.
    static let fileLimit = 25 << 20
    static let totalLimit = 50 << 20

    private(set) var body: [UInt8] = []
    private let boundary = "switchyard-\(UUID().uuidString.lowercased())"

    var contentType: String { "multipart/form-data; boundary=\(boundary)" }

    /// - Throws: `invalidRequest` when a file cannot be read or is too large; all are read before anything is sent.
    init(files paths: [String]) throws(PlatformError) {
        for path in paths {
            let name = (path as NSString).lastPathComponent
            guard let data = FileManager.default.contents(atPath: path) else {
                throw PlatformError(.invalidRequest, detail: "cannot read the file \(name)")
            }
            guard data.count <= Self.fileLimit, body.count + data.count <= Self.totalLimit else {
                throw PlatformError(.invalidRequest, detail: "the file \(name) is too large")
            }
            append(name, data)
        }
        body.append(contentsOf: Array("--\(boundary)--\r\n".utf8))
    }

    private mutating func append(_ name: String, _ data: Data) {
        // Characters that would end the quoted name are percent-encoded, as browsers do.
        let quoted = name.replacing("\"", with: "%22").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"files\"; filename=\"\(quoted)\"\r\n"
            + "Content-Type: \(MIMEType.of(name))\r\n\r\n"
        body.append(contentsOf: Array(head.utf8))
        body.append(contentsOf: data)
        body.append(contentsOf: [0x0D, 0x0A])
    }
}

/// The MIME types of uploaded files, by extension.
enum MIMEType {
    static func of(_ name: String) -> String {
        types[(name as NSString).pathExtension.lowercased()] ?? "application/octet-stream"
    }

    private static let types: [String: String] = [
        "txt": "text/plain", "log": "text/plain", "md": "text/markdown", "csv": "text/csv", "html": "text/html",
        "htm": "text/html", "css": "text/css", "js": "text/javascript", "py": "text/x-python", "xml": "text/xml",
        "json": "application/json", "yaml": "application/yaml", "yml": "application/yaml", "pdf": "application/pdf",
        "zip": "application/zip", "gz": "application/gzip", "tar": "application/x-tar",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
        "svg": "image/svg+xml", "mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg", "mp4": "video/mp4",
        "webm": "video/webm",
    ]
}
