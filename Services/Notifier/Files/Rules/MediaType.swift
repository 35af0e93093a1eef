/// The media types of uploaded and downloaded files.
enum MediaType {
    static let unknown = "application/octet-stream"

    /// The type of an upload: the declared one, if it is valid; else by the name's extension.
    static func of(_ declared: String?, name: String) -> String {
        declared.flatMap(normalized) ?? guessed(name)
    }

    /// By the extension; unknown for others.
    static func guessed(_ name: String) -> String {
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return unknown }
        return types[name[name.index(after: dot)...].lowercased()] ?? unknown
    }

    /// The `Content-Type` of a download: never a type that a browser would execute or render as a page.
    static func served(_ type: String) -> String {
        let name = type.prefix { $0 != ";" }.lowercased()
        if name == "text/plain" { return "text/plain; charset=utf-8" }
        return servedTypes.contains(name) ? name : unknown
    }

    /// Lower-case and without blanks; nil when it does not follow the grammar (RFC 9110, 8.3.1).
    private static func normalized(_ text: String) -> String? {
        guard text.utf8.count <= 255 else { return nil }
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map { part in
            part.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed()
        }.map { String($0) }
        let names = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        guard names.count == 2, names.allSatisfy(isToken) else { return nil }
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, isToken(pair[0]), isToken(pair[1]) || isQuoted(pair[1]) else { return nil }
        }
        return ([parts[0].lowercased()] + parts.dropFirst()).joined(separator: "; ")
    }

    private static func isToken(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: punctuation.contains(byte)
                }
            }
    }

    private static let punctuation = Array("!#$%&'*+-.^_`|~".utf8)

    private static func isQuoted(_ text: Substring) -> Bool {
        let inner = text.dropFirst().dropLast()
        return text.utf8.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"")
            && inner.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
    }

    private static let servedTypes: Set<String> = [
        "image/png", "image/jpeg", "image/gif", "image/webp", "audio/mpeg", "audio/wav", "audio/ogg", "audio/aac",
        "audio/flac", "audio/mp4", "audio/webm", "video/mp4", "video/webm", "video/ogg", "video/quicktime",
    ]

    private static let types: [String: String] = [
        "txt": "text/plain", "log": "text/plain", "md": "text/markdown", "csv": "text/csv", "html": "text/html",
        "htm": "text/html", "css": "text/css", "js": "text/javascript", "mjs": "text/javascript",
        "py": "text/x-python", "xml": "application/xml", "json": "application/json", "yaml": "application/yaml",
        "yml": "application/yaml", "toml": "application/toml", "pdf": "application/pdf", "zip": "application/zip",
        "gz": "application/gzip", "tar": "application/x-tar", "wasm": "application/wasm",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
        "svg": "image/svg+xml", "mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg", "m4a": "audio/mp4",
        "flac": "audio/flac", "mp4": "video/mp4", "webm": "video/webm", "mov": "video/quicktime",
    ]
}
