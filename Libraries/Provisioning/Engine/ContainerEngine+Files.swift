import Contracts
import Foundation
import HTTPCore
import JSONBytes
import UVHTTPClient

/// Files in and out of containers, through the engine's archives.
///
/// Engines follow symbolic links within a container. The path alone decides what can be accessed only when there are no
/// links on it, so every folder of it is checked. A process that could create a link in between (TOCTOU) is in the
/// container, and can read and write the same files anyway.
extension ContainerEngine {
    package var copiesFiles: Bool { true }

    package func copy(
        _ files: [OutgoingFile], to folder: String, of workspace: WorkspaceName
    ) async throws(ProvisioningError) {
        let target = try await container(of: workspace, for: .copyIn)
        let (present, missing) = try await split(folder, target)
        let upload = TarUpload()
        let time = Int(Date().timeIntervalSince1970)
        for count in 0..<missing.count {
            upload.add(
                try Self.header(
                    missing.prefix(count + 1).joined(separator: "/") + "/", .folder, mode: 0o755, size: 0,
                    owner: target.owner, time))
        }
        for file in files {
            let path = (missing + [file.name]).joined(separator: "/")
            upload.add(try Self.header(path, .file, mode: 0o644, size: file.size, owner: target.owner, time))
            upload.add(file)
        }
        upload.add(TarHeader.end)
        let response = try await client.send(
            .init(
                method: .put,
                target: "/containers/\(target.id)/archive?path=\(present.percentEncoded)&noOverwriteDirNonDir=true",
                upload: (upload, upload.length), contentType: "application/x-tar", timeout: .seconds(300),
                operation: .copyIn))
        if response.isNotFound { throw ProvisioningError(.missing, .copyIn, detail: response.explanation) }
        guard response.status.isSuccess else { throw response.failure() }
    }

