import Contracts
import HTTPCore
import Multipart
import PlatformInternals
import UVHTTPServer
import UVLoop

/// Streams the body of an upload into temporary files, with back-pressure from the writes.
struct UploadReader: Sendable {
    /// The name of the form's field for files.
    static let field = "files"
    /// The size of the write buffer.
    private static let bufferBytes = 128 * 1024

    /// The folder of temporary files.
    let folder: String
    let loop: EventLoop

    private struct OpenFile {
        let name: FileName
        let mimeType: String
        /// The form's part has an empty file name.
        let isNameless: Bool
        let file: SpoolFile
        var buffer: [UInt8] = []
        var size = 0
    }

    /// - Returns: the files in the order sent; other fields are ignored.
    /// - Throws: `APIError`: 413 as soon as something is too large, 400 for a malformed form, 503 when the disk is
    ///   full.
    func read(_ body: any HTTPByteSource, _ boundary: MultipartBoundary) async throws -> [SpooledFile] {
        var parser = MultipartParser(boundary: boundary)
        var files: [SpooledFile] = []
        var current: OpenFile?
        var total = 0
        do {
            while let chunk = try await body.next() {
                for event in try parser.consume(chunk) {
                    switch event {
                    case .part(let part): current = try await begin(part, after: files.count)
                    case .body(let bytes):
                        total += bytes.count
                        guard total <= Limits.upload else { throw APIError.bodyTooLarge(limit: Limits.upload) }
                        try await append(bytes, to: &current)
                    case .partEnd:
                        if let file = try await end(&current) { files.append(file) }
                    }
                }
            }
            try parser.finish()
        } catch let error as MultipartError {
            throw Self.refusal(of: error)
        } catch HTTPBodyError.tooLarge {
            throw APIError.bodyTooLarge(limit: Limits.upload)
        } catch let error as SpoolFile.Failure {
            throw APIError(.serviceUnavailable, ErrorMessage.noRoomForUploads, retryAfter: 30, detail: "\(error)")
        }
        return files
    }

    private func begin(_ part: MultipartPart, after count: Int) async throws -> OpenFile? {
        // Other fields are skipped, and so are fields of this name without a file.
        guard part.name == Self.field, let original = part.fileName else { return nil }
        guard count < Limits.uploadedFiles else {
            throw APIError(
                .payloadTooLarge, ErrorMessage.tooManyFiles, field: Self.field,
                members: [("limit", .int(Limits.uploadedFiles))])
        }
        let name = FileName(original)
        let file = try await loop.blocking { [folder] in Result { try SpoolFile(folder: folder) } }.get()
        return OpenFile(
            name: name, mimeType: MediaType.of(part.contentType, name: name.name), isNameless: original.isEmpty,
            file: file)
    }

    private func append(_ bytes: [UInt8], to current: inout OpenFile?) async throws {
        guard var file = current.take() else { return }
        file.size += bytes.count
        guard file.size <= Limits.uploadedFile else {
            throw APIError(
                .payloadTooLarge, ErrorMessage.fileTooLarge,
                members: [("file", .string(file.name.name)), ("limit", .int(Limits.uploadedFile))])
        }
        file.buffer += bytes
        if file.buffer.count >= Self.bufferBytes { try await write(&file) }
        current = file
    }

    private func write(_ file: inout OpenFile) async throws {
        guard !file.buffer.isEmpty else { return }
        let (bytes, spool) = (file.buffer, file.file)
        file.buffer = []
        try await loop.blocking { Result { try spool.append(bytes) } }.get()
    }

    /// - Returns: nil when the form's field for files was left empty.
    private func end(_ current: inout OpenFile?) async throws -> SpooledFile? {
        guard var file = current.take() else { return nil }
        if file.isNameless, file.size == 0 { return nil }
        try await write(&file)
        return SpooledFile(
            name: file.name, mimeType: file.mimeType, size: file.size, digest: file.file.finish(), file: file.file)
    }

    private static func refusal(of error: MultipartError) -> APIError {
        switch error {
        case .malformed(let reason): .invalidBody(reason: reason)
        case .unfinished: .invalidBody(reason: "the final boundary is missing")
        case .headersTooLarge: .invalidBody(reason: "the header fields of a part are too large")
        case .preambleTooLarge: .invalidBody(reason: "the body does not begin with the boundary")
        case .tooManyParts(let limit):
            APIError(.payloadTooLarge, ErrorMessage.tooManyFiles, members: [("limit", .int(limit))])
        }
    }
}
