import Foundation
import HTTPCore
import UVLoop

/// Where the files of workspaces are that have no container. Files never change under their names.
protocol FileStore: Sendable {
    /// Keeps a file; on return it is durable. May be done again.
    func put(_ file: SpooledFile, of workspace: UUID, on loop: EventLoop) async throws(FileStoreError)

    /// Opens a part of a file.
    ///
    /// - Parameters:
    ///   - size: bytes of the whole file.
    ///   - range: not beyond it.
    /// - Throws: `missing` when it is not there, or not of that size.
    func open(
        _ stored: String, of workspace: UUID, size: Int, range: Range<Int>, on loop: EventLoop
    ) async throws(FileStoreError) -> any HTTPByteSource

    /// Removes a file. Succeeds when there is none.
    func remove(_ stored: String, of workspace: UUID, on loop: EventLoop) async throws(FileStoreError)

    /// Removes what writes that were cut short have left behind.
    func sweep(on loop: EventLoop) async throws(FileStoreError)
}

/// Why a store did not do what it was asked to.
struct FileStoreError: Error, CustomStringConvertible {
    enum Kind: String {
        /// There is no such file.
        case missing
        /// It did not work this time.
        case unavailable
    }

    let kind: Kind
    /// For the log only.
    let detail: String

    init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }

    var description: String { "\(kind.rawValue): \(detail)" }
}
