import Contracts
import Foundation
import HTTPCore
import PlatformInternals
import Provisioning
import UVHTTPServer
import UVLoop

/// A file for download.
struct FoundFile: Sendable {
    let name: String
    let mimeType: String
    let size: Int
    let tag: EntityTag
    /// Opens a range of it.
    let open: @Sendable (Range<Int>) async throws -> any HTTPByteSource
}

/// Finds files by their paths: in the file store, or in the workspace's container.
struct ChatFileFinder: Sendable {
    let rows: ChatFileRows
    let fileWriter: ChatFileWriter

    /// - Throws: `APIError` 404, 400 when it is no regular file, 503.
    func find(_ path: DownloadPath, of workspace: UUID, on loop: EventLoop) async throws -> FoundFile {
        guard let isManaged = try await rows.isManaged(workspace) else {
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
        if let upload = path.upload, let row = try await rows.find(upload.stored, of: workspace), row.storage == .store
        {
            return try inStore(row, of: workspace, on: loop)
        }
        guard isManaged, fileWriter.provisioner.copiesFiles else {
            throw APIError(.notFound, ErrorMessage.fileNotFound)
        }
        return try await inContainer(path, of: workspace)
    }

    private func inStore(_ row: ChatFile, of workspace: UUID, on loop: EventLoop) throws -> FoundFile {
        guard let store = fileWriter.store else { throw APIError(.serviceUnavailable, ErrorMessage.noFileStore) }
        return FoundFile(
            name: row.name, mimeType: row.mimeType, size: row.size,
            tag: EntityTag(strong: String(row.stored.prefix(32)))
        ) { range in
            do throws(FileStoreError) {
                return try await store.open(row.stored, of: workspace, size: row.size, range: range, on: loop)
            } catch {
                if error.kind == .missing { throw APIError(.notFound, ErrorMessage.fileNotFound, detail: error.detail) }
                throw fileWriter.unavailable(error)
            }
        }
    }

    private func inContainer(_ path: DownloadPath, of workspace: UUID) async throws -> FoundFile {
        let file: ContainerFile
        do throws(ProvisioningError) {
            file = try await fileWriter.provisioner.findFile(path.path, of: WorkspaceName(workspace))
        } catch {
            throw fileWriter.refusal(of: error)
        }
        let tag = String(file.modified, radix: 16) + "-" + String(file.size, radix: 16)
        return FoundFile(
            name: path.name, mimeType: MediaType.guessed(path.name), size: file.size, tag: EntityTag(weak: tag)
        ) { range in
            do throws(ProvisioningError) {
                return SlicedSource(try await file.open(), range)
            } catch {
                throw fileWriter.refusal(of: error)
            }
        }
    }
}
