import HTTPCore

/// Puts a response's head together from the lines that libcurl hands over one by one, interim responses included.
struct CurlHeadParser {
    enum Outcome {
        case more
        /// The final response's head is complete.
        case head(HTTPMessageHead)
        case tooLarge
        case malformed
    }

    private var head = HTTPMessageHead()
    private var bytes = 0
    /// The final head was seen; what follows are trailers.
    private(set) var isComplete = false

    mutating func consume(_ line: UnsafeRawBufferPointer, limits: HTTPClientConfiguration) -> Outcome {
        bytes += line.count
        guard bytes <= limits.maxHeaderBytes, head.headers.count <= limits.maxHeaderFields else { return .tooLarge }
        guard !isComplete else { return .more }
        let text = String(decoding: line, as: UTF8.self)
        if text.hasPrefix("HTTP/") {
            let parts = text.split(separator: " ", maxSplits: 2)
            guard parts.count > 1, let code = Int(parts[1].prefix(3)) else { return .malformed }
            head = HTTPMessageHead()
            head.status = HTTPStatus(code)
            return .more
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return endOfBlock() }
        let name = String(decoding: line[..<colon], as: UTF8.self)
        let value = Self.trimmed(line[(colon + 1)...])
        if HTTPHeaders.equal(name, "content-length") { head.contentLength = UInt64(value) }
        head.headers.add(name, value)
        return .more
    }

    private mutating func endOfBlock() -> Outcome {
        // We never ask for another protocol.
        guard head.status.code != 101 else { return .malformed }
        guard head.status.code >= 200 else { return .more }
        isComplete = true
        return .head(head)
    }

    private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0a }
        let start = bytes.firstIndex { !isSpace($0) } ?? bytes.endIndex
        let end = bytes.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start
        return String(decoding: bytes[start..<max(start, end)], as: UTF8.self)
    }
}
