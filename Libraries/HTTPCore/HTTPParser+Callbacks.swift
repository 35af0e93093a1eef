import CLLHTTP

/// What llhttp calls. `data` is the parser object, borrowed: it is alive because it is the one that called llhttp.
extension HTTPParser {
    /// Shared by all parsers; never freed.
    nonisolated(unsafe) static let settings: UnsafePointer<llhttp_settings_t> = {
        let settings = UnsafeMutablePointer<llhttp_settings_t>.allocate(capacity: 1)
        llhttp_settings_init(settings)
        settings.pointee.on_message_begin = { HTTPParser.of($0) { $0.beginMessage() } }
        settings.pointee.on_protocol = { parser, at, length in
            HTTPParser.of(parser) { $0.receivedProtocol(UnsafeRawBufferPointer(start: at, count: length)) }
        }
        settings.pointee.on_url = { parser, at, length in
            HTTPParser.of(parser) { $0.receivedTarget(UnsafeRawBufferPointer(start: at, count: length)) }
        }
        settings.pointee.on_header_field = { parser, at, length in
            HTTPParser.of(parser) { $0.receivedName(UnsafeRawBufferPointer(start: at, count: length)) }
        }
        settings.pointee.on_header_value = { parser, at, length in
            HTTPParser.of(parser) { $0.receivedValue(UnsafeRawBufferPointer(start: at, count: length)) }
        }
        settings.pointee.on_header_value_complete = { HTTPParser.of($0) { $0.completedField() } }
        settings.pointee.on_chunk_extension_name = { parser, _, length in
            HTTPParser.of(parser) { $0.receivedExtension(length) }
        }
        settings.pointee.on_chunk_extension_value = { parser, _, length in
            HTTPParser.of(parser) { $0.receivedExtension(length) }
        }
        settings.pointee.on_headers_complete = {
            HTTPParser.reference($0)._withUnsafeGuaranteedRef { $0.completedHead() }
        }
        settings.pointee.on_body = { parser, at, length in
            HTTPParser.of(parser) { $0.receivedBody(UnsafeRawBufferPointer(start: at, count: length)) }
        }
        settings.pointee.on_message_complete = { parser in
            HTTPParser.of(parser) { $0.endMessage() }
            return Int32(HPE_PAUSED.rawValue)
        }
        return UnsafePointer(settings)
    }()

    private static func reference(_ parser: UnsafeMutablePointer<llhttp_t>?) -> Unmanaged<HTTPParser> {
        .fromOpaque(parser.unsafelyUnwrapped.pointee.data)
    }

    /// Runs a step; one that recorded a failure stops llhttp.
    @discardableResult
    private static func of(_ parser: UnsafeMutablePointer<llhttp_t>?, _ step: (HTTPParser) -> Void) -> Int32 {
        reference(parser)._withUnsafeGuaranteedRef {
            step($0)
            return $0.failure == nil ? 0 : Int32(HPE_USER.rawValue)
        }
    }

    /// llhttp also parses RTSP and ICE, which are refused here.
    private func receivedProtocol(_ bytes: UnsafeRawBufferPointer) {
        defer { sawProtocol = true }
        if !sawProtocol, bytes.first == UInt8(ascii: "R") || bytes.first == UInt8(ascii: "I") {
            failure = HTTPParseError(.unsupportedVersion, "not HTTP")
        }
    }

    private func receivedTarget(_ bytes: UnsafeRawBufferPointer) {
        target.append(contentsOf: bytes)
        count(bytes.count)
        if target.count > limits.targetBytes { failure = HTTPParseError(.targetTooLong, "target too long") }
    }

    /// Trailers are dropped: nothing here depends on one, and merging them into the head enables request smuggling.
    private func receivedName(_ bytes: UnsafeRawBufferPointer) {
        count(bytes.count)
        guard !isInTrailers else { return }
        if !isInField {
            isInField = true
            if head.headers.isEmpty { head.headers.reserveCapacity(Self.usualHeadBytes) }
            head.headers.beginField()
        }
        head.headers.extendName(bytes)
    }

    private func receivedValue(_ bytes: UnsafeRawBufferPointer) {
        count(bytes.count)
        if !isInTrailers { head.headers.extendValue(bytes) }
    }

    private func completedField() {
        fieldCount += 1
        // ": " and the line's end.
        count(4)
        if fieldCount > limits.fieldCount { failure = HTTPParseError(.headTooLarge, "too many fields") }
        isInField = false
    }

    private func receivedExtension(_ length: Int) {
        extensionBytes += length
        if extensionBytes > limits.chunkExtensionBytes {
            failure = HTTPParseError(.malformed, "chunk extensions too long")
        }
    }

    private func receivedBody(_ bytes: UnsafeRawBufferPointer) {
        delegate?.parser(self, receivedBody: bytes.bindMemory(to: UInt8.self))
    }

    private func count(_ bytes: Int) {
        headBytes += bytes
        if headBytes > limits.headBytes { failure = HTTPParseError(.headTooLarge, "header block too large") }
    }

    /// - Returns: what llhttp expects of `on_headers_complete`: 0 to go on, 1 for no body, -1 to stop.
    private func completedHead() -> Int32 {
        let flags = Int32(parser.pointee.flags)
        let major = parser.pointee.http_major
        guard major == 1, parser.pointee.http_minor <= 1 else {
            failure = HTTPParseError(.unsupportedVersion, "HTTP/\(major).\(parser.pointee.http_minor)")
            return -1
        }
        head.minorVersion = Int(parser.pointee.http_minor)
        head.isChunked = flags & Int32(F_CHUNKED.rawValue) != 0
        head.contentLength = flags & Int32(F_CONTENT_LENGTH.rawValue) != 0 ? parser.pointee.content_length : nil
        head.keepAlive = llhttp_should_keep_alive(parser) == 1
        head.wantsUpgrade = parser.pointee.upgrade != 0
        if mode == .request {
            head.method = Self.methods[Int(parser.pointee.method)]
            head.target = String(decoding: target, as: UTF8.self)
            // The parser stops at the end of every message anyway, and whether to switch is the handler's decision.
            parser.pointee.upgrade = 0
        } else {
            head.status = HTTPStatus(Int(parser.pointee.status_code))
        }
        isInTrailers = true
        let expectation = delegate?.parser(self, received: head) ?? .asFramed
        head.headers = HTTPHeaders()
        guard failure == nil else { return -1 }
        return expectation == .none ? 1 : 0
    }

    /// Most heads fit; small enough for the allocator's fast path.
    private static let usualHeadBytes = 480

    private static let methods: [HTTPMethod] = (0...UInt32(HTTP_QUERY.rawValue)).map {
        HTTPMethod(String(cString: llhttp_method_name(llhttp_method_t(rawValue: $0))))
    }
}
