import Authentication
import Contracts
import Foundation
import HTTPCore
import JSONBytes
import Multipart
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `/workspaces/{id}/chat/uploads` and `/workspaces/{id}/chat/download`: files in and out of a chat.
struct ChatFileRoutes: Sendable {
    let context: ServiceContext
    let fileWriter: ChatFileWriter
    let finder: ChatFileFinder
    let quota: TransferQuota
    let spoolFolder: String

    func add(to router: inout Router) {
        let options = RouteOptions(maxBodyBytes: Limits.upload + Limits.uploadFraming, streamsBody: true)
        router.on(.post, "/workspaces/{id}/chat/uploads", options: options, upload)
        router.on(.get, "/workspaces/{id}/chat/download", download)
    }

    private func upload(_ request: Request) async throws -> Response {
        let id = try await context.authenticator.workspace(inPathOf: request)
        let storage = try await fileWriter.storage(of: id)
        guard let boundary = request.headers["content-type"].flatMap(MultipartBoundary.init(contentType:)) else {
            throw APIError(.unsupportedMediaType, ErrorMessage.notAForm, field: "Content-Type")
        }
        let reservation = try quota.upload(request)
        defer { withExtendedLifetime(reservation) {} }
        let files = try await UploadReader(folder: spoolFolder, loop: request.loop)
            .read(request.body.source, boundary)
        guard !files.isEmpty else {
            throw APIError(
                .badRequest, ErrorMessage.noFiles, field: UploadReader.field, reason: "must be one file at least")
        }
        try await fileWriter.keep(files, of: id, in: storage, on: request.loop)
        return try .json(
            UploadResponse(
                files: files.map { file in
                    UploadedFile(
                        uri: "workspace:\(DownloadPath.uploads)/\(file.name.stored)", name: file.name.name,
                        mimeType: file.mimeType, size: Int64(file.size))
                }))
    }

    private func download(_ request: Request) async throws -> Response {
        let id = try await context.authenticator.workspace(inPathOf: request)
        let path: DownloadPath
        do throws(DownloadPath.Refusal) {
            path = try DownloadPath(request.query("path"))
        } catch {
            throw APIError(.badRequest, ErrorMessage.invalidPath, field: "path", reason: error.rawValue)
        }
        let reservation = try quota.download(request)
        let file = try await finder.find(path, of: id, on: request.loop)
        return try await respond(to: request, with: file, holding: reservation)
    }

    private func respond(
        to request: Request, with file: FoundFile, holding reservation: Reservation
    ) async throws -> Response {
        var headers: HTTPHeaders = [
            "Accept-Ranges": "bytes", "ETag": file.tag.text, "Cache-Control": "private, no-cache",
            "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        ]
        if file.tag.isNamed(in: request.headers["if-none-match"]) { return Response(304, headers: headers) }
        headers.add("Content-Type", MediaType.served(file.mimeType))
        headers.add("Content-Disposition", ContentDisposition.attachment(file.name))
        let mayServeRange = request.method == .get && file.tag.allowsRange(request.headers["if-range"])
        let range: Range<Int>
        switch ByteRange(mayServeRange ? request.headers["range"] : nil, size: file.size) {
        case .whole: range = 0..<file.size
        case .part(let part):
            range = part
            headers.add("Content-Range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(file.size)")
        case .unsatisfiable:
            throw APIError(
                416, ErrorMessage.rangeNotSatisfiable, field: "Range",
                headers: ["Content-Range": "bytes */\(file.size)", "Accept-Ranges": "bytes"])
        }
        // Opened before the head is sent, so that a missing file is a status.
        let source = request.method == .head ? BytesSource([]) : try await file.open(range)
        let status: HTTPStatus = headers.contains("Content-Range") ? 206 : .ok
        return .stream(status, headers: headers, length: range.count) { writer in
            defer { withExtendedLifetime(reservation) {} }
            while let chunk = try await source.next() { try await writer.write(chunk) }
        }
    }
}
