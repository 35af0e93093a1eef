import Contracts
import EventLoop
import HTTPCore
import HTTPServer
import Multipart

/// Reads the body of an upload into temporary files, as it arrives and no faster than they are written.
struct UploadReader: Sendable {
    /// The form's field that has files.
    static let field = "files"
    /// Bytes that are collected before they are written.
    private static let pieceBytes = 128 * 1024

    /// Where temporary files are made.
    let folder: String
    let loop: EventLoop

    private struct OpenFile {
        let name: FileName
        let mimeType: String
        /// The client's form named none.
        let isNameless: Bool
        let file: SpoolFile
        var waiting: [UInt8] = []
        var size = 0
    }

    /// - Returns: the files in the order sent; what was no file is left out.
    /// - Throws: `APIError`: 413 as soon as something is too large, 400 for what is no form, 503 when there is no room.
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
            throw APIError(.serviceUnavailable, Sentence.noRoomForUploads, retryAfter: 30, detail: "\(error)")
        }
        return files
    }

    private func begin(_ part: MultipartPart, after count: Int) async throws -> OpenFile? {
        // Other fields are read past; a field of this name that is no file is none.
        guard part.name == Self.field, let original = part.fileName else { return nil }
        guard count < Limits.uploadedFiles else {
            throw APIError(
                .payloadTooLarge, Sentence.tooManyFiles, field: Self.field,
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
                .payloadTooLarge, Sentence.fileTooLarge,
                members: [("file", .string(file.name.name)), ("limit", .int(Limits.uploadedFile))])
        }
        file.waiting += bytes
        if file.waiting.count >= Self.pieceBytes { try await write(&file) }
        current = file
    }

    private func write(_ file: inout OpenFile) async throws {
        guard !file.waiting.isEmpty else { return }
        let (bytes, spool) = (file.waiting, file.file)
        file.waiting = []
        try await loop.blocking { Result { try spool.append(bytes) } }.get()
    }

    /// - Returns: nil where a form's field for files was left empty.
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
            APIError(.payloadTooLarge, Sentence.tooManyFiles, members: [("limit", .int(limit))])
        }
    }
}
