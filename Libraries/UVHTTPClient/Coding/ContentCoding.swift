import HTTPCore

/// The content codings that we undo, though we ask for none: some servers and the boxes before them compress anyway.
enum ContentCoding: Sendable {
    case gzip
    /// The zlib format; what several servers send under this name is the bare deflate data.
    case deflate

    /// What a message says of its body.
    enum Declared: Sendable {
        case none
        case known(ContentCoding)
        /// Another coding, or several on top of each other.
        case unknown
    }

    static func declared(in headers: HTTPHeaders) -> Declared {
        guard headers.contains("content-encoding") else { return .none }
        let names = headers.values("content-encoding").flatMap { $0.split(separator: ",") }
            .map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            .filter { !$0.isEmpty && $0 != "identity" }
        guard let name = names.first else { return .none }
        guard names.count == 1 else { return .unknown }
        return switch name {
        case "gzip", "x-gzip": .known(.gzip)
        case "deflate": .known(.deflate)
        default: .unknown
        }
    }
}

extension ClientResponse {
    /// The response with its body decoded, and without the fields that said how it was coded.
    ///
    /// - Parameter limit: of a body that was collected, which stays one piece; `nil` decodes while the body is read.
    /// - Throws: `tooLarge` and `malformed`, for collected bodies; others fail when they are read.
    func decoded(collectedUpTo limit: Int?) throws(HTTPClientError) -> ClientResponse {
        let declared = ContentCoding.declared(in: headers)
        if case .none = declared { return self }
        if case .empty = body { return self }
        guard case .known(let coding) = declared else {
            if limit != nil { throw failure(.malformed, "a content coding that we do not speak") }
            if case .stream(let source) = body { source.cancel() }
            return with(.stream(UndecodableBody()))
        }
        guard let limit, case .bytes(let bytes) = body else {
            return with(.stream(DecodedBody(body, coding)))
        }
        return with(.bytes(try decode(bytes, Inflater(coding), upTo: limit)))
    }

    private func decode(
        _ bytes: [UInt8], _ inflater: Inflater, upTo limit: Int
    ) throws(HTTPClientError) -> [UInt8] {
        var decoded: [UInt8] = []
        inflater.add(bytes)
        do throws(HTTPBodyError) {
            while let piece = try inflater.next() {
                decoded.append(contentsOf: piece)
                if decoded.count > limit { throw HTTPBodyError.tooLarge(limit: limit) }
            }
            try inflater.end()
        } catch {
            if case .tooLarge = error { throw failure(.tooLarge, "the response is longer than \(limit) bytes") }
            throw failure(.malformed, "the response's content coding is broken")
        }
        return decoded
    }

    private func failure(_ kind: HTTPClientError.Kind, _ detail: String) -> HTTPClientError {
        HTTPClientError(kind, requestBytesWritten: true, status: status, wasRetried: wasRetried, detail: detail)
    }

    private func with(_ body: HTTPBody) -> ClientResponse {
        var headers = headers
        headers.remove("content-encoding")
        headers.remove("content-length")
        return ClientResponse(status: status, headers: headers, body: body, wasRetried: wasRetried)
    }
}
