import Contracts
import Foundation
import HTTPCore
import Observability
import PlatformInternals
import Postgres
import Provisioning
import UVHTTPServer
import UVLoop

/// Stores the files of an upload: all of them or none, and their bytes are durable before the rows are visible.
struct ChatFileWriter: Sendable {
    /// Timeout of writing all files, well below the age at which they count as abandoned.
    private static let writeTimeout: Duration = .seconds(900)
    /// Seconds after which a failed write can no longer take effect.
    private static let lateWrites: Double = 600

    let rows: ChatFileRows
    let quota: ChatFileRows.Quota
    /// Nil when none is configured.
    let store: (any FileStore)?
    let provisioner: any Provisioner
    let logger: Logger

    /// The storage for new files of a workspace.
    ///
    /// - Throws: `APIError` 404 for an unknown or removed workspace, 409 when its quota is used up, 503 when there is
    ///   no storage.
    func storage(of workspace: UUID) async throws -> ChatFile.Storage {
        guard let isManaged = try await rows.isManaged(workspace) else {
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
        let isInContainer = isManaged && provisioner.copiesFiles
        guard isInContainer || store != nil else { throw APIError(.serviceUnavailable, ErrorMessage.noFileStore) }
        // Checked first, so that an upload that would be refused anyway is not read.
        guard try await rows.isBelowQuota(workspace, quota) else { throw overQuota }
        return isInContainer ? .container : .store
    }

    private var overQuota: APIError {
        APIError(
            .conflict, ErrorMessage.fileQuotaExceeded, field: UploadReader.field,
            reason: "at most \(quota.files) files of \(quota.bytes) bytes together",
            members: [("limit", .int(quota.bytes))])
    }

    /// - Throws: `APIError` 404, 409 when the quota would be exceeded, 503.
    func keep(_ files: [SpooledFile], of workspace: UUID, in storage: ChatFile.Storage, on loop: EventLoop) async throws
    {
        let entries = files.map { file in
            ChatFile(
                stored: file.name.stored, name: file.name.name, mimeType: file.mimeType, size: file.size,
                storage: storage)
        }
        switch try await rows.register(entries, of: workspace, quota) {
        case .registered: break
        case .noWorkspace: throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        case .overQuota: throw overQuota
        }
        let stored = files.map(\.name.stored)
        do {
            try await write(files, of: workspace, in: storage, on: loop)
            guard try await rows.keep(stored, of: workspace) else {
                throw APIError(.notFound, ErrorMessage.workspaceNotFound)
            }
        } catch {
            await markForDeletion(stored, of: workspace)
            throw error
        }
    }

    /// In a task of its own: the request's may have been cancelled, and with it all calls.
    private func markForDeletion(_ stored: [String], of workspace: UUID) async {
        await Task { [rows, logger] in
            do {
                try await rows.markForDeletion(stored, of: workspace, after: Self.lateWrites)
            } catch {
                // As when the process dies here: they count as abandoned after an hour.
                logger.debug("failed files were not marked for deletion", [.error: .error(error)])
            }
        }.value
    }

    private func write(
        _ files: [SpooledFile], of workspace: UUID, in storage: ChatFile.Storage, on loop: EventLoop
    ) async throws {
        switch storage {
        case .container: try await copy(files, to: workspace, on: loop)
        case .store:
            let deadline = ContinuousClock.now + Self.writeTimeout
            for file in files {
                guard let store, ContinuousClock.now < deadline else {
                    throw APIError(.serviceUnavailable, ErrorMessage.fileStoreUnavailable, retryAfter: 30)
                }
                do throws(FileStoreError) {
                    try await store.put(file, of: workspace, on: loop)
                } catch {
                    throw unavailable(error)
                }
            }
        }
    }

    /// The response for a store's error; the detail is logged.
    func unavailable(_ error: FileStoreError) -> APIError {
        logger.warning("the file store failed", [.error: .string(error.detail)])
        return APIError(
            .serviceUnavailable, ErrorMessage.fileStoreUnavailable, retryAfter: 30, detail: error.description)
    }

    private func copy(_ files: [SpooledFile], to workspace: UUID, on loop: EventLoop) async throws {
        let outgoing = files.map { file in
            OutgoingFile(name: file.name.stored, size: file.size) {
                DescriptorSource(file.file.descriptor, owner: file.file, 0..<file.size, on: loop)
            }
        }
        do throws(ProvisioningError) {
            try await provisioner.copy(outgoing, to: DownloadPath.uploads, of: WorkspaceName(workspace))
        } catch {
            throw refusal(of: error)
        }
    }

    /// The response for a backend's error.
    func refusal(of error: ProvisioningError) -> APIError {
        switch error.kind {
        case .missing where error.operation == .copyIn: return APIError(.notFound, ErrorMessage.containerNotFound)
        case .missing: return APIError(.notFound, ErrorMessage.fileNotFound)
        case .unsafePath where error.operation == .copyOut:
            return APIError(
                .badRequest, ErrorMessage.invalidPath, field: "path",
                reason: "must be a regular file, not by way of links")
        case .unavailable, .conflict, .noBackend:
            logger.warning("files could not be copied", [.error: .string(error.description)])
            return APIError(
                .serviceUnavailable, ErrorMessage.provisionerNotAvailable, retryAfter: 30, detail: error.description)
        default:
            logger.warning("a container refused files", [.error: .string(error.description)])
            return APIError(.conflict, ErrorMessage.containerRefusedFiles, detail: error.description)
        }
    }
}
