import Contracts
import EventLoop
import Foundation
import HTTPCore
import HTTPServer
import Observability
import PostgresClient
import Provisioning

/// Keeps the files of an upload: all of them or none, and their bytes before anybody is told of them.
struct ChatFileKeeper: Sendable {
    /// Of writing all of them, well before they count as abandoned.
    private static let writingTime: Duration = .seconds(900)
    /// Seconds after which a write that failed can arrive no more.
    private static let lateWrites: Double = 600

    let rows: ChatFileRows
    let quota: ChatFileRows.Quota
    /// Nil where none is configured.
    let store: (any FileStore)?
    let provisioner: any Provisioner
    let logger: Logger

    /// Where the files of a workspace go.
    ///
    /// - Throws: `APIError` 404 for an unknown or removed workspace, 409 when it has as much as it may, 503 when there is no
    ///   place for files.
    func storage(of workspace: UUID) async throws -> ChatFile.Storage {
        guard let isManaged = try await rows.isManaged(workspace) else {
            throw APIError(.notFound, Sentence.workspaceNotFound)
        }
        let isInContainer = isManaged && provisioner.copiesFiles
        guard isInContainer || store != nil else { throw APIError(.serviceUnavailable, Sentence.noFileStore) }
        // What cannot be kept in any case is not read.
        guard try await rows.hasRoom(workspace, quota) else { throw overQuota }
        return isInContainer ? .container : .store
    }

    private var overQuota: APIError {
        APIError(
            .conflict, Sentence.fileQuotaExceeded, field: UploadReader.field,
            reason: "at most \(quota.files) files of \(quota.bytes) bytes together",
            members: [("limit", .int(quota.bytes))])
    }

    /// - Throws: `APIError` 404, 409 when the workspace would have too much, 503.
    func keep(_ files: [SpooledFile], of workspace: UUID, in storage: ChatFile.Storage, on loop: EventLoop) async throws
    {
        let entries = files.map { file in
            ChatFile(
                stored: file.name.stored, name: file.name.name, mimeType: file.mimeType, size: file.size,
                storage: storage)
        }
        switch try await rows.register(entries, of: workspace, quota) {
        case .registered: break
        case .noWorkspace: throw APIError(.notFound, Sentence.workspaceNotFound)
        case .overQuota: throw overQuota
        }
        let stored = files.map(\.name.stored)
        do {
            try await write(files, of: workspace, in: storage, on: loop)
            guard try await rows.keep(stored, of: workspace) else {
                throw APIError(.notFound, Sentence.workspaceNotFound)
            }
        } catch {
            await giveUp(stored, of: workspace)
            throw error
        }
    }

    /// Not in the request's task, which may have been cancelled: then all calls would be.
    private func giveUp(_ stored: [String], of workspace: UUID) async {
        await Task { [rows, logger] in
            do {
                try await rows.giveUp(stored, of: workspace, after: Self.lateWrites)
            } catch {
                // As with a process that dies here: they count as abandoned after an hour.
                logger.debug("files were not given up", [.error: .error(error)])
            }
        }.value
    }

    private func write(
        _ files: [SpooledFile], of workspace: UUID, in storage: ChatFile.Storage, on loop: EventLoop
    ) async throws {
        switch storage {
        case .container: try await copy(files, to: workspace, on: loop)
        case .store:
            let end = ContinuousClock.now + Self.writingTime
            for file in files {
                guard let store, ContinuousClock.now < end else {
                    throw APIError(.serviceUnavailable, Sentence.fileStoreUnavailable, retryAfter: 30)
                }
                do throws(FileStoreError) {
                    try await store.put(file, of: workspace, on: loop)
                } catch {
                    throw unavailable(error)
                }
            }
        }
    }

    /// What a client is told of a store's error; the log is told the rest.
    func unavailable(_ error: FileStoreError) -> APIError {
        logger.warning("the file store failed", [.error: .string(error.detail)])
        return APIError(
            .serviceUnavailable, Sentence.fileStoreUnavailable, retryAfter: 30, detail: error.description)
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

    /// What a client is told of a container's error.
    func refusal(of error: ProvisioningError) -> APIError {
        switch error.kind {
        case .missing where error.operation == .copyIn: return APIError(.notFound, Sentence.containerNotFound)
        case .missing: return APIError(.notFound, Sentence.fileNotFound)
        case .unsafePath where error.operation == .copyOut:
            return APIError(
                .badRequest, Sentence.invalidPath, field: "path", reason: "must be a regular file, not by way of links")
        case .unavailable, .conflict, .noBackend:
            logger.warning("files could not be copied", [.error: .string(error.description)])
            return APIError(
                .serviceUnavailable, Sentence.provisionerNotAvailable, retryAfter: 30, detail: error.description)
        default:
            logger.warning("a container refused files", [.error: .string(error.description)])
            return APIError(.conflict, Sentence.containerRefusedFiles, detail: error.description)
        }
    }
}