    package func findFile(
        _ path: String, of workspace: WorkspaceName
    ) async throws(ProvisioningError) -> ContainerFile {
        let container = try await container(of: workspace, for: .copyOut)
        let (parent, missing) = try await split(
            String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), container)
        guard missing.isEmpty, let status = try await status(of: path, container) else {
            throw ProvisioningError(.missing, .copyOut, detail: "there is no \(path) below \(parent)")
        }
        guard status.isPlainFile else { throw Self.unsafe(path, .copyOut) }
        guard let size = status.size, let modified = status.modified else {
            throw ProvisioningError(.unavailable, .copyOut, detail: "the engine does not say how long \(path) is")
        }
        return ContainerFile(size: size, modified: modified) { () async throws(ProvisioningError) in
            let body = try await open(path, of: container)
            guard body.size == size else {
                body.cancel()
                throw ProvisioningError(.unavailable, .copyOut, detail: "\(path) changed while it was opened")
            }
            return body
        }
    }

    private func open(_ path: String, of container: Container) async throws(ProvisioningError) -> TarFileBody {
        let response = try await client.open(
            .init(
                method: .get, target: Self.archive(of: path, container), timeout: .seconds(60), operation: .copyOut))
        guard response.status.isSuccess else {
            throw ProvisioningError(
                response.status == .notFound ? .missing : .unavailable, .copyOut, detail: "\(response.status.code)")
        }
        return try await Self.firstFile(of: response.body.source, path)
    }

    private static func firstFile(
        of source: any HTTPByteSource, _ path: String
    ) async throws(ProvisioningError) -> TarFileBody {
        let body = TarFileBody(source)
        do {
            try await body.readHeader()
            return body
        } catch TarFileBody.Refusal.notAFile {
            throw unsafe(path, .copyOut)
        } catch {
            throw ProvisioningError(.unavailable, .copyOut, detail: "the archive of \(path): \(error)")
        }
    }

    // MARK: - Paths

    private struct Container {
        /// The container's id: its name may belong to another container a moment later.
        let id: String
        /// The user of its processes, when it is given as numbers; else root.
        let owner: TarArchive.Owner
        let operation: ProvisioningError.Operation
    }

    private func container(
        of workspace: WorkspaceName, for operation: ProvisioningError.Operation
    ) async throws(ProvisioningError) -> Container {
        let response = try await inspect(workspace.container, for: operation)
        if response.isNotFound { throw ProvisioningError(.missing, operation, detail: "no container \(workspace)") }
        guard response.status.isSuccess else { throw response.failure() }
        let json = try response.json()
        guard let id = json["Id"]?.string else {
            throw ProvisioningError(.unavailable, operation, detail: "the engine names no id of \(workspace)")
        }
        return Container(
            id: id, owner: TarArchive.Owner(imageUser: json["Config"]?["User"]?.string ?? ""), operation: operation)
    }

    /// Splits a folder's path into the part that exists, made of folders alone, and the missing rest.
    ///
    /// - Throws: `unsafePath` when a part of it is not a folder.
    private func split(
        _ folder: String, _ container: Container
    ) async throws(ProvisioningError) -> (present: String, missing: [String]) {
        let parts = folder.split(separator: "/").map(String.init)
        var path = ""
        for (index, part) in parts.enumerated() {
            let next = "\(path)/\(part)"
            guard let status = try await status(of: next, container) else {
                return (path.isEmpty ? "/" : path, Array(parts[index...]))
            }
            guard status.isPlainFolder else { throw Self.unsafe(next, container.operation) }
            path = next
        }
        return (path, [])
    }

    /// - Returns: nil when nothing exists at the path.
    private func status(
        of path: String, _ container: Container
    ) async throws(ProvisioningError) -> PathStatus? {
        let response = try await client.send(
            .init(
                method: .head, target: Self.archive(of: path, container), timeout: settings.inspectTimeout,
                operation: container.operation))
        // Without a body it does not say what is missing; the container existed a moment ago.
        if response.status == .notFound { return nil }
        guard response.status.isSuccess else { throw response.failure() }
        guard let header = response.headers["X-Docker-Container-Path-Stat"], let status = PathStatus(header, of: path)
        else {
            throw ProvisioningError(
                .unavailable, container.operation, detail: "the engine does not say what \(path) is")
        }
        return status
    }

    private static func archive(of path: String, _ container: Container) -> String {
        "/containers/\(container.id)/archive?path=\(path.percentEncoded)"
    }

    private static func unsafe(_ path: String, _ operation: ProvisioningError.Operation) -> ProvisioningError {
        ProvisioningError(.unsafePath, operation, detail: "\(path) is a link, or no file or folder where it should be")
    }

    private static func header(
        _ path: String, _ kind: TarHeader.Kind, mode: Int, size: Int, owner: TarArchive.Owner, _ time: Int
    ) throws(ProvisioningError) -> [UInt8] {
        guard let header = TarHeader.longBytes(path, kind, mode: mode, size: size, owner: owner, time: time) else {
            throw ProvisioningError(.invalid, .copyIn, detail: "a file's path or size cannot be expressed")
        }
        return header
    }
}

/// An engine's status of a path.
struct PathStatus: Hashable {
    /// Neither a link, nor below one.
    let isPlainFile: Bool
    let isPlainFolder: Bool
    /// Bytes.
    let size: Int?
    /// When it was changed, in whole seconds since 1970.
    let modified: Int?

    /// - Parameter header: JSON in base64; its mode is Go's `os.FileMode`.
    init?(_ header: String, of path: String) {
        // Docker writes the standard alphabet, Podman that of URLs.
        let standard = header.replacing("-", with: "+").replacing("_", with: "/")
        guard let data = Data(base64Encoded: standard), let json = try? JSONValue(decoding: Array(data)),
            let mode = json["mode"]?.int
        else { return nil }
        let (folder, typeBits) = (1 << 31, 1 << 31 | 1 << 27 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19)
        // Podman repeats the path itself there when it is not a link.
        let target = json["linkTarget"]?.string ?? ""
        let isPlain = target.isEmpty || target == path
        isPlainFile = isPlain && mode & typeBits == 0
        isPlainFolder = isPlain && mode & typeBits == folder
        size = json["size"]?.int.flatMap { $0 >= 0 ? $0 : nil }
        modified = json["mtime"]?.string.flatMap { RFC3339.parse($0) }
            .map { Int($0.timeIntervalSince1970.rounded(.down)) }
    }
}
